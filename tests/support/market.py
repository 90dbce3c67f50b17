"""A small market: three exchanges on the loopback address, and a loader of their trades."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from loader.base.settings import read_settings
from loader.samples.trades.market import SampleTrade, generate_trades
from loader.samples.trades.server import BinanceServer, CoinbaseServer, ExchangeServer, KrakenServer
from tests.support.loading import SourceLoader
from tests.support.workspace import Workspace

DAYS = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)]
PAIRS = {"binance": "BTCUSDT", "kraken": "XBT/USD", "coinbase": "BTC-USD"}
SYMBOLS = '["BTC-USDT", "BTC-USD"]'


@dataclass(frozen=True)
class Market:
    """The exchanges by name, and a loader that knows them."""

    servers: dict[str, ExchangeServer]
    loader: SourceLoader

    def list_trades(self, exchange: str) -> list[SampleTrade]:
        """The trades of an exchange's one pair: the server's own list."""
        return self.servers[exchange].trades[PAIRS[exchange]]

    def read(self, table: str, columns: str = "*", order: str = "all") -> list[tuple[Any, ...]]:
        """The rows of a raw table."""
        with duckdb.connect(str(self.loader.settings.warehouse), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(f"select {columns} from raw_trades.{table} order by {order}").fetchall()

    def read_rows(self, exchange: str) -> list[tuple[Any, ...]]:
        """Number, microseconds, side, price and quantity of each trade that raw holds."""
        columns = "cast(trade_id as bigint), epoch_us(occurred_at), side, price, quantity"
        return self.read(exchange, columns, "1")

    def expect_rows(self, exchange: str) -> list[tuple[Any, ...]]:
        """The same of each trade that the exchange has."""
        return [
            (trade.number, trade.at, trade.side, Decimal(trade.price), Decimal(trade.quantity))
            for trade in self.list_trades(exchange)
        ]


@contextmanager
def open_market(data: Path, trades_per_day: int = 500, days: list[date] = DAYS) -> Iterator[Market]:
    """Serves each exchange's pair with so many trades on each of these days."""
    trades = {name: {pair: generate_trades(pair, days, trades_per_day)} for name, pair in PAIRS.items()}
    with (
        BinanceServer(trades["binance"]) as binance,
        KrakenServer(trades["kraken"]) as kraken,
        CoinbaseServer(trades["coinbase"]) as coinbase,
    ):
        servers: dict[str, ExchangeServer] = {"binance": binance, "kraken": kraken, "coinbase": coinbase}
        loader = SourceLoader(
            "trades",
            read_settings({"HEADWATER_DATA": str(data)}),
            symbols=SYMBOLS,
            requests_per_second=1000,
            **{f"{name}_url": server.url for name, server in servers.items()},
        )
        yield Market(servers, loader)


def configure_workspace(workspace: Workspace, market: Market) -> None:
    """Lets the commands of the workspace know this market."""
    workspace.environment |= {
        "HEADWATER_DOMAINS": "market",
        "SOURCES__TRADES__SYMBOLS": SYMBOLS,
        "SOURCES__TRADES__REQUESTS_PER_SECOND": "1000",
        "SOURCES__TRADES__POLL_SECONDS": "0.2",
        "SOURCES__TRADES__QUIET_POLL_SECONDS": "0.4",
        **{f"SOURCES__TRADES__{name.upper()}_URL": server.url for name, server in market.servers.items()},
    }

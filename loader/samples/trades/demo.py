"""The demo of the domain market: three days of trades of three exchanges, and a fourth a day later."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

from loader.samples.demo import Demo
from loader.samples.trades.market import SampleTrade, generate_trades
from loader.samples.trades.server import BinanceServer, CoinbaseServer, ExchangeServer, KrakenServer

FIRST_DAY = date(2026, 1, 5)
DAYS = 3
# A first run reads the newest 1,000 trades of a pair.
_TRADES_PER_DAY = 320
# Of each exchange its pairs, each with the asset and about what it costs.
_PAIRS = {
    "binance": {"BTCUSDT": ("BTC", 900.0), "ETHUSDT": ("ETH", 300.0)},
    "coinbase": {"BTC-USD": ("BTC", 900.0)},
    "kraken": {"XBT/USD": ("BTC", 900.0), "ETH/USD": ("ETH", 300.0)},
}
_SERVERS: dict[str, Callable[[dict[str, list[SampleTrade]]], ExchangeServer]] = {
    "binance": BinanceServer,
    "coinbase": CoinbaseServer,
    "kraken": KrakenServer,
}
SYMBOLS = '["BTC-USD", "BTC-USDT", "ETH-USDT", "kraken:ETH-USD"]'

ANSWERS = [
    (
        "How far do prices go within a day?",
        """
        select
            symbol,
            exchange,
            bucket_date as day,
            open,
            close,
            round(100 * (high - low) / open, 2) as percent_range
        from marts.fct_candles
        where interval_seconds = 86400
        order by symbol, exchange, day
        """,
    ),
    (
        "Does the price rise when takers buy?",
        """
        select
            case when close > open then 'rising' when close < open then 'falling' else 'unchanged' end as hours,
            count(*) as candles,
            round(cast(100 * avg(taker_buy_share) as numeric), 1) as percent_bought_by_takers
        from marts.fct_candles
        where interval_seconds = 3600 and trade_count > 0
        group by 1
        order by 1
        """,
    ),
    (
        "How complete is each day?",
        """
        select
            exchange,
            symbol,
            count(*) as days,
            sum(trade_count) as trades,
            sum(missing_count) as missing,
            sum(rejected_count) as rejected,
            round(cast(max(minutes_since_last_trade) as numeric), 1) as longest_silence_minutes
        from marts.fct_market_quality
        group by exchange, symbol
        order by exchange, symbol
        """,
    ),
]


def generate_sample(day: int = 1) -> dict[str, dict[str, list[SampleTrade]]]:
    """The trades of each exchange and pair, as they are on that day of the demo."""
    days = [FIRST_DAY + timedelta(days=number) for number in range(DAYS + day - 1)]
    return {
        exchange: {
            pair: generate_trades(pair, days, _TRADES_PER_DAY, asset=asset, price=price)
            for pair, (asset, price) in pairs.items()
        }
        for exchange, pairs in _PAIRS.items()
    }


@contextmanager
def serve_sample(day: int, _: Path) -> Iterator[Mapping[str, str]]:
    """Serves the exchanges, and yields the settings by which the source finds them."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_SERVERS[name](trades)) for name, trades in generate_sample(day).items()}
        yield {
            "SOURCES__TRADES__SYMBOLS": SYMBOLS,
            "SOURCES__TRADES__REQUESTS_PER_SECOND": "1000",
            **{f"SOURCES__TRADES__{name.upper()}_URL": server.url for name, server in servers.items()},
        }


DEMO = Demo(
    domain="market",
    folder="demo-market",
    serve=serve_sample,
    answers=ANSWERS,
    days=2,
    next_steps=[("headwater demo --domain market --day 2", "a day later: only what is new is loaded")],
)

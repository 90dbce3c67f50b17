"""The marts of the market, held against the exchanges' own trades by plain Python, in DuckDB and in Postgres."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from loader.base.settings import ROOT
from loader.publish.answers import read_questions
from loader.samples.trades.demo import SYMBOLS, generate_sample
from loader.samples.trades.market import SampleTrade
from loader.samples.trades.server import BinanceServer, CoinbaseServer, ExchangeServer, KrakenServer
from tests.support.market_truth import INTERVALS, carry, compute_candles
from tests.support.workspace import Workspace

SYMBOL_OF = {"BTCUSDT": "BTC-USDT", "ETHUSDT": "ETH-USDT", "BTC-USD": "BTC-USD", "XBT/USD": "BTC-USD"}
SYMBOL_OF["ETH/USD"] = "ETH-USD"
CANDLE = "open, high, low, close, volume, quote_volume, trade_count"


@dataclass(frozen=True)
class Published:
    """A workspace with the sample published, and the servers that have it."""

    workspace: Workspace
    servers: Mapping[str, ExchangeServer]

    def list_trades(self) -> dict[tuple[str, str], list[SampleTrade]]:
        """The exchanges' trades by exchange and symbol."""
        return {
            (exchange, SYMBOL_OF[pair]): trades
            for exchange, server in self.servers.items()
            for pair, trades in server.trades.items()
        }

    def read_candles(self, table: str) -> dict[Any, tuple[Any, ...]]:
        """The candles of a table of the warehouse."""
        begin = "epoch_us(bucket_start_at) // 1000000"
        sql = f"select exchange, symbol, interval_seconds, {begin}, {CANDLE}, vwap, taker_buy_share from {table}"
        with self.workspace.open_duckdb() as connection:
            return {row[:4]: row[4:] for row in connection.execute(sql).fetchall()}


@pytest.fixture(scope="module")
def market(module_workspace: Workspace) -> Iterator[Published]:
    """The demo's sample, loaded and published once."""
    kinds = {"binance": BinanceServer, "coinbase": CoinbaseServer, "kraken": KrakenServer}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(kinds[name](trades)) for name, trades in generate_sample().items()}
        module_workspace.environment |= {
            "HEADWATER_DOMAINS": "market",
            "SOURCES__TRADES__SYMBOLS": SYMBOLS,
            "SOURCES__TRADES__REQUESTS_PER_SECOND": "1000",
            **{f"SOURCES__TRADES__{name.upper()}_URL": server.url for name, server in servers.items()},
        }
        module_workspace.run_well("headwater", "run")
        yield Published(module_workspace, servers)


def as_numbers(row: Iterable[Any]) -> list[Any]:
    """The row with numbers as floats: the databases round to decimals and doubles."""
    return [float(value) if isinstance(value, int | Decimal) else value for value in row]


def expect_candles(found: Mapping[Any, tuple[Any, ...]], expected: Mapping[Any, tuple[Any, ...]]) -> None:
    """Every bucket, exactly; the two quotients to a double's precision."""
    assert found.keys() == expected.keys()
    for key, (*exact, bought) in expected.items():
        *held, vwap, share = found[key]
        assert held == exact, key
        volume, quote = exact[4], exact[5]
        if volume:
            assert vwap == pytest.approx(float(quote / volume), rel=1e-14)
            assert share == pytest.approx(float(bought / volume), rel=1e-14)
        else:
            assert (vwap, share) == (None, None)


def test_every_trade_has_the_digits_of_its_exchange_in_both_databases(market: Published) -> None:
    expected = {
        (exchange, symbol, str(trade.number), trade.side, Decimal(trade.price), Decimal(trade.quantity))
        for (exchange, symbol), trades in market.list_trades().items()
        for trade in trades
    }
    columns = "exchange, symbol, trade_id, side, price, quantity, quote_volume"
    with market.workspace.open_duckdb() as connection:
        in_duckdb = connection.execute(f"select {columns} from marts.fct_trades").fetchall()
    in_postgres = market.workspace.query_postgres(f"select {columns} from marts.fct_trades")
    for rows in (in_duckdb, in_postgres):
        assert len(rows) == len(expected)
        assert {row[:6] for row in rows} == expected
        assert all(row[6] == row[4] * row[5] for row in rows)  # type: ignore[operator]


def test_every_candle_is_that_of_its_trades(market: Published) -> None:
    expected = compute_candles(market.list_trades())
    expect_candles(market.read_candles("marts.fct_candles"), expected)
    begin = "extract(epoch from bucket_start_at)::bigint"
    rows = market.workspace.query_postgres(
        f"select exchange, symbol, interval_seconds, {begin}, {CANDLE}, vwap, taker_buy_share from marts.fct_candles"
    )
    expect_candles({row[:4]: row[4:] for row in rows}, expected)


def test_minutes_add_up_to_hours_and_days_exactly(market: Published) -> None:
    differing = """
        with minutes as (select * from marts.fct_candles where interval_seconds = 60),
        longer as (select * from marts.fct_candles where interval_seconds > 60)
        select longer.exchange, longer.symbol, longer.interval_seconds, longer.bucket_start_at
        from longer inner join minutes
            on longer.exchange = minutes.exchange and longer.symbol = minutes.symbol
            and minutes.bucket_start_at >= longer.bucket_start_at
            and minutes.bucket_start_at < longer.bucket_start_at + longer.interval_seconds * interval '1 second'
        group by all
        having any_value(longer.volume) != sum(minutes.volume)
            or any_value(longer.quote_volume) != sum(minutes.quote_volume)
            or any_value(longer.trade_count) != sum(minutes.trade_count)
            or any_value(longer.open) != arg_min(minutes.open, minutes.bucket_start_at)
            or any_value(longer.close) != arg_max(minutes.close, minutes.bucket_start_at)
            or any_value(longer.high) != max(minutes.high)
            or any_value(longer.low) != min(minutes.low)
    """
    with market.workspace.open_duckdb() as connection:
        assert connection.execute(differing).fetchall() == []


def test_the_quality_of_a_day_is_counted(market: Published) -> None:
    with market.workspace.open_duckdb() as connection:
        rows = connection.execute(
            "select exchange, symbol, sum(trade_count), sum(duplicate_count), sum(missing_count), sum(late_count),"
            " sum(rejected_count), min(lowest_price), max(highest_price) from marts.fct_market_quality group by all"
        ).fetchall()
    assert {row[:2]: row[2:] for row in rows} == {
        place: (
            len(trades),
            *(0, 0, 0, 0),
            min(Decimal(trade.price) for trade in trades),
            max(Decimal(trade.price) for trade in trades),
        )
        for place, trades in market.list_trades().items()
    }


def test_the_answers_are_those_of_the_page(market: Published) -> None:
    page = (ROOT / "docs" / "market.md").read_text(encoding="utf-8")
    answers = read_questions(["market"])
    assert len(answers) == 4
    with market.workspace.open_both() as connection:
        for answer in answers:
            rows = connection.execute(answer.sql).fetchall()
            assert rows
            assert [as_numbers(row) for row in market.workspace.query_postgres(answer.sql)] == [
                as_numbers(row) for row in rows
            ]
            _, _, section = page.partition(f"(`{answer.name}`)")
            table = section.split("\n\n")[1].splitlines()[2:]
            assert table == ["| " + " | ".join(map(str, row)) + " |" for row in rows], answer.name


@contextmanager
def changed(trades: list[SampleTrade], after: list[SampleTrade]) -> Iterator[None]:
    """The exchange has other trades for a while."""
    before = list(trades)
    trades[:] = after
    try:
        yield
    finally:
        trades[:] = before


def test_candles_are_built_again_where_trades_came_changed_or_went_and_nowhere_else(market: Published) -> None:
    """A backfill of one day finds a trade that came late, one that changed its time, and one that is gone.

    The same build carries empty buckets.
    """
    trades = market.servers["binance"].trades["BTCUSDT"]
    late = SampleTrade(10_000, trades[400].at + 1_000_000, "999.99", "1.00000000", "buy")
    gone, moved = trades[450], replace(trades[500], at=trades[480].at)
    touched = {
        ("binance", "BTC-USDT", interval, at // 1_000_000 // interval * interval)
        for interval in INTERVALS
        for at in (late.at, gone.at, moved.at, trades[500].at)
    }
    kept = [trade for trade in trades if trade.number not in (gone.number, moved.number)]
    with changed(trades, sorted([*kept, moved, late], key=lambda trade: trade.number)):
        market.workspace.run_well(
            *("dlt", "pipeline", "trades", "run", "--symbol", "BTC-USDT"),
            *("--since", "2026-01-06", "--until", "2026-01-07"),
        )
        models = ("int_candles_shortest", "int_candles_longer", "int_candles")
        market.workspace.run_well("dbt", "run", "--select", *models, "--vars", "carry_empty_candles: true")
        expected = compute_candles(market.list_trades())
    expect_candles(market.read_candles("transform.int_candles"), carry(expected))
    rebuilt = """
        select exchange, symbol, interval_seconds, bucket_number * interval_seconds
        from (from transform.int_candles_shortest union all from transform.int_candles_longer)
        where load_id = (select max(load_id) from transform.int_candles_longer)
    """
    with market.workspace.open_duckdb() as connection:
        assert set(connection.execute(rebuilt).fetchall()) == touched
        assert connection.execute("select sum(late_count) from raw_trades.stream_days").fetchall() == [(1,)]

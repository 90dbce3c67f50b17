"""Trades as a source: a resource for each exchange, read on live or backfilled."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from loader.raw.series import RowPage, Series
from loader.sources.contract import FOLLOW, SINCE, UNTIL, Estimate, Option, Plan, RunEstimate, Source, SourceRun
from loader.sources.trades.backfill import Backfill, list_days, read_range
from loader.sources.trades.binance import Binance
from loader.sources.trades.coinbase import Coinbase
from loader.sources.trades.exchange import Exchange
from loader.sources.trades.kraken import Kraken
from loader.sources.trades.live import plan_live
from loader.sources.trades.settings import TradesSettings
from loader.sources.trades.symbols import Pair, find_pairs
from loader.sources.trades.trade import TRADE_SCHEMA

SYMBOL = Option("symbol", "SYMBOL", "Load this symbol alone, such as BTC-USDT, or kraken:BTC-USD on one exchange")

EXCHANGES: tuple[type[Exchange], ...] = (Binance, Coinbase, Kraken)

Run = SourceRun[TradesSettings]


def open_exchanges(run: Run) -> dict[str, Exchange]:
    """The exchanges by name, each at the address in the settings."""
    settings = run.settings
    return {
        exchange.name: exchange(
            getattr(settings, f"{exchange.name}_url"), settings.requests_per_second, run.progress.warn
        )
        for exchange in EXCHANGES
    }


def plan_trades(run: Run) -> Plan:
    """A backfill where there are dates; else what is new."""
    days = read_range(run)
    pairs = _choose_pairs(run)
    exchanges = open_exchanges(run)
    if days is None:
        yield from plan_live(run, exchanges, pairs)
        return
    listed = list_days(run.raw, pairs, *days, anew=run.options.is_full_refresh)
    yield from Backfill(run, exchanges, listed, (days[1] - days[0]).days).plan()


def estimate_trades(run: Run) -> RunEstimate:
    """At least one request for each pair, or for each of its days."""
    days = read_range(run)
    pairs = _choose_pairs(run)
    if days is None:
        return RunEstimate([Estimate("read what is new", len(pairs), None, f"{len(pairs)} pairs, 1,000 trades each")])
    listed = list_days(run.raw, pairs, *days, anew=run.options.is_full_refresh)
    return RunEstimate([Estimate("replace days", len(listed), None, f"{len(listed)} days, 1,000 trades a request")])


def _choose_pairs(run: Run) -> list[Pair]:
    chosen = run.options.list(SYMBOL)
    if chosen:
        return find_pairs(chosen, "--symbol")
    return find_pairs(run.settings.symbols, f"{run.source.section}.symbols")


def _read_pages(exchange: str, given: Any) -> Iterator[RowPage]:
    yield from given.read(exchange)


SOURCE = Source(
    name="trades",
    domain="market",
    settings=TradesSettings,
    resources=tuple(
        Series(exchange.name, TRADE_SCHEMA, exchange.read, partial(_read_pages, exchange.name), exchange.read_place)
        for exchange in EXCHANGES
    ),
    options=(SYMBOL, SINCE, UNTIL, FOLLOW),
    plan=plan_trades,
    estimate=estimate_trades,
    needs='sources.trades.symbols, such as ["BTC-USDT"]',
)

"""Faults of a day of trades are counted, and what is strange is warned of: held against the day by plain Python."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from loader.base.settings import ROOT
from loader.sources.contract import RunOptions
from tests.support.market import DAYS, PAIRS, open_market
from tests.support.workspace import Workspace

MIDNIGHT = datetime.combine(DAYS[1], datetime.min.time(), UTC)
LAST = int((MIDNIGHT - timedelta(minutes=90)).timestamp()) * 1_000_000


def test_every_kind_of_fault_is_counted_on_its_day_and_silence_and_prices_are_warned_of(workspace: Workspace) -> None:
    day = {"since": (f"{DAYS[0]}",), "until": (f"{DAYS[1]}",)}
    with open_market(workspace.settings.data, trades_per_day=80, days=DAYS[:1]) as market:
        complete = [trade for trade in market.list_trades("binance") if trade.at < LAST]
        cheap, no_trade, dear = complete[3], complete[7], complete[9]
        complete[3], complete[9] = replace(cheap, price="0.0005"), replace(dear, price="1000000.01")
        complete[7] = replace(no_trade, price="0")
        never_there, comes_late = complete[20:23], complete[30]
        sent = [trade for trade in complete if trade not in never_there]
        twice = sent[12:14]
        first = sorted([*sent, *twice], key=lambda trade: trade.number)
        market.servers["binance"].trades[PAIRS["binance"]] = [trade for trade in first if trade != comes_late]
        for options in (None, RunOptions(False, day)):
            loaded = market.loader.load(options, symbols='["BTC-USDT"]')
            assert loaded.error is None
            market.servers["binance"].trades[PAIRS["binance"]] = sent
    workspace.environment["HEADWATER_DOMAINS"] = "market"
    # The first build of this warehouse: the unit tests of candles and quality run before there is a table.
    built = workspace.run(
        *("dbt", "--no-use-colors", "build", "--select", "+fct_market_quality", "+int_candles"),
        extra={"DBT_EXCLUDE_RESOURCE_TYPES": ""},
    )
    assert built.status == 0, built.output
    (unit_tests,) = (ROOT / "dbt_project").rglob("_market__unit_tests.yml")
    passed = re.findall(r"PASS int_(?:candles\w*|market_quality)::", built.output)
    assert len(passed) == unit_tests.read_text().count("\n    expect:") > 5

    kept = [trade for trade in sent if trade.number != no_trade.number]
    with workspace.open_duckdb() as connection:
        columns = "trade_count, duplicate_count, missing_count, late_count, rejected_count, lowest_price, highest_price"
        sql = f"select traded_date, {columns}, minutes_since_last_trade from marts.fct_market_quality"
        ((*counted, minutes),) = connection.execute(sql).fetchall()
    assert counted == [
        DAYS[0],
        *(len(kept), len(twice), len(never_there), 1, 1),
        min(Decimal(trade.price) for trade in kept),
        max(Decimal(trade.price) for trade in kept),
    ]
    silence = MIDNIGHT - datetime.fromtimestamp(max(trade.at for trade in kept) / 1e6, UTC)
    assert minutes == pytest.approx(silence.total_seconds() / 60, abs=1 / 60)
    warned = re.findall(r"WARN (\d+) (expect_values_between_fct_market_quality\w*)", built.output)
    assert [count for count, _ in warned] == ["1", "2"] or [count for count, _ in warned] == ["2", "1"], built.output

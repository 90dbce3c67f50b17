"""Backfill: days replaced whole, resumable, with the live position where it was."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from loader.samples.faults import answer_status
from loader.samples.trades.market import generate_trades
from loader.sources.contract import RunOptions
from loader.sources.trades import backfill
from loader.sources.trades.backfill import AT_ONCE
from tests.support.market import DAYS, PAIRS, open_market

EXCHANGES = list(PAIRS)


def days(since: str, until: str, *, symbol: str | None = None, anew: bool = False) -> RunOptions:
    """A backfill of these days."""
    options: dict[str, tuple[str, ...]] = {"since": (since,), "until": (until,)}
    return RunOptions(anew, options | ({"symbol": (symbol,)} if symbol else {}))


def test_days_are_complete_and_the_live_position_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with open_market(tmp_path, trades_per_day=1500) as market:
        market.loader.load()
        before = market.read("stream_positions", "resource, stream, last_position")
        loaded = market.loader.load(days("2026-01-05", "2026-01-08"))
        assert loaded.error is None
        for exchange in EXCHANGES:
            assert market.read_rows(exchange) == market.expect_rows(exchange)
        assert market.read("stream_positions", "resource, stream, last_position") == before
        said = capsys.readouterr().out
        assert "9 of 9 days replaced" in said
        assert "requests, peak memory" in said


def test_a_day_is_replaced_whole_also_by_an_empty_one(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=100) as market:
        market.loader.load(days("2026-01-05", "2026-01-08"))
        market.servers["kraken"].trades[PAIRS["kraken"]] = [
            trade for trade in market.list_trades("kraken") if not 1100 <= trade.number < 1200
        ]
        changed = market.list_trades("binance")
        changed[150] = replace(changed[150], price="77.5")
        del changed[160]
        loaded = market.loader.load(days("2026-01-06", "2026-01-07"))
        counts = {each.resource: each.counts for each in loaded.resources}
        assert (counts["kraken"].removed, counts["kraken"].extracted) == (100, 0)
        assert (counts["binance"].changed, counts["binance"].removed, counts["binance"].unchanged) == (1, 1, 98)
        for exchange in EXCHANGES:
            assert market.read_rows(exchange) == market.expect_rows(exchange)
        outcomes = [outcome for (outcome,) in market.read("superseded_rows", "outcome")]
        assert (outcomes.count("removed"), outcomes.count("changed")) == (101, 1)


def test_failed_days_are_listed_and_the_next_run_fetches_them_alone(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=50) as market:
        market.servers["binance"].fail_next(answer_status(400, {"code": -1100, "msg": "Illegal characters."}))
        failed = market.loader.load(days("2026-01-05", "2026-01-08", symbol="BTC-USDT"))
        assert failed.error
        assert "1 days failed: binance BTC-USDT 2026-01-0" in failed.error
        assert "The others are kept" in failed.error
        assert len(market.read("binance")) == 100
        market.servers["binance"].requests.clear()
        assert market.loader.load(days("2026-01-05", "2026-01-08", symbol="BTC-USDT")).error is None
        assert market.read_rows("binance") == market.expect_rows("binance")
        asked = {
            datetime.fromtimestamp(int(request.parameters["startTime"]) / 1000, UTC).date()
            for request in market.servers["binance"].requests
            if "startTime" in request.parameters
        }
        assert len(asked) == 1
        # A backfill that was complete is done again: what changed since is found.
        market.servers["binance"].requests.clear()
        again = market.loader.load(days("2026-01-05", "2026-01-08", symbol="BTC-USDT"))
        assert [each.counts.unchanged for each in again.resources] == [150]


def test_a_long_range_begins_with_a_trial_of_one_day(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert backfill.TRIAL_ABOVE_DAYS == 30
    monkeypatch.setattr(backfill, "TRIAL_ABOVE_DAYS", 3)  # thirty days of loads take ten seconds
    listed = [date(2026, 1, 1) + timedelta(days=number) for number in range(4)]
    with open_market(tmp_path, trades_per_day=3, days=listed) as market:
        market.loader.configured |= {"symbols": '["BTC-USDT"]'}
        market.servers["binance"].fail_next(answer_status(400, {"code": -1100, "msg": "Illegal."}))
        failed = market.loader.load(days("2026-01-01", "2026-01-05"))
        assert "1 days failed: binance BTC-USDT 2026-01-01" in str(failed.error)
        assert len(market.servers["binance"].requests) == 1
        assert "The first day failed: the other days were not requested." in capsys.readouterr().out
        assert market.loader.load(days("2026-01-01", "2026-01-05")).error is None
        assert "Trial day binance BTC-USDT 2026-01-01: 3 trades" in capsys.readouterr().out
        assert market.read_rows("binance") == market.expect_rows("binance")


def test_a_ban_stops_the_backfill_of_its_exchange(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=20) as market:
        banned = answer_status(418, {"code": -1003, "msg": "banned"}, {"Retry-After": "60"})
        market.servers["binance"].fail_next(*[banned] * AT_ONCE)
        loaded = market.loader.load(days("2026-01-05", "2026-01-08"))
        assert "3 days failed" in str(loaded.error)
        assert len(market.servers["binance"].requests) <= AT_ONCE
        assert market.read_rows("coinbase") == market.expect_rows("coinbase")


def test_numbers_that_a_day_skips_are_known_gaps(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=50) as market:
        for exchange in EXCHANGES:
            pair = PAIRS[exchange]
            market.servers[exchange].trades[pair] = [
                trade for trade in market.list_trades(exchange) if trade.number not in (1049, 1050, 1075)
            ]
        market.loader.load(days("2026-01-05", "2026-01-08"))
        gaps = market.read("known_gaps", "resource, first_missing, last_missing")
        assert gaps == [(exchange, *gap) for exchange in sorted(EXCHANGES) for gap in ((1049, 1050), (1075, 1075))]


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        ("2026-01-08", "2026-01-08", "must be before --until"),
        ("2026-01-08", "2999-01-01", "must not be after today"),
    ],
)
def test_a_range_that_cannot_be_is_refused(tmp_path: Path, since: str, until: str, reason: str) -> None:
    with open_market(tmp_path, trades_per_day=1) as market:
        assert reason in str(market.loader.load(days(since, until)).error)


def test_the_sample_is_the_same_each_time() -> None:
    assert generate_trades("BTCUSDT", DAYS, 20) == generate_trades("BTCUSDT", DAYS, 20)

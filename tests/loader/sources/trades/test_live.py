"""Trades as they come: complete, exact and once, whatever the exchange does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from loader.raw.rejects import list_open
from loader.raw.warehouse import RawSchema
from loader.samples.faults import Answer, Request, answer_status
from loader.sources.agenda import Agenda
from loader.sources.contract import RunOptions
from loader.sources.trades import trade
from loader.sources.trades.live import READING_SECONDS
from tests.support.market import DAYS, PAIRS, Market, open_market

EXCHANGES = list(PAIRS)


def test_new_trades_follow_where_the_last_run_ended(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=600, days=DAYS[:2]) as market:
        complete = {exchange: market.list_trades(exchange) for exchange in EXCHANGES}
        for exchange in EXCHANGES:
            market.servers[exchange].trades[PAIRS[exchange]] = complete[exchange][:900]
        first = market.loader.load()
        assert [each.counts.new for each in first.resources] == [900] * 3
        for exchange in EXCHANGES:
            market.servers[exchange].trades[PAIRS[exchange]] = complete[exchange]
        second = market.loader.load()
        assert [(each.counts.new, each.counts.changed, each.counts.repeated) for each in second.resources] == [
            (300, 0, 0)
        ] * 3
        for exchange in EXCHANGES:
            assert market.read_rows(exchange) == market.expect_rows(exchange)
        assert market.read("known_gaps") == []


def test_more_trades_than_a_page_are_read_to_the_last(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=1800, days=DAYS[:2]) as market:
        complete = {exchange: market.list_trades(exchange) for exchange in EXCHANGES}
        for exchange in EXCHANGES:
            market.servers[exchange].trades[PAIRS[exchange]] = complete[exchange][:50]
        market.loader.load()
        for exchange in EXCHANGES:
            market.servers[exchange].trades[PAIRS[exchange]] = complete[exchange]
            market.servers[exchange].requests.clear()
        market.loader.load()
        for exchange in EXCHANGES:
            assert market.read_rows(exchange) == market.expect_rows(exchange)
            # Coinbase too: the newest page, and three by their numbers before it.
            assert len(market.servers[exchange].requests) == 4


class Clock:
    """A clock that goes on when an exchange answers, or when a test lets it."""

    def __init__(self, market: Market, seconds_per_answer: float) -> None:
        self.now = 1000.0
        for server in market.servers.values():
            server.answer = self._let_take(server.answer, seconds_per_answer)  # type: ignore[method-assign]

    def __call__(self) -> float:
        return self.now

    def _let_take(self, answer: Callable[[Request], Answer], seconds: float) -> Callable[[Request], Answer]:
        def answer_slowly(request: Request) -> Answer:
            self.now += seconds
            return answer(request)

        return answer_slowly


def test_a_run_that_follows_commits_after_seconds_however_much_there_is_to_read(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=3300, days=DAYS[:1]) as market:
        complete = {exchange: market.list_trades(exchange) for exchange in EXCHANGES}
        for exchange in EXCHANGES:
            market.servers[exchange].trades[PAIRS[exchange]] = complete[exchange][:50]
        market.loader.load()
        for exchange in EXCHANGES:
            market.servers[exchange].trades[PAIRS[exchange]] = complete[exchange]
        clock = Clock(market, seconds_per_answer=1.2)
        agenda = Agenda(clock)
        held = dict.fromkeys(EXCHANGES, 50)
        loads = loads_of_coinbase = 0
        while agenda.count_seconds() == 0:
            began = clock.now
            loaded = market.loader.follow(agenda)
            assert loaded.error is None
            loads += 1
            loads_of_coinbase += "coinbase" in {each.resource for each in loaded.resources}
            # Each trade is requested once; Kraken alone sends the last one of a page again.
            assert {each.resource: each.counts.extracted - each.counts.new for each in loaded.resources} == {
                each.resource: each.counts.unchanged if each.resource == "kraken" else 0 for each in loaded.resources
            }
            # Each of the three exchanges may end a page later than its share of the seconds.
            assert clock.now - began <= READING_SECONDS + 3 * 2 * 1.2
            for exchange in EXCHANGES:
                # What was committed ends with the last page: the next load reads on, and nothing is left out between.
                rows = market.read_rows(exchange)
                assert rows == market.expect_rows(exchange)[: len(rows)]
                assert len(rows) > held[exchange] or len(rows) == len(complete[exchange])
                held[exchange] = len(rows)
        assert loads > 2
        assert set(held.values()) == {3300}
        # Coinbase: the newest page in each load, and three by their numbers before it.
        assert len(market.servers["coinbase"].requests) == 1 + loads_of_coinbase + 3
        assert market.read("known_gaps") == []


def test_each_pair_is_polled_at_its_own_pace(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=300, days=DAYS[:1]) as market:
        refused = market.loader.load(poll_seconds=5, quiet_poll_seconds=4)
        assert "sources.trades.quiet_poll_seconds is 4; it must not be less than poll_seconds (5)" in str(refused.error)
        market.loader.configured |= {"poll_seconds": 1, "quiet_poll_seconds": 4}
        complete = market.list_trades("binance")
        agenda = Agenda(clock := Clock(market, seconds_per_answer=0))
        market.servers["binance"].trades[PAIRS["binance"]] = complete[:100]
        ends_at, rounds = clock.now + 6, 0
        while clock.now < ends_at:
            rounds += 1
            market.servers["binance"].trades[PAIRS["binance"]] = complete[: 100 + rounds]
            assert market.loader.follow(agenda).error is None
            clock.now += agenda.count_seconds()
        polls = {exchange: len(market.servers[exchange].requests) for exchange in EXCHANGES}
        # Binance has a trade each second; the others none: they are polled after 0, 1 and 3 seconds.
        assert polls == {"binance": 6, "kraken": 3, "coinbase": 3}
        assert market.read_rows("binance") == market.expect_rows("binance")


def hide_once(market: Market, exchange: str, numbers: range) -> None:
    """Leaves trades out of the next answer that has them."""
    server = market.servers[exchange]
    pair = PAIRS[exchange]
    complete = server.trades[pair]
    truthful = server.answer

    def answer(request: object) -> object:
        server.trades[pair] = [trade for trade in complete if trade.number not in numbers]
        said = truthful(request)  # type: ignore[arg-type]
        server.trades[pair] = complete
        server.answer = truthful  # type: ignore[method-assign]
        return said

    server.answer = answer  # type: ignore[assignment,method-assign]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_gap_is_fetched_again_and_kept_as_known_if_the_exchange_has_none(tmp_path: Path, exchange: str) -> None:
    with open_market(tmp_path, trades_per_day=200, days=DAYS[:1]) as market:
        pair = PAIRS[exchange]
        complete = market.list_trades(exchange)
        never_there = range(1100, 1104)
        market.servers[exchange].trades[pair] = [trade for trade in complete if trade.number not in never_there]
        hide_once(market, exchange, range(1050, 1053))
        assert market.loader.load().error is None
        assert market.read_rows(exchange) == market.expect_rows(exchange)
        gaps = market.read("known_gaps", "resource, stream, first_missing, last_missing, epoch_us(followed_at)")
        assert gaps == [(exchange, pair, 1100, 1103, complete[104].at)]


def test_what_is_no_trade_is_rejected_and_counted_on_its_day(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=20, days=DAYS[:1]) as market:
        trades = market.list_trades("binance")
        trades[3] = replace(trades[3], price="0.00000000")
        ahead = int((datetime.now(UTC) + timedelta(hours=1)).timestamp() * 1e6)
        trades[19] = replace(trades[19], at=ahead)
        loaded = market.loader.load()
        counts = next(each.counts for each in loaded.resources if each.resource == "binance")
        assert (counts.new, counts.rejected) == (18, 2)
        reasons = {reason for (reason,) in market.read("rejected_records", "reason")}
        assert reasons == {
            "BTCUSDT: the price 0.00000000 is not above zero",
            "BTCUSDT: the time is in the future",
        }
        assert market.read("stream_days", "sum(rejected_count)") == [(2,)]
        assert market.read("known_gaps") == []


def list_open_ids(market: Market) -> list[str | None]:
    """The keys of the rejected trades that are open."""
    with duckdb.connect(str(market.loader.settings.warehouse)) as connection:
        return sorted(str(reject.record_id) for reject in list_open(RawSchema(connection, "raw_trades")))


def test_a_rejected_trade_is_closed_by_the_exchange_or_by_a_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_market(tmp_path, trades_per_day=20, days=DAYS[:1]) as market:
        market.loader.configured |= {"symbols": '["BTC-USDT"]'}
        trades = market.list_trades("binance")
        well_formed = trades[3]
        trades[3] = replace(trades[3], quantity="-1")
        # Raw keeps prices of at most ten digits after the point.
        trades[5] = replace(trades[5], price="77.12345678901")
        market.loader.load()
        assert list_open_ids(market) == ["BTCUSDT:1003", "BTCUSDT:1005"]
        day = f"{DAYS[0]}"
        assert market.read("stream_days", "cast(day as varchar), rejected_count") == [(day, 2)]
        trades[3] = well_formed
        market.loader.load(RunOptions(False, {"since": (day,), "until": (f"{DAYS[1]}",)}))
        assert list_open_ids(market) == ["BTCUSDT:1005"]
        assert [each.counts.new for each in market.loader.replay().resources] == []
        monkeypatch.setattr(trade, "_read_decimal", lambda name, value, precision, scale: round(Decimal(value), 8))
        replayed = market.loader.replay()
        assert [(each.counts.new, each.counts.rejected) for each in replayed.resources] == [(1, 0)]
        assert list_open_ids(market) == []
        # The version that the exchange sent since is not replaced by the rejected one.
        assert market.read("replays", "record_id, outcome") == [
            ("BTCUSDT:1003", "overtaken"),
            ("BTCUSDT:1005", "loaded"),
        ]
        trades[5] = replace(trades[5], price="77.12345679")
        assert market.read_rows("binance") == market.expect_rows("binance")


def test_a_ban_of_binance_says_until_when_and_stops_it_alone(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=20, days=DAYS[:1]) as market:
        market.servers["binance"].fail_next(
            answer_status(418, {"code": -1003, "msg": "banned"}, {"Retry-After": "3600"})
        )
        until = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%d %H:}"
        loaded = market.loader.load()
        assert loaded.error
        assert f"Binance has banned this address until {until}" in loaded.error
        assert len(market.servers["binance"].requests) == 1
        assert market.read_rows("kraken") == market.expect_rows("kraken")


def test_errors_of_kraken_come_in_a_200_and_pass_or_stop(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=20, days=DAYS[:1]) as market:
        market.loader.configured |= {"symbols": '["kraken:BTC-USD"]'}
        market.servers["kraken"].fail_next(answer_status(200, {"error": ["EAPI:Rate limit exceeded"]}))
        assert market.loader.load().error is None
        assert market.read_rows("kraken") == market.expect_rows("kraken")
        market.servers["kraken"].fail_next(answer_status(200, {"error": ["EQuery:Unknown asset pair"]}))
        assert "Kraken refuses the request: EQuery:Unknown asset pair" in str(market.loader.load().error)


def test_a_symbol_can_be_loaded_alone(tmp_path: Path) -> None:
    with open_market(tmp_path, trades_per_day=20, days=DAYS[:1]) as market:
        market.loader.load(RunOptions(False, {"symbol": ("BTC-USDT",)}))
        assert [len(market.servers[exchange].requests) for exchange in ("binance", "kraken", "coinbase")] == [1, 0, 0]

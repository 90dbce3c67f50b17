"""Backfill: each day of each pair replaced whole, three fetched at once, resumable; the live position stays."""

import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from dlt.common.exceptions import DltException

from loader.base.errors import HeadwaterError
from loader.raw.series_tables import read_replaced
from loader.raw.warehouse import RawSchema
from loader.sources.contract import SINCE, UNTIL, Batch, Plan, SourceRun
from loader.sources.trades.days import Day, FetchedDay, FetchedDays, fetch_day
from loader.sources.trades.exchange import BannedError, Exchange
from loader.sources.trades.settings import TradesSettings
from loader.sources.trades.symbols import Pair

AT_ONCE = 3
TRIAL_ABOVE_DAYS = 30
_MAX_LISTED = 20

Run = SourceRun[TradesSettings]


def read_range(run: Run) -> tuple[date, date] | None:
    """The first day and the day after the last one; None for a live run. Raises HeadwaterError."""
    since, until = run.options.find(SINCE), run.options.find(UNTIL)
    if since is None and until is None:
        return None
    today = datetime.now(UTC).date()
    until = until or today
    if since is None:
        raise HeadwaterError("A backfill needs --since: its first day.")
    if until > today:
        raise HeadwaterError(f"--until is {until}; it must not be after today ({today}): only days that are over.")
    if since >= until:
        raise HeadwaterError(f"--since is {since}; it must be before --until ({until}).")
    return since, until


def list_days(raw: RawSchema, pairs: Sequence[Pair], since: date, until: date, *, anew: bool) -> list[Day]:
    """The days to fetch. A backfill of the same range that did not complete is continued, unless `anew`."""
    days: list[Day] = []
    for pair in pairs:
        wanted = [since + timedelta(days=number) for number in range((until - since).days)]
        done: set[date] = set()
        name = f"{since}/{until}/"
        batch = f"{name}{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"
        replaced = read_replaced(raw, pair.exchange, pair.name)
        latest = next((each for _, _, each, _ in replaced if each.startswith(name)), None)
        if latest and not anew:
            held = {starts_at.date() for starts_at, _, each, _ in replaced if each == latest}
            if len(held) < len(wanted):
                batch, done = latest, held
        days += [Day(pair, day, batch) for day in wanted if day not in done]
    return sorted(days, key=lambda day: (day.date, day.pair.exchange, day.pair.name))


class Backfill:
    """One backfill: what was loaded, and what failed."""

    def __init__(self, run: Run, exchanges: Mapping[str, Exchange], days: Sequence[Day], range_days: int) -> None:
        self._run = run
        self._exchanges = exchanges
        self._days = days
        self._has_trial = range_days > TRIAL_ABOVE_DAYS
        self._folder: Path = run.request_counts.parent
        self._failed: dict[Day, str] = {}
        self._banned: dict[str, str] = {}
        self._loaded = 0

    def plan(self) -> Plan:
        """A load for each day. Reports at the end, and fails if a day failed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="backfill")
        try:
            waiting = list(self._days)
            if self._has_trial and waiting:
                yield from self._try_first(pool, waiting.pop(0), len(waiting))
                if self._failed:
                    self._run.progress.warn("The first day failed: the other days were not requested.")
                    waiting = []
            yield from self._load_all(pool, waiting)
        finally:
            for exchange in self._exchanges.values():
                exchange.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        self._report()

    def _try_first(self, pool: ThreadPoolExecutor, day: Day, others: int) -> Plan:
        future = pool.submit(fetch_day, self._exchanges[day.pair.exchange], day, self._folder)
        if fetched := self._take(day, future):
            yield from self._load([fetched])
            self._run.progress.warn(
                f"Trial day {day}: {fetched.record_count:,} trades, {fetched.request_count:,} requests; {others:,} days"
                f" follow, about {fetched.request_count * others:,} requests if they are alike."
            )

    def _load_all(self, pool: ThreadPoolExecutor, waiting: list[Day]) -> Plan:
        running: dict[Future[FetchedDay], Day] = {}
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                day = waiting.pop(0)
                if reason := self._banned.get(day.pair.exchange):
                    self._failed[day] = reason
                    continue
                running[pool.submit(fetch_day, self._exchanges[day.pair.exchange], day, self._folder)] = day
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED, timeout=0.5)
            fetched = [self._take(running.pop(future), future) for future in finished]
            yield from self._load([each for each in fetched if each])

    def _take(self, day: Day, future: "Future[FetchedDay]") -> FetchedDay | None:
        try:
            return future.result()
        except HeadwaterError as error:
            self._failed[day] = str(error)
            if isinstance(error, BannedError):
                self._banned[day.pair.exchange] = str(error)
            return None

    def _load(self, fetched: Sequence[FetchedDay]) -> Iterator[Batch]:
        """One load of the days that are there: in a load, dlt's own work takes longer than the rows of a day."""
        if not fetched:
            return
        exchanges = {each.day.pair.exchange for each in fetched}
        # Every exchange has its tables from the first load on.
        is_first = not all(self._run.raw.has_table(name) for name in self._exchanges)
        names = tuple(name for name in self._exchanges if is_first or name in exchanges)
        try:
            yield Batch(names, FetchedDays(fetched))
        except (HeadwaterError, DltException) as error:
            self._failed |= dict.fromkeys((each.day for each in fetched), str(error).splitlines()[0])
        else:
            self._loaded += len(fetched)
        finally:
            for each in fetched:
                each.file.close()

    def _report(self) -> None:
        requests = sum(exchange.requests for exchange in self._exchanges.values())
        self._run.progress.warn(
            f"Backfill: {self._loaded:,} of {len(self._days):,} days replaced, {requests:,} requests, peak memory"
            f" {read_peak_megabytes():,.0f} MB."
        )
        if self._failed:
            listed = "; ".join(f"{day}: {reason}" for day, reason in list(self._failed.items())[:_MAX_LISTED])
            more = f"; and {len(self._failed) - _MAX_LISTED:,} more" if len(self._failed) > _MAX_LISTED else ""
            self._run.progress.fail(
                f"{len(self._failed):,} days failed: {listed}{more}. The others are kept; run the same command again"
                " for these."
            )


def read_peak_megabytes() -> float:
    """The most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)

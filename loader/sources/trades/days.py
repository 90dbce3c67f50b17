"""One day of one pair, fetched to a file: a thread fetches it while another day is loaded."""

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import IO

import numpy as np

from loader.raw.series import RowPage
from loader.raw.series_tables import Gap, Partition
from loader.sources.trades.exchange import Exchange, Head
from loader.sources.trades.gaps import GapFinder
from loader.sources.trades.symbols import Pair

_PAGE_RECORDS = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Day:
    """A day of a pair (UTC), and the name of the backfill that replaces it."""

    pair: Pair
    date: date
    batch: str = ""

    @property
    def starts_at(self) -> datetime:
        """Midnight."""
        return datetime.combine(self.date, datetime.min.time(), UTC)

    @property
    def ends_at(self) -> datetime:
        """The next midnight."""
        return self.starts_at + timedelta(days=1)

    def __str__(self) -> str:
        return f"{self.pair.exchange} {self.pair.symbol} {self.date}"


@dataclass
class FetchedDay:
    """The records of a day in a file that is deleted when it is closed."""

    day: Day
    file: IO[bytes]
    record_count: int = 0
    request_count: int = 0
    gaps: list[Gap] = field(default_factory=list)

    def read(self, exchange: str) -> Iterator[RowPage]:
        """The pages of the day, if it is of that exchange; the last one replaces the partition."""
        if exchange != self.day.pair.exchange:
            return
        stream, day = self.day.pair.name, self.day.date
        self.file.seek(0)
        left = self.record_count
        while left > 0:
            count = min(left, _PAGE_RECORDS)
            yield RowPage(stream, [self._read_record() for _ in range(count)], day=day)
            left -= count
        partition = Partition(stream, self.day.starts_at, self.day.ends_at, self.day.batch, self.request_count)
        yield RowPage(stream, [], day=day, gaps=self.gaps, replaced=partition)

    def add(self, record: bytes) -> None:
        """Appends a record."""
        self.file.write(len(record).to_bytes(4, "little") + record)
        self.record_count += 1

    def _read_record(self) -> bytes:
        return self.file.read(int.from_bytes(self.file.read(4), "little"))


@dataclass(frozen=True)
class FetchedDays:
    """Days that one load replaces."""

    days: Sequence[FetchedDay]

    def read(self, exchange: str) -> Iterator[RowPage]:
        """The pages of the days of that exchange."""
        for day in self.days:
            yield from day.read(exchange)


def fetch_day(exchange: Exchange, day: Day, folder: Path) -> FetchedDay:
    """Fetches a day, and asks again for the numbers that it skips. Raises HeadwaterError."""
    exchange.reset_requests_of_thread()
    start, end = _to_microseconds(day.starts_at), _to_microseconds(day.ends_at)
    fetched = FetchedDay(day, tempfile.TemporaryFile(dir=folder))  # noqa: SIM115  (closed when it is loaded)
    numbers, times = array("q"), array("q")
    try:
        for records in exchange.read_day(day.pair.name, start, end):
            for record in records:
                head = exchange.read_head(record)
                if head:
                    numbers.append(head.number)
                    times.append(head.at)
                # What cannot be read is rejected with its reason, and not left out.
                if head is None or start <= head.at < end:
                    fetched.add(record)
        finder = GapFinder(exchange, day.pair.name)
        for before, after in _list_jumps(numbers, times):
            if start <= before.at < end:
                finder.last = before
                for record in finder.request_missing(before, after):
                    head = exchange.read_head(record)
                    if head and start <= head.at < end:
                        fetched.add(record)
        fetched.gaps = finder.take_found()
    except BaseException:
        fetched.file.close()
        raise
    fetched.request_count = exchange.requests_of_thread
    return fetched


def _list_jumps(numbers: Sequence[int], times: Sequence[int]) -> list[tuple[Head, Head]]:
    """The trades around each place where numbers are skipped."""
    if not numbers:
        return []
    ordered, index = np.unique(np.asarray(numbers, dtype=np.int64), return_index=True)
    at = np.asarray(times, dtype=np.int64)[index]
    return [
        (Head(int(ordered[place]), int(at[place])), Head(int(ordered[place + 1]), int(at[place + 1])))
        for place in np.flatnonzero(np.diff(ordered) > 1)
    ]


def _to_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)

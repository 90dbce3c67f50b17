"""How many requests a source may still send today, counted in a file that all runs share."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from pyrate_limiter import Duration, FixedWindow, Rate, RateItem, SQLiteBucket

from loader.base.errors import HeadwaterError, StopLoadingError

_BUSY_MILLISECONDS = 30_000
# A day begins at midnight UTC, as it does for the budgets of the sources.
_DAYS = FixedWindow()


class DailyAllowance:
    """At most `requests_per_day` requests from one midnight UTC to the next.

    Every thread, process and run counts its requests in the table `name` of the SQLite file at `path`. `setting` is
    the setting that a user would change. Raises HeadwaterError if `requests_per_day` is below 1.
    """

    def __init__(self, path: Path, *, name: str, requests_per_day: int, setting: str) -> None:
        if requests_per_day < 1:
            raise HeadwaterError(f"{setting} is {requests_per_day}; it must be at least 1.")
        self._path = path
        self._name = name
        self._setting = setting
        self._rate = Rate(requests_per_day, Duration.DAY)
        with self._open() as bucket:
            bucket.leak(_read_clock())

    def spend(self) -> None:
        """Counts one request. Raises StopLoadingError if today's are used up, HeadwaterError if it cannot count."""
        with self._open() as bucket:
            now = _read_clock()
            is_free = bucket.put(RateItem(self._name, now))
        if not is_free:
            free_at = datetime.fromtimestamp((now + _DAYS.retry_after(self._rate, now, None)) / 1000, UTC)
            raise StopLoadingError(
                f"The {self._rate.limit:,} requests a day that {self._setting} allows are used up; the next is free at"
                f" {free_at:%Y-%m-%d %H:%M} UTC. What was loaded is kept; the next run continues."
            )

    @contextmanager
    def _open(self) -> Iterator[SQLiteBucket]:
        """The count, in a transaction that keeps other threads and processes out."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with SQLiteBucket.init_from_file(
                [self._rate], table=self._name, db_path=str(self._path), algorithm=_DAYS
            ) as bucket:
                bucket.conn.isolation_level = None
                bucket.conn.execute(f"pragma busy_timeout = {_BUSY_MILLISECONDS}")
                bucket.conn.execute("begin immediate")
                yield bucket
        except (sqlite3.Error, OSError) as error:
            raise HeadwaterError(
                f"Today's requests cannot be counted in {self._path}: {error}. If that file is broken, remove it;"
                " the count then starts again."
            ) from error


def _read_clock() -> int:
    return time.time_ns() // 1_000_000

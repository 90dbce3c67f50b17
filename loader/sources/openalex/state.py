"""What a run knows of the roster's works: what raw holds, and what came since. All loads of a run share it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from loader.base.errors import HeadwaterError
from loader.raw.arrow import build_table
from loader.raw.warehouse import RawSchema
from loader.sources.openalex.bookkeeping import (
    SYNC_STATUS_SCHEMA,
    SyncStatus,
    list_left_statuses,
    read_sync_statuses,
    read_work_statuses,
)
from loader.sources.openalex.client import PER_PAGE
from loader.sources.openalex.groups import Group
from loader.sources.openalex.known import KnownWorks
from loader.sources.openalex.models import EPOCH

_MICROSECOND = timedelta(microseconds=1)


class WorksState:
    """The works and sync status of these authors. `failures` holds the groups that could not be fetched, and why."""

    def __init__(self, raw: RawSchema, member_ids: Sequence[str]) -> None:
        self.member_ids = member_ids
        self.failures: dict[Group, HeadwaterError] = {}
        self.started_at = datetime.now(UTC)
        self._raw = raw
        self._left = list_left_statuses()
        self._read()

    def _read(self) -> None:
        self.statuses = read_sync_statuses(self._raw)
        self.work_statuses = read_work_statuses(self._raw)
        self.known = KnownWorks(self._raw, self.member_ids)

    def find_status(self, author_id: str) -> SyncStatus:
        """An empty one for an author who was never synced."""
        return self.statuses.get(author_id, SyncStatus(author_id))

    def list_known(self, group: Group) -> set[str]:
        """The works of these authors that raw holds, without those that have left OpenAlex."""
        return {
            work_id
            for work_id in self.known.list_works(group.author_ids)
            if self.work_statuses.get(work_id) not in self._left
        }

    def count_sweep_credits(self, group: Group) -> int:
        """What reading a known group's list to its end costs, by what raw holds of it."""
        return 0 if group.is_full else len(self.known.list_works(group.author_ids)) // PER_PAGE + 1

    def find_last_change(self, group: Group, work_ids: set[str]) -> int | None:
        """When a work last changed before the whole group was synced, in microseconds since 1970.

        Raw may hold newer works of a group that was not synced since: those that came before an error, with another
        group, or with a run of single authors.
        """
        newest = self.known.find_newest_change(work_ids)
        synced = [self.find_status(author_id).last_synced_at for author_id in group.author_ids]
        if newest is None or None in synced:
            return None
        return min(newest, *((at - EPOCH) // _MICROSECOND for at in synced if at))

    def fail(self, group: Group, error: HeadwaterError) -> None:
        """Notes that a group could not be fetched, and reads raw again, which has nothing of its load."""
        self.failures[group] = error
        self._read()

    def describe_failures(self, load_id: str) -> pa.Table:
        """The sync status of all authors whose group failed (SYNC_STATUS_SCHEMA)."""
        rows = [
            replace(self.find_status(author_id), error=str(error)).describe(load_id)
            for group, error in self.failures.items()
            for author_id in group.author_ids
        ]
        return build_table(rows, SYNC_STATUS_SCHEMA)

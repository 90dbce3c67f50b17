"""One load of works: the pages of its groups, and their bookkeeping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dlt

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.fetch.pages import Page
from loader.raw.arrow import build_table
from loader.raw.merge import mark_rows
from loader.sources.openalex.bookkeeping import (
    GONE,
    MERGED,
    MOVED,
    PRESENT,
    SYNC_STATUS_HINTS,
    SYNC_STATUS_SCHEMA,
    WORK_STATUS_HINTS,
    WORK_STATUS_SCHEMA,
    SyncStatus,
    WorkStatus,
)
from loader.sources.openalex.client import MAX_VALUES, PER_PAGE, OpenAlexClient
from loader.sources.openalex.groups import Group
from loader.sources.openalex.known import read_head
from loader.sources.openalex.state import WorksState
from loader.sources.openalex.sweep import Sweeper

_LISTED_AUTHORS = 100
# Sweeps of groups whose works are still pending are lost when the budget ends.
_MAX_PENDING_CREDITS = 20


@dataclass
class PendingGroup:
    """A swept group, until the works that it wants are fetched.

    `credits` is what the sweep cost; `is_whole` as in SweepResult.
    """

    group: Group
    seen: set[str]
    wanted: set[str]
    credits: int
    is_whole: bool


class WorksLoad:
    """The works of some groups. `stopped_by` is why OpenAlex answers nothing more in this run, if so."""

    def __init__(self, client: OpenAlexClient, state: WorksState, sweeper: Sweeper, groups: Sequence[Group]) -> None:
        self.stopped_by: StopLoadingError | None = None
        self._client = client
        self._state = state
        self._sweeper = sweeper
        self._groups = groups
        self._new_statuses: list[SyncStatus] = []
        self._new_work_statuses: list[WorkStatus] = []
        self._pending: list[PendingGroup] = []
        self._fetched: set[str] = set()
        self._touched: set[str] = set()
        self._counted: set[str] = set()
        self._expected = 0
        self._left: set[str] = set()

    def list_pages(self) -> Iterator[Page]:
        """All that the batch brings.

        A group that is requested in full comes whole or not at all: its errors are raised. Each record of a swept group
        is useful by itself, so an error ends that group alone, and an empty budget ends the batch.
        """
        for group in self._groups:
            if group.is_full:
                yield from self._list_in_full(group)
        try:
            yield from self._list_changes([group for group in self._groups if not group.is_full])
        except StopLoadingError as error:
            self.stopped_by = error
        yield Page([], self._expected, left_count=len(self._left))

    def describe(self) -> Iterator[Any]:
        """The rows of bookkeeping, with their tables; called within the load, after all pages."""
        load_id = str(dlt.current.load_package_state()["load_id"])
        new_statuses = self._note_changes()
        self._state.statuses.update(new_statuses)
        statuses = build_table([status.describe(load_id) for status in new_statuses.values()], SYNC_STATUS_SCHEMA)
        yield mark_rows(statuses, SYNC_STATUS_HINTS)
        works = build_table([status.describe(load_id) for status in self._new_work_statuses], WORK_STATUS_SCHEMA)
        yield mark_rows(works, WORK_STATUS_HINTS)

    def _note_changes(self) -> dict[str, SyncStatus]:
        """The new statuses, also of authors whose works came with those of another group.

        An author who was never synced has no status yet; all of their works are still to come.
        """
        statuses = {status.author_id: status for status in self._new_statuses}
        for author_id in sorted(self._touched):
            if status := statuses.get(author_id) or self._state.statuses.get(author_id):
                statuses[author_id] = replace(status, works_changed_at=self._state.started_at)
        return statuses

    def _list_in_full(self, group: Group) -> Iterator[Page]:
        before = self._state.list_known(group)
        seen: set[str] = set()
        for page in self._client.list_by("works", "author.id", group.author_ids):
            records = [self._complete(record, seen) for record in page.records]
            yield Page(records, self._expected + (page.expected or 0))
        self._expected += len(seen)
        yield from self._look_up(sorted(before - seen), group, coming=set())
        self._finish(group, seen, fetched=seen, is_swept=True)

    def _list_changes(self, groups: Sequence[Group]) -> Iterator[Page]:
        """Sweeps group after group, and fetches what changed in several groups together, so that lists are full."""
        for group in groups:
            try:
                yield from self._list_unchanged(group)
            except StopLoadingError:
                raise
            except HeadwaterError as error:
                self._state.failures[group] = error
            is_due = group is groups[-1] or sum(each.credits for each in self._pending) >= _MAX_PENDING_CREDITS
            yield from self._fetch_changed(at_least=1 if is_due else MAX_VALUES)

    def _list_unchanged(self, group: Group) -> Iterator[Page]:
        """Counts what is unchanged, looks up what has left the group, and queues what changed."""
        before = self._state.list_known(group)
        sweep = self._sweeper.sweep(group, before)
        seen = set(sweep.changed_at) if sweep.is_whole else before | sweep.changed_at.keys()
        wanted = {work_id for work_id, at in sweep.changed_at.items() if not self._state.known.has(work_id, at)}
        wanted_before = set(self._list_wanted())
        unchanged = seen - wanted - wanted_before - self._counted
        self._counted |= unchanged
        self._expected += len(unchanged) + len(wanted - wanted_before)
        yield Page([], self._expected, unchanged_count=len(unchanged))
        yield from self._look_up(sorted(before - seen - wanted_before), group, coming=wanted_before | wanted)
        self._pending.append(PendingGroup(group, seen, wanted, len(sweep.changed_at) // PER_PAGE + 1, sweep.is_whole))

    def _fetch_changed(self, at_least: int) -> Iterator[Page]:
        """Fetches pending works while there are at least so many; finishes the groups that have none left."""
        self._finish_pending()
        while len(work_ids := self._list_wanted()) >= at_least:
            part = work_ids[:MAX_VALUES]
            try:
                for page in self._client.list_by("works", "openalex", part):
                    yield Page([self._complete(record, self._fetched) for record in page.records], self._expected)
            except StopLoadingError:
                raise
            except HeadwaterError as error:
                self._fail_pending(part, error)
            for pending in self._pending:
                pending.wanted.difference_update(part)
            self._finish_pending()

    def _list_wanted(self) -> list[str]:
        return list(dict.fromkeys(work_id for pending in self._pending for work_id in sorted(pending.wanted)))

    def _fail_pending(self, work_ids: Sequence[str], error: HeadwaterError) -> None:
        """The groups in which one of these works is pending end with the error."""
        failed = [pending for pending in self._pending if not pending.wanted.isdisjoint(work_ids)]
        self._state.failures.update((pending.group, error) for pending in failed)
        self._pending = [pending for pending in self._pending if pending not in failed]

    def _finish_pending(self) -> None:
        for pending in self._pending:
            if not pending.wanted:
                self._finish(pending.group, pending.seen, self._fetched, is_swept=pending.is_whole)
        self._pending = [pending for pending in self._pending if pending.wanted]

    def _look_up(self, work_ids: Sequence[str], group: Group, coming: set[str]) -> Iterator[Page]:
        """Looks up, one by one, the works that have left their authors' list; those of the roster come to raw.

        Except those of which raw holds the current version, and those that are `coming` in another way.
        """
        for work_id in work_ids:
            if work_id in self._counted:
                continue
            record = self._client.find("works", work_id)
            head = read_head(record) if record else None
            if record is None:
                self._mark(work_id, GONE)
            elif head and head.id != work_id:
                self._mark(work_id, MERGED, merged_into_id=head.id)
                if not self._state.known.is_of_roster(head):
                    continue
            elif head and not head.author_ids & set(group.author_ids):
                self._mark(work_id, MOVED)
            if record and head and head.id not in self._counted | coming:
                self._expected += 1
                self._counted.add(head.id)
                self._touched |= self._state.known.remember(head)
                yield Page([record], self._expected)

    def _complete(self, record: bytes, fetched: set[str]) -> bytes:
        """The record as it goes to raw: with all its authors, of whom a list shows only the first hundred."""
        head = read_head(record)
        if head is None:
            return record
        if head.is_authors_truncated or len(head.authorships or []) == _LISTED_AUTHORS:
            whole = self._client.find("works", head.id)
            whole_head = read_head(whole) if whole else None
            if whole and whole_head and whole_head.id == head.id:
                record, head = whole, whole_head
        self._touched |= self._state.known.remember(head)
        self._counted.add(head.id)
        fetched.add(head.id)
        return record

    def _finish(self, group: Group, seen: set[str], fetched: set[str], *, is_swept: bool) -> None:
        """Notes that the group is complete, and which of its works have come back."""
        for work_id in sorted(seen & self._state.work_statuses.keys()):
            if self._state.work_statuses[work_id] != PRESENT:
                self._mark(work_id, PRESENT)
        now = datetime.now(UTC)
        before = [self._state.find_status(author_id) for author_id in group.author_ids]
        self._new_statuses += [
            replace(
                status,
                last_synced_at=now,
                last_swept_at=now if is_swept else status.last_swept_at,
                works_seen=self._state.known.count_works(status.author_id, seen),
                works_fetched=self._state.known.count_works(status.author_id, fetched),
                error=None,
            )
            for status in before
        ]

    def _mark(self, work_id: str, status: str, merged_into_id: str | None = None) -> None:
        self._touched |= self._state.known.list_authors(work_id)
        self._state.work_statuses[work_id] = status
        if status == PRESENT:
            self._left.discard(work_id)
        else:
            self._left.add(work_id)
        self._new_work_statuses.append(WorkStatus(work_id, status, merged_into_id))

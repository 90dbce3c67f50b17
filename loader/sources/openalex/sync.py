"""Which of the roster's works a run asks for: all of a new author's, of the others' what is new and what changed.

OpenAlex's filter by date of change is for paying users, and a watermark on the date of publication misses works that
are dated back. So the ids of all works of known authors are swept, each with its date of change, and held against raw.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any, TypeVar

import dlt
import pyarrow as pa

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.fetch.pages import Page
from loader.raw.arrow import build_table
from loader.raw.merge import mark_rows
from loader.raw.warehouse import RawSchema
from loader.sources.contract import LoadOptions
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
    read_sync_statuses,
    read_work_statuses,
)
from loader.sources.openalex.client import MOST_VALUES, PER_PAGE, OpenAlexClient
from loader.sources.openalex.known import KnownWorks, read_head
from loader.sources.openalex.members import Members, choose_members
from loader.sources.openalex.models import EPOCH

_Value = TypeVar("_Value")

# A load of sweeps is cut where a kill would lose much work; a new author's works are a load of their own.
_MOST_SWEEPS = 10
# A change can reach OpenAlex's index later than one that is newer.
_OVERLAP_MICROSECONDS = 2 * 24 * 60 * 60 * 1_000_000
_MICROSECOND = timedelta(microseconds=1)
_SWEEP_TO_THE_END_AFTER = timedelta(days=30)
_LISTED_AUTHORS = 100
# Sweeps of groups that still wait for their works are lost when the budget ends.
_MOST_CREDITS_WAITING = 20


@dataclass(frozen=True)
class Group:
    """At most 100 authors who are asked for together: for all their works (`is_full`), or for what changed."""

    author_ids: tuple[str, ...]
    is_full: bool


@dataclass(frozen=True)
class _Sweep:
    """The works of a group as OpenAlex lists them, each with when it last changed.

    `is_whole`: the list was read to its end; else all that was not read is as raw has it.
    """

    changed_at: dict[str, int | None]
    is_whole: bool


@dataclass
class _Swept:
    """A group whose works are known by their dates, until those that it wants are fetched.

    `credits` is what the sweep cost; `is_whole` as in _Sweep.
    """

    group: Group
    seen: set[str]
    wanted: set[str]
    credits: int
    is_whole: bool


class WorksSync:
    """The works of one run: batch after batch of groups, each batch one load.

    `failures` holds the groups that could not be had; `stopped_by` is why nothing more can be had at all, if so.
    """

    def __init__(self, raw: RawSchema, options: LoadOptions) -> None:
        self.failures: dict[Group, HeadwaterError] = {}
        self.stopped_by: StopLoadingError | None = None
        self.batch: Sequence[Group] | None = None
        self.started_at = datetime.now(UTC)
        self._raw = raw
        self._options = options

    def connect(
        self,
        client: OpenAlexClient,
        members: Members,
        warn: Callable[[str], None],
        *,
        refresh_after_days: float,
        sweep_credits: int,
        has_paid_plan: bool,
    ) -> None:
        """Says whom to ask and about whom; comes before everything else.

        Authors who were synced less than `refresh_after_days` ago are left alone. The lists of known authors are read
        to their end where that costs all in all no more than `sweep_credits`, and else once in a month; with
        `has_paid_plan` OpenAlex is asked for what changed instead.
        """
        self._warn = warn
        self.has_paid_plan = has_paid_plan
        self._sweep_credits = sweep_credits
        self._client = client
        self._members = members
        self._refresh_after = timedelta(days=refresh_after_days)

    def plan(self) -> list[Sequence[Group]]:
        """The batches of this run: who failed last time first, then who is new, then whose sync is the longest ago."""
        return self.plan_for(self._members.find_ids())

    def plan_for(self, member_ids: Sequence[str]) -> list[Sequence[Group]]:
        """The same for a roster of these authors; asks OpenAlex for nothing."""
        self._member_ids = member_ids
        self._read_raw()
        chosen = choose_members(member_ids, self._options.authors)
        statuses = [self._statuses.get(author_id, SyncStatus(author_id)) for author_id in chosen]
        failed = [status for status in statuses if status.error]
        others = [status for status in statuses if not status.error and self._is_due(status)]
        batches = [*self._form_batches(failed, most_sweeps=1), *self._form_batches(others, _MOST_SWEEPS)]
        self._may_stop_early = sum(map(self.count_sweep_credits, chain(*batches))) > self._sweep_credits
        return batches

    def find_members_without_asking(self) -> tuple[list[str], int]:
        """See Members."""
        return self._members.find_without_asking()

    def begin(self) -> "_BatchLoad":
        """The load of the batch whose turn it is; of all of them where nobody takes them one by one."""
        batch = self.batch if self.batch is not None else [group for batch in self.plan() for group in batch]
        return _BatchLoad(
            self, self._client, batch, self._known, self._statuses, self._work_statuses, self._may_stop_early
        )

    @property
    def member_ids(self) -> Sequence[str]:
        """The authors of the roster that was planned for."""
        return self._member_ids

    @property
    def is_everything_asked_again(self) -> bool:
        """Whether also what never changes much is to be asked for again."""
        return self._options.is_full_refresh and not self._options.authors

    def hold_against_budget(self, needed: int) -> None:
        """Says so before anything is asked for where the run will not be through today."""
        available = self._client.available_credits
        if needed > available:
            self._warn(
                f"This run asks OpenAlex for at least {needed:,} lists, and today's budget is {available:,}. It stops"
                " before that is used up; what whole groups of authors brought is kept, and the next run goes on."
            )

    def fail(self, group: Group, error: HeadwaterError) -> None:
        """Notes that a group could not be had, when nothing of its load has come to raw."""
        self.failures[group] = error
        self._read_raw()

    def describe_failures(self) -> pa.Table:
        """The sync status of all whose groups failed (SYNC_STATUS_SCHEMA); called within a load."""
        load_id = str(dlt.current.load_package_state()["load_id"])
        rows = [
            replace(self._statuses.get(author_id, SyncStatus(author_id)), error=str(error)).describe(load_id)
            for group, error in self.failures.items()
            for author_id in group.author_ids
        ]
        return build_table(rows, SYNC_STATUS_SCHEMA)

    def count_sweep_credits(self, group: Group) -> int:
        """What reading a known group's list to its end costs, by what raw holds of it."""
        return 0 if group.is_full else len(self._known.list_works(group.author_ids)) // PER_PAGE + 1

    def _read_raw(self) -> None:
        self._statuses = read_sync_statuses(self._raw)
        self._work_statuses = read_work_statuses(self._raw)
        self._known = KnownWorks(self._raw, self._member_ids)

    def _is_due(self, status: SyncStatus) -> bool:
        if self._options.authors or self._options.is_full_refresh or status.last_synced_at is None:
            return True
        return status.last_synced_at + self._refresh_after <= datetime.now(UTC)

    def _form_batches(self, statuses: Sequence[SyncStatus], most_sweeps: int) -> Iterator[Sequence[Group]]:
        """Whose works are asked for in full, a group a load; then the others.

        Groups that failed are swept one by one: a work that cannot be had then holds up its own group alone.
        """
        in_full = [
            status.author_id for status in statuses if self._options.is_full_refresh or not status.last_synced_at
        ]
        swept = sorted(
            (status.last_synced_at, status.author_id)
            for status in statuses
            if status.last_synced_at and not self._options.is_full_refresh
        )
        for author_ids in _cut(in_full, MOST_VALUES):
            yield [Group(tuple(author_ids), is_full=True)]
        groups = [Group(tuple(author_id for _, author_id in part), is_full=False) for part in _cut(swept, MOST_VALUES)]
        yield from _cut(groups, most_sweeps)


class _BatchLoad:
    """One load: the pages of its groups, and what is written down of them afterwards."""

    def __init__(
        self,
        sync: WorksSync,
        client: OpenAlexClient,
        batch: Sequence[Group],
        known: KnownWorks,
        statuses: dict[str, SyncStatus],
        work_statuses: dict[str, str],
        may_stop_early: bool,
    ) -> None:
        self._sync = sync
        self._client = client
        self._batch = batch
        self._known = known
        self._statuses = statuses
        self._work_statuses = work_statuses
        self._may_stop_early = may_stop_early
        self._new_statuses: list[SyncStatus] = []
        self._new_work_statuses: list[WorkStatus] = []
        self._waiting: list[_Swept] = []
        self._fetched: set[str] = set()
        self._touched: set[str] = set()
        self._counted: set[str] = set()
        self._expected = 0

    def list_pages(self) -> Iterator[Page]:
        """All that the batch brings.

        A group that is asked for in full comes whole or not at all: its errors are raised. Of a swept group each record
        is as good as the one that raw holds, so that an error ends that group alone, and a lack of budget the batch.
        """
        for group in self._batch:
            if group.is_full:
                yield from self._list_in_full(group)
        try:
            yield from self._list_changes([group for group in self._batch if not group.is_full])
        except StopLoadingError as error:
            self._sync.stopped_by = error

    def describe(self) -> Iterator[Any]:
        """The rows of bookkeeping, with their tables; called within the load, after all pages."""
        load_id = str(dlt.current.load_package_state()["load_id"])
        new_statuses = self._note_changes()
        self._statuses.update(new_statuses)
        statuses = build_table([status.describe(load_id) for status in new_statuses.values()], SYNC_STATUS_SCHEMA)
        yield mark_rows(statuses, SYNC_STATUS_HINTS)
        works = build_table([status.describe(load_id) for status in self._new_work_statuses], WORK_STATUS_SCHEMA)
        yield mark_rows(works, WORK_STATUS_HINTS)

    def _note_changes(self) -> dict[str, SyncStatus]:
        """The new statuses, also of those whose works came with those of another group.

        Who was never synced has no status yet, and all works before them.
        """
        statuses = {status.author_id: status for status in self._new_statuses}
        for author_id in sorted(self._touched):
            if status := statuses.get(author_id) or self._statuses.get(author_id):
                statuses[author_id] = replace(status, works_changed_at=self._sync.started_at)
        return statuses

    def _list_in_full(self, group: Group) -> Iterator[Page]:
        before = self._list_known(group)
        seen: set[str] = set()
        for page in self._client.list_by("works", "author.id", group.author_ids):
            records = [self._take(record, seen) for record in page.records]
            yield Page(records, self._expected + (page.expected or 0))
        self._expected += len(seen)
        yield from self._look_up(sorted(before - seen), group, coming=set())
        self._finish(group, seen, fetched=seen, is_swept=True)

    def _list_changes(self, groups: Sequence[Group]) -> Iterator[Page]:
        """Sweeps group after group, and fetches what changed: of several groups together, so that lists are full."""
        for group in groups:
            try:
                yield from self._list_unchanged(group)
            except StopLoadingError:
                raise
            except HeadwaterError as error:
                self._sync.failures[group] = error
            is_due = group is groups[-1] or sum(each.credits for each in self._waiting) >= _MOST_CREDITS_WAITING
            yield from self._fetch_changed(at_least=1 if is_due else MOST_VALUES)

    def _list_unchanged(self, group: Group) -> Iterator[Page]:
        """Counts what raw holds as it is, looks up what has left the group, and lets what changed wait."""
        before = self._list_known(group)
        sweep = self._sweep(group, before)
        seen = set(sweep.changed_at) if sweep.is_whole else before | sweep.changed_at.keys()
        wanted = {work_id for work_id, at in sweep.changed_at.items() if not self._known.has(work_id, at)}
        waited_for = set(self._list_waited_for())
        unchanged = seen - wanted - waited_for - self._counted
        self._counted |= unchanged
        self._expected += len(unchanged) + len(wanted - waited_for)
        yield Page([], self._expected, unchanged_count=len(unchanged))
        yield from self._look_up(sorted(before - seen - waited_for), group, coming=waited_for | wanted)
        self._waiting.append(_Swept(group, seen, wanted, len(sweep.changed_at) // PER_PAGE + 1, sweep.is_whole))

    def _fetch_changed(self, at_least: int) -> Iterator[Page]:
        """Fetches what the groups wait for while it is so many works; ends the groups that wait for nothing more."""
        self._finish_swept()
        while len(work_ids := self._list_waited_for()) >= at_least:
            part = work_ids[:MOST_VALUES]
            try:
                for page in self._client.list_by("works", "openalex", part):
                    yield Page([self._take(record, self._fetched) for record in page.records], self._expected)
            except StopLoadingError:
                raise
            except HeadwaterError as error:
                self._fail_waiting(part, error)
            for swept in self._waiting:
                swept.wanted.difference_update(part)
            self._finish_swept()

    def _list_waited_for(self) -> list[str]:
        return list(dict.fromkeys(work_id for swept in self._waiting for work_id in sorted(swept.wanted)))

    def _fail_waiting(self, work_ids: Sequence[str], error: HeadwaterError) -> None:
        """The groups that wait for one of these works end with the error."""
        failed = [swept for swept in self._waiting if not swept.wanted.isdisjoint(work_ids)]
        self._sync.failures.update((swept.group, error) for swept in failed)
        self._waiting = [swept for swept in self._waiting if swept not in failed]

    def _finish_swept(self) -> None:
        for swept in self._waiting:
            if not swept.wanted:
                self._finish(swept.group, swept.seen, self._fetched, is_swept=swept.is_whole)
        self._waiting = [swept for swept in self._waiting if swept.wanted]

    def _sweep(self, group: Group, before: set[str]) -> _Sweep:
        """Reads when the group's works last changed, the newest first, until the rest is surely as raw has it.

        That is so when what follows changed before the last sync did, and the list is as long as what is known of it.
        Now and then the list is read to its end all the same: one work that left would hide another that came with
        an old date of change.
        """
        newest = self._find_last_change(group, before)
        may_stop = self._may_stop_early and not any(map(self._must_be_swept, group.author_ids))
        if may_stop and newest is not None and self._sync.has_paid_plan:
            recent = self._list_recent(group, newest)
            if self._client.count_works(group.author_ids) == len(before | recent.keys()):
                return _Sweep(recent, is_whole=False)
            may_stop = False
        changed_at: dict[str, int | None] = {}
        last: int | None = None
        for page in self._client.list_changes(group.author_ids):
            for record in page.records:
                if head := read_head(record):
                    may_stop = may_stop and head.changed_at is not None and (last is None or head.changed_at <= last)
                    last = head.changed_at
                    changed_at[head.id] = head.changed_at
            if (
                may_stop
                and newest is not None
                and last is not None
                and last < newest - _OVERLAP_MICROSECONDS
                and page.expected == len(before | changed_at.keys())
            ):
                return _Sweep(changed_at, is_whole=False)
        return _Sweep(changed_at, is_whole=True)

    def _find_last_change(self, group: Group, work_ids: set[str]) -> int | None:
        """When something last changed of which the group has seen all, in microseconds since 1970.

        Raw may hold newer works of a group that is not through: those that came before an error, with another group, or
        with a run of single authors.
        """
        newest = self._known.find_newest_change(work_ids)
        synced = [self._statuses.get(author_id, SyncStatus(author_id)).last_synced_at for author_id in group.author_ids]
        if newest is None or None in synced:
            return None
        return min(newest, *((at - EPOCH) // _MICROSECOND for at in synced if at))

    def _list_recent(self, group: Group, newest: int) -> dict[str, int | None]:
        """What changed since the last sync, by the filter of paid plans, with an overlap."""
        since = EPOCH + timedelta(microseconds=newest - _OVERLAP_MICROSECONDS)
        pages = self._client.list_changes_since(group.author_ids, since)
        heads = (read_head(record) for page in pages for record in page.records)
        return {head.id: head.changed_at for head in heads if head}

    def _must_be_swept(self, author_id: str) -> bool:
        swept_at = self._statuses.get(author_id, SyncStatus(author_id)).last_swept_at
        return swept_at is None or swept_at + _SWEEP_TO_THE_END_AFTER <= datetime.now(UTC)

    def _look_up(self, work_ids: Sequence[str], group: Group, coming: set[str]) -> Iterator[Page]:
        """Asks singly for the works that have left their authors' list; what is found of the roster comes to raw.

        But for what raw is known to hold as it is, and what is `coming` by another way.
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
                if not self._known.is_of_roster(head):
                    continue
            elif head and not head.author_ids & set(group.author_ids):
                self._mark(work_id, MOVED)
            if record and head and head.id not in self._counted | coming:
                self._expected += 1
                self._counted.add(head.id)
                self._touched |= self._known.take(head)
                yield Page([record], self._expected)

    def _take(self, record: bytes, fetched: set[str]) -> bytes:
        """The record as it goes to raw: with all its authors, where a list shows but the first hundred."""
        head = read_head(record)
        if head is None:
            return record
        if head.is_authors_truncated or len(head.authorships or []) == _LISTED_AUTHORS:
            whole = self._client.find("works", head.id)
            whole_head = read_head(whole) if whole else None
            if whole and whole_head and whole_head.id == head.id:
                record, head = whole, whole_head
        self._touched |= self._known.take(head)
        self._counted.add(head.id)
        fetched.add(head.id)
        return record

    def _list_known(self, group: Group) -> set[str]:
        """The works of these authors that raw holds, without those that have left OpenAlex."""
        return {
            work_id
            for work_id in self._known.list_works(group.author_ids)
            if self._work_statuses.get(work_id) not in (MERGED, GONE)
        }

    def _finish(self, group: Group, seen: set[str], fetched: set[str], *, is_swept: bool) -> None:
        """Writes down that the group is through, and which of its works are back."""
        for work_id in sorted(seen & self._work_statuses.keys()):
            if self._work_statuses[work_id] != PRESENT:
                self._mark(work_id, PRESENT)
        now = datetime.now(UTC)
        before = [self._statuses.get(author_id, SyncStatus(author_id)) for author_id in group.author_ids]
        self._new_statuses += [
            replace(
                status,
                last_synced_at=now,
                last_swept_at=now if is_swept else status.last_swept_at,
                works_seen=self._known.count_works(status.author_id, seen),
                works_fetched=self._known.count_works(status.author_id, fetched),
                error=None,
            )
            for status in before
        ]

    def _mark(self, work_id: str, status: str, merged_into_id: str | None = None) -> None:
        self._touched |= self._known.list_authors(work_id)
        self._work_statuses[work_id] = status
        self._new_work_statuses.append(WorkStatus(work_id, status, merged_into_id))


def _cut(values: Sequence[_Value], most: int) -> Iterator[Sequence[_Value]]:
    """The values in order, at most so many at a time."""
    return (values[start : start + most] for start in range(0, len(values), most))

"""Reads when the works of a group last changed, until it is known which to fetch."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loader.sources.openalex.client import OpenAlexClient
from loader.sources.openalex.groups import Group
from loader.sources.openalex.known import read_head
from loader.sources.openalex.models import EPOCH
from loader.sources.openalex.state import WorksState

# A change can reach OpenAlex's index later than one that is newer.
_OVERLAP_MICROSECONDS = 2 * 24 * 60 * 60 * 1_000_000
_SWEEP_TO_THE_END_AFTER = timedelta(days=30)


@dataclass(frozen=True)
class SweepResult:
    """The works of a group as OpenAlex lists them, each with when it last changed (microseconds since 1970).

    `is_whole`: the list was read to its end. Otherwise raw holds the current version of what was not read.
    """

    changed_at: dict[str, int | None]
    is_whole: bool


class Sweeper:
    """Sweeps groups. With `has_paid_plan` OpenAlex lists what changed, if a sweep may stop early."""

    def __init__(self, client: OpenAlexClient, state: WorksState, *, may_stop_early: bool, has_paid_plan: bool) -> None:
        self._client = client
        self._state = state
        self._may_stop_early = may_stop_early
        self._has_paid_plan = has_paid_plan

    def sweep(self, group: Group, before: set[str]) -> SweepResult:
        """Reads the list of the group's works, the newest change first, until the rest is surely unchanged.

        That is so if what follows changed before the last sync, and the list is as long as `before` (what raw knows)
        and what was read together. The list is still read to its end once a month: one work that left would hide
        another that came with an old date of change.
        """
        newest = self._state.find_last_change(group, before)
        may_stop = self._may_stop_early and not any(map(self._must_be_swept, group.author_ids))
        if may_stop and newest is not None and self._has_paid_plan:
            recent = self._list_recent(group, newest)
            if self._client.count_works(group.author_ids) == len(before | recent.keys()):
                return SweepResult(recent, is_whole=False)
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
                return SweepResult(changed_at, is_whole=False)
        return SweepResult(changed_at, is_whole=True)

    def _list_recent(self, group: Group, newest: int) -> dict[str, int | None]:
        """What changed since the last sync, by the filter of paid plans, with an overlap."""
        since = EPOCH + timedelta(microseconds=newest - _OVERLAP_MICROSECONDS)
        pages = self._client.list_changes_since(group.author_ids, since)
        heads = (read_head(record) for page in pages for record in page.records)
        return {head.id: head.changed_at for head in heads if head}

    def _must_be_swept(self, author_id: str) -> bool:
        swept_at = self._state.find_status(author_id).last_swept_at
        return swept_at is None or swept_at + _SWEEP_TO_THE_END_AFTER <= datetime.now(UTC)

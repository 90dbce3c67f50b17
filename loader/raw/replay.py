"""Replay: rejected records are validated anew, and those that pass now are loaded, each exactly once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource, DltSource

from loader.fetch.pages import Page
from loader.raw.arrow import build_table
from loader.raw.documents import (
    REPLAY_HINTS,
    REPLAY_SCHEMA,
    Progress,
    Record,
    describe_fault,
    document_resource,
    load_documents,
)
from loader.raw.rejects import Reject, list_unreplayed
from loader.raw.warehouse import RawSchema


@dataclass(frozen=True)
class Candidate:
    """A rejected record that passes now."""

    reject: Reject
    key: str
    changed_at: datetime | None


@dataclass
class ReplayPlan:
    """What a replay makes of the rejects of one resource.

    Of several versions of a record, rejected or in raw, the newest stays: the other rejects are `overtaken`.
    `still_rejected` have today's reason.
    """

    resource: str
    to_load: list[Candidate] = field(default_factory=list)
    overtaken: list[Candidate] = field(default_factory=list)
    still_rejected: list[Reject] = field(default_factory=list)


@dataclass(frozen=True)
class _Version:
    """How new a version is: by the source's time of change, where that is not told by the load that brought it."""

    changed_at: datetime | None
    load_id: str

    def is_newer_than(self, other: "_Version") -> bool:
        if self.changed_at and other.changed_at and self.changed_at != other.changed_at:
            return self.changed_at > other.changed_at
        return self.load_id > other.load_id


def plan_replays(raw: RawSchema, models: Mapping[str, type[Record]]) -> list[ReplayPlan]:
    """Validates every reject that is not replayed yet; one plan for each resource that has any."""
    rejects: dict[str, list[Reject]] = {}
    for reject in list_unreplayed(raw):
        rejects.setdefault(reject.resource, []).append(reject)
    return [_plan(raw, resource, models[resource], rejects[resource]) for resource in models if resource in rejects]


def _plan(raw: RawSchema, resource: str, model: type[Record], rejects: Sequence[Reject]) -> ReplayPlan:
    plan = ReplayPlan(resource)
    candidates: list[Candidate] = []
    for reject in rejects:
        try:
            valid = model.read(reject.record.encode())
        except ValueError as error:
            plan.still_rejected.append(replace(reject, reason=describe_fault(error)))
        else:
            candidates.append(Candidate(reject, valid.key, valid.changed_at))
    newest = _read_versions(raw, resource, [candidate.key for candidate in candidates])
    chosen: dict[str, Candidate] = {}
    for candidate in candidates:
        version = _Version(candidate.changed_at, candidate.reject.load_id)
        if candidate.key in newest and not version.is_newer_than(newest[candidate.key]):
            plan.overtaken.append(candidate)
            continue
        newest[candidate.key] = version
        if earlier := chosen.get(candidate.key):
            plan.overtaken.append(earlier)
        chosen[candidate.key] = candidate
    plan.to_load = list(chosen.values())
    return plan


def _read_versions(raw: RawSchema, table: str, keys: Sequence[str]) -> dict[str, _Version]:
    if not raw.has_table(table):
        return {}
    sql = f"select id, updated_at, _dlt_load_id from {raw.name}.{table} where id in (select unnest(?::varchar[]))"
    return {key: _Version(*version) for key, *version in raw.connection.cursor().execute(sql, [keys]).fetchall()}


def build_replay(
    source: str, plans: Iterable[ReplayPlan], models: Mapping[str, type[Record]], raw: RawSchema, progress: Progress
) -> DltSource:
    """A dlt source that loads what the plans say and writes down, in the same load, what became of each reject."""
    resources = [
        _build_resource(plan, models[plan.resource], raw, progress) for plan in plans if plan.to_load or plan.overtaken
    ]
    return dlt.source(lambda: resources, name=source)()


def _build_resource(plan: ReplayPlan, model: type[Record], raw: RawSchema, progress: Progress) -> DltResource:
    def rows() -> Iterator[Any]:
        page = Page([candidate.reject.record.encode() for candidate in plan.to_load])
        yield from load_documents([page], resource=plan.resource, model=model, raw=raw, progress=progress)
        yield dlt.mark.with_hints(_describe_outcomes(plan), REPLAY_HINTS, create_table_variant=True)

    return document_resource(plan.resource, rows)


def _describe_outcomes(plan: ReplayPlan) -> pa.Table:
    """One row a settled reject (REPLAY_SCHEMA); called within the load."""
    load_id, now = dlt.current.load_package_state()["load_id"], datetime.now(UTC)
    rows = [
        (candidate.reject.id, plan.resource, candidate.key, outcome, now, load_id)
        for outcome, candidates in (("loaded", plan.to_load), ("overtaken", plan.overtaken))
        for candidate in candidates
    ]
    return build_table(rows, REPLAY_SCHEMA)

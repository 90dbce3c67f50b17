"""Replay: rejected records are validated again, and those that pass now are loaded, each exactly once.

Rejected files are not replayed: every run reads them again (loader/raw/files.py).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource, DltSource

from loader.fetch.pages import Page
from loader.raw.arrow import build_table
from loader.raw.changes import Event, EventPage, change_resource, load_changes
from loader.raw.documents import document_resource, load_documents
from loader.raw.ledger import Progress
from loader.raw.merge import mark_rows
from loader.raw.record import Record, describe_fault
from loader.raw.rejects import REPLAY_HINTS, REPLAY_SCHEMA, Reject, list_unreplayed
from loader.raw.warehouse import RawSchema


@dataclass(frozen=True)
class _Version:
    """How new a version is: by its position, else by the source's time of change, else by the load that brought it."""

    load_id: str
    changed_at: datetime | None = None
    position: int | None = None

    def is_newer_than(self, other: "_Version") -> bool:
        if self.position is not None and other.position is not None:
            return self.position > other.position
        if self.changed_at and other.changed_at and self.changed_at != other.changed_at:
            return self.changed_at > other.changed_at
        return self.load_id > other.load_id


@dataclass(frozen=True)
class Candidate:
    """A rejected record that passes now."""

    reject: Reject
    key: str
    version: _Version


@dataclass
class ReplayPlan:
    """What a replay does with the rejects of one resource.

    Of several versions of a record, rejected or in raw, the newest stays: the other rejects are `overtaken`.
    `still_rejected` have today's reason.
    """

    resource: str
    to_load: list[Candidate] = field(default_factory=list)
    overtaken: list[Candidate] = field(default_factory=list)
    still_rejected: list[Reject] = field(default_factory=list)


def plan_replays(raw: RawSchema, models: Mapping[str, type[Record]]) -> list[ReplayPlan]:
    """Validates every reject that is not replayed yet. One plan a resource that has any and that `models` names."""
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
            position = valid.position if isinstance(valid, Event) else None
            version = _Version(reject.load_id, valid.changed_at, position)
            candidates.append(Candidate(reject, valid.key, version))
    newest = _read_versions(raw, resource, model, [candidate.key for candidate in candidates])
    chosen: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.key in newest and not candidate.version.is_newer_than(newest[candidate.key]):
            plan.overtaken.append(candidate)
            continue
        newest[candidate.key] = candidate.version
        if earlier := chosen.get(candidate.key):
            plan.overtaken.append(earlier)
        chosen[candidate.key] = candidate
    plan.to_load = list(chosen.values())
    return plan


def _read_versions(raw: RawSchema, table: str, model: type[Record], keys: Sequence[str]) -> dict[str, _Version]:
    if not raw.has_table(table):
        return {}
    position = "position" if issubclass(model, Event) else "null"
    sql = f"""
        select id, _dlt_load_id, updated_at, {position}
        from {raw.name}.{table}
        where id in (select unnest(?::varchar[]))
    """
    return {key: _Version(*version) for key, *version in raw.connection.cursor().execute(sql, [keys]).fetchall()}


def build_replay(
    source: str, plans: Iterable[ReplayPlan], models: Mapping[str, type[Record]], raw: RawSchema, progress: Progress
) -> DltSource:
    """A dlt source that loads what the plans say and keeps, in the same load, what became of each reject."""
    resources = [
        _build_resource(plan, models[plan.resource], raw, progress) for plan in plans if plan.to_load or plan.overtaken
    ]
    return dlt.source(lambda: resources, name=source)()


def _build_resource(plan: ReplayPlan, model: type[Record], raw: RawSchema, progress: Progress) -> DltResource:
    name = plan.resource
    records = [candidate.reject.record.encode() for candidate in plan.to_load]
    if issubclass(model, Event):
        rows = load_changes([EventPage(records)], resource=name, model=model, raw=raw, progress=progress)
        return change_resource(name, lambda: _add_outcomes(rows, plan))
    rows = load_documents([Page(records)], resource=name, model=model, raw=raw, progress=progress)
    return document_resource(name, lambda: _add_outcomes(rows, plan))


def _add_outcomes(rows: Iterator[Any], plan: ReplayPlan) -> Iterator[Any]:
    yield from rows
    yield mark_rows(_describe_outcomes(plan), REPLAY_HINTS)


def _describe_outcomes(plan: ReplayPlan) -> pa.Table:
    """One row a settled reject (REPLAY_SCHEMA); called within the load."""
    load_id, now = dlt.current.load_package_state()["load_id"], datetime.now(UTC)
    rows = [
        (candidate.reject.id, plan.resource, candidate.key, outcome, now, load_id)
        for outcome, candidates in (("loaded", plan.to_load), ("overtaken", plan.overtaken))
        for candidate in candidates
    ]
    return build_table(rows, REPLAY_SCHEMA)

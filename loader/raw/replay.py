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
from loader.raw.series import RowPage, Series, series_resource
from loader.raw.series_intake import build_key, read_stream
from loader.raw.warehouse import RawSchema

# What reads a rejected record again: the model of its resource, or the series itself.
Reader = type[Record] | Series[Any]


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


def plan_replays(raw: RawSchema, readers: Mapping[str, Reader]) -> list[ReplayPlan]:
    """Validates every reject that is not replayed yet. One plan a resource that has any and that `readers` names."""
    rejects: dict[str, list[Reject]] = {}
    for reject in list_unreplayed(raw):
        rejects.setdefault(reject.resource, []).append(reject)
    return [_plan(raw, resource, readers[resource], rejects[resource]) for resource in readers if resource in rejects]


def _plan(raw: RawSchema, resource: str, reader: Reader, rejects: Sequence[Reject]) -> ReplayPlan:
    plan = ReplayPlan(resource)
    candidates: list[Candidate] = []
    for reject in rejects:
        try:
            candidates.append(_read_again(reject, reader))
        except ValueError as error:
            plan.still_rejected.append(replace(reject, reason=describe_fault(error)))
    newest = _read_versions(raw, resource, reader, [candidate.key for candidate in candidates])
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


def _read_again(reject: Reject, reader: Reader) -> Candidate:
    """Raises ValueError if it still does not pass."""
    if isinstance(reader, Series):
        stream = _read_stream(reject)
        row = reader.read(reject.record.encode(), stream)
        return Candidate(reject, build_key(stream, row.id), _Version(reject.load_id))
    valid = reader.read(reject.record.encode())
    position = valid.position if isinstance(valid, Event) else None
    return Candidate(reject, valid.key, _Version(reject.load_id, valid.changed_at, position))


def _read_stream(reject: Reject) -> str:
    return read_stream(reject.record_id or "")


def _read_versions(raw: RawSchema, table: str, reader: Reader, keys: Sequence[str]) -> dict[str, _Version]:
    if not raw.has_table(table):
        return {}
    updated_at = "null" if isinstance(reader, Series) else "updated_at"
    position = "position" if not isinstance(reader, Series) and issubclass(reader, Event) else "null"
    sql = f"""
        select id, _dlt_load_id, {updated_at}, {position}
        from {raw.name}.{table}
        where id in (select unnest(?::varchar[]))
    """
    return {key: _Version(*version) for key, *version in raw.connection.cursor().execute(sql, [keys]).fetchall()}


def build_replay(
    source: str, plans: Iterable[ReplayPlan], readers: Mapping[str, Reader], raw: RawSchema, progress: Progress
) -> DltSource:
    """A dlt source that loads what the plans say and keeps, in the same load, what became of each reject."""
    resources = [
        _build_resource(plan, readers[plan.resource], raw, progress) for plan in plans if plan.to_load or plan.overtaken
    ]
    return dlt.source(lambda: resources, name=source)()


def _build_resource(plan: ReplayPlan, reader: Reader, raw: RawSchema, progress: Progress) -> DltResource:
    name = plan.resource
    records = [candidate.reject.record.encode() for candidate in plan.to_load]
    if isinstance(reader, Series):
        streams = [_read_stream(candidate.reject) for candidate in plan.to_load]
        pages = [RowPage(stream, [record]) for stream, record in zip(streams, records, strict=True)]
        rows = reader.load(pages, raw, progress)
        return series_resource(name, lambda: _add_outcomes(rows, plan))
    if issubclass(reader, Event):
        rows = load_changes([EventPage(records)], resource=name, model=reader, raw=raw, progress=progress)
        return change_resource(name, lambda: _add_outcomes(rows, plan))
    rows = load_documents([Page(records)], resource=name, model=reader, raw=raw, progress=progress)
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

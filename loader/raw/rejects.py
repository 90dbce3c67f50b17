"""Rejected records: which there are, why, and which of them are still open."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import dlt
import pyarrow as pa

from loader.raw.merge import LOOK_FOR_COPIES
from loader.raw.warehouse import RawSchema

REJECT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("resource", pa.string(), nullable=False),
        pa.field("record_id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("record_hash", pa.string(), nullable=False),
        pa.field("record", pa.string(), nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
REPLAY_SCHEMA = pa.schema(
    [
        pa.field("reject_id", pa.string(), nullable=False),
        pa.field("resource", pa.string(), nullable=False),
        pa.field("record_id", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("replayed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
REJECT_HINTS = dlt.mark.make_hints(
    table_name="rejected_records",
    columns={},  # none of the hints of the resource's own table
    primary_key="id",
    additional_table_hints=LOOK_FOR_COPIES,
)
REPLAY_HINTS = dlt.mark.make_hints(table_name="replays", columns={}, primary_key=["reject_id", "_dlt_load_id"])

# A replayed record is open again once it is rejected again later. Load ids sort by time.
_OPEN = """
    select id, resource, record_id, reason, record_hash, record, _dlt_load_id
    from {raw}.rejected_records as rejected
    where not exists (
        select 1 from {raw}.replays as replay
        where replay.reject_id = rejected.id and replay._dlt_load_id > rejected._dlt_load_id
    )
    order by _dlt_load_id desc, id
"""
_BY_KEY = """
    select id, resource, record_id, reason, record_hash, record, _dlt_load_id
    from {raw}.rejected_records
    where id = $key or record_id = $key or ends_with(record_id, '/' || $key)
        or (length($key) >= 8 and starts_with(record_hash, lower($key)))
    order by _dlt_load_id desc, id
"""
_REPLAYS = """
    select outcome, replayed_at from {raw}.replays where reject_id = ? order by replayed_at
"""


@dataclass(frozen=True)
class Reject:
    """A rejected record. `record` is as the source sent it; `load_id` is the load that kept it.

    Of a rejected file it is a description of that version of the file, and `record_id` is the file's name.
    """

    id: str
    resource: str
    record_id: str | None
    reason: str
    record_hash: str
    record: str
    load_id: str

    @property
    def rejected_at(self) -> datetime:
        """When the load began (UTC): its id is that time in seconds."""
        return datetime.fromtimestamp(float(self.load_id), UTC)


@dataclass(frozen=True)
class RejectGroup:
    """Rejects of one resource with one reason, at any place in a list; `example` is one of them."""

    resource: str
    reason: str
    count: int
    example: Reject


@dataclass(frozen=True)
class Replay:
    """A replay that settled a reject: its record was `loaded`, or `overtaken` by a newer version."""

    outcome: str
    replayed_at: datetime


def list_unreplayed(raw: RawSchema) -> list[Reject]:
    """The rejects that no replay has settled, newest load first."""
    if not raw.has_table("replays"):
        return []
    return [Reject(*row) for row in raw.connection.cursor().execute(_OPEN.format(raw=raw.name)).fetchall()]


def list_open(raw: RawSchema) -> list[Reject]:
    """The rejects that are neither replayed nor overtaken by a later load with a version that passed."""
    unreplayed = list_unreplayed(raw)
    loads = {
        resource: read_loads(raw, resource, (reject.record_id for reject in unreplayed if reject.resource == resource))
        for resource in {reject.resource for reject in unreplayed}
    }
    return [reject for reject in unreplayed if loads[reject.resource].get(reject.record_id or "", "") <= reject.load_id]


def read_loads(raw: RawSchema, table: str, keys: Iterable[str | None]) -> dict[str, str]:
    """The load that last wrote each of these keys, of those that the table holds. The key of a file is its name."""
    values: dict[str, object] = {"keys": list(keys)}
    if raw.has_column(table, "file_name"):  # no table of documents or of changes has it
        values["resource"] = table
        sql = f"""
            select file_name, _dlt_load_id from {raw.name}.files
            where
                resource = $resource
                and status != 'rejected'
                and file_name in (select unnest($keys::varchar[]))
        """
    elif raw.has_table(table):
        sql = f"select id, _dlt_load_id from {raw.name}.{table} where id in (select unnest($keys::varchar[]))"
    else:
        return {}
    return dict(raw.connection.cursor().execute(sql, values).fetchall())


def group_rejects(rejects: Iterable[Reject]) -> list[RejectGroup]:
    """The rejects by resource and reason, most frequent first."""
    groups: dict[tuple[str, str], list[Reject]] = {}
    for reject in rejects:
        reason = re.sub(r"\[\d+\]", "[]", reject.reason)
        groups.setdefault((reject.resource, reason), []).append(reject)
    return sorted(
        (RejectGroup(*key, len(members), members[0]) for key, members in groups.items()),
        key=lambda group: (-group.count, group.resource, group.reason),
    )


def find_rejects(raw: RawSchema, key: str) -> list[Reject]:
    """The rejects of a record, open or not, newest first, by its id, the end of its id or the start of its hash."""
    if not raw.has_table("replays"):
        return []
    cursor = raw.connection.cursor()
    return [Reject(*row) for row in cursor.execute(_BY_KEY.format(raw=raw.name), {"key": key}).fetchall()]


def list_replays(raw: RawSchema, reject: Reject) -> list[Replay]:
    """The replays that settled a reject, oldest first."""
    return [
        Replay(*row) for row in raw.connection.cursor().execute(_REPLAYS.format(raw=raw.name), [reject.id]).fetchall()
    ]

"""What loading writes down beside the records: when each author was requested, and which works left their place."""

from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta

import dlt
import pyarrow as pa

from loader.base.dbt_project import read_seed
from loader.raw.warehouse import RawSchema
from loader.sources.openalex.made_records import MEMBERS

MERGED, GONE, MOVED, PRESENT = "merged", "gone", "moved", "present"
_RECORD_IS_RECENT_FOR = timedelta(days=30)

_UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")
SYNC_STATUS_SCHEMA = pa.schema(
    [
        pa.field("author_id", pa.string(), nullable=False),
        pa.field("last_synced_at", _UTC_TIMESTAMP),
        pa.field("last_swept_at", _UTC_TIMESTAMP),
        pa.field("works_seen", pa.int64(), nullable=False),
        pa.field("works_fetched", pa.int64(), nullable=False),
        pa.field("error", pa.string()),
        pa.field("works_changed_at", _UTC_TIMESTAMP),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
AUTHOR_CHECK_SCHEMA = pa.schema(
    [
        pa.field("author_id", pa.string(), nullable=False),
        pa.field("asked_at", _UTC_TIMESTAMP, nullable=False),
        pa.field("is_found", pa.bool_(), nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
WORK_STATUS_SCHEMA = pa.schema(
    [
        pa.field("work_id", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("merged_into_id", pa.string()),
        pa.field("checked_at", _UTC_TIMESTAMP, nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
UNKNOWN_PEOPLE_SCHEMA = pa.schema(
    [
        pa.field("identifier", pa.string(), nullable=False),
        pa.field("display_name", pa.string()),
        pa.field("department", pa.string()),
        pa.field("is_unknown", pa.bool_(), nullable=False),
        pa.field("checked_at", _UTC_TIMESTAMP, nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
SYNC_STATUS_HINTS = dlt.mark.make_hints(table_name="sync_status", columns={}, primary_key="author_id")
AUTHOR_CHECK_HINTS = dlt.mark.make_hints(table_name="author_checks", columns={}, primary_key="author_id")
UNKNOWN_PEOPLE_HINTS = dlt.mark.make_hints(table_name="unknown_people", columns={}, primary_key="identifier")
WORK_STATUS_HINTS = dlt.mark.make_hints(table_name="work_statuses", columns={}, primary_key="work_id")
_RECORD_TIMES = f"""
    select author_id, asked_at
    from {{raw}}.author_checks
    where
        is_found
        and author_id in (select id from {{raw}}.authors)
        and author_id in ({MEMBERS})
"""


@dataclass(frozen=True)
class SyncStatus:
    """How an author's works were last requested (UTC); `last_swept_at`: last read to the end of their list.

    `works_seen` and `works_fetched` are of the last successful sync; `error` says why the last one failed.
    `works_changed_at` is when the last run began in which one of the author's works was brought or marked.
    """

    author_id: str
    last_synced_at: datetime | None = None
    last_swept_at: datetime | None = None
    works_seen: int = 0
    works_fetched: int = 0
    error: str | None = None
    works_changed_at: datetime | None = None

    def describe(self, load_id: str) -> tuple[object, ...]:
        """A row of SYNC_STATUS_SCHEMA."""
        return (*astuple(self), load_id)


@dataclass(frozen=True)
class AuthorCheck:
    """When an author's own record was last requested (UTC), and whether OpenAlex had it."""

    author_id: str
    asked_at: datetime
    is_found: bool

    def describe(self, load_id: str) -> tuple[object, ...]:
        """A row of AUTHOR_CHECK_SCHEMA."""
        return (*astuple(self), load_id)


@dataclass(frozen=True)
class WorkStatus:
    """A work that is no longer where raw has it: `merged` into another, `moved` to other authors or `gone`.

    One that has come back is `present`.
    """

    work_id: str
    status: str
    merged_into_id: str | None = None

    def describe(self, load_id: str) -> tuple[object, ...]:
        """A row of WORK_STATUS_SCHEMA."""
        return (self.work_id, self.status, self.merged_into_id, datetime.now(UTC), load_id)


def read_sync_statuses(raw: RawSchema) -> dict[str, SyncStatus]:
    """The status of every author who was ever synced."""
    if not raw.has_table("sync_status"):
        return {}
    # By name: a warehouse that an earlier version made lacks columns until its next load.
    sql = f"select * exclude (_dlt_load_id) from {raw.name}.sync_status"
    rows = raw.connection.cursor().execute(sql).to_arrow_table().to_pylist()
    return {row["author_id"]: SyncStatus(**row) for row in rows}


def read_record_times(raw: RawSchema) -> dict[str, datetime]:
    """When each author's record in raw was last requested.

    Without authors that OpenAlex no longer has, and without those who left the roster: their works are not followed.
    """
    if not all(map(raw.has_table, ("author_checks", "authors", "roster"))):
        return {}
    return dict(raw.query(_RECORD_TIMES))


def is_recent(asked_at: datetime) -> bool:
    """Whether an author's record that was requested then is too young to be requested again."""
    return datetime.now(UTC) < asked_at + _RECORD_IS_RECENT_FOR


def list_left_statuses() -> set[str]:
    """The statuses of works that are no longer in OpenAlex."""
    return {row["work_status"] for row in read_seed("academic", "work_statuses") if row["has_left"] == "true"}


def read_work_statuses(raw: RawSchema) -> dict[str, str]:
    """The status of every work that ever left its place."""
    if not raw.has_table("work_statuses"):
        return {}
    return dict(raw.query("select work_id, status from {raw}.work_statuses"))

"""What loading writes down beside the records: when each author was synced, and which works have left their place."""

from dataclasses import astuple, dataclass
from datetime import UTC, datetime

import dlt
import pyarrow as pa

from loader.warehouse import RawSchema

MERGED, GONE, MOVED, PRESENT = "merged", "gone", "moved", "present"

_UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")
SYNC_STATUS_SCHEMA = pa.schema(
    [
        pa.field("author_id", pa.string(), nullable=False),
        pa.field("last_synced_at", _UTC_TIMESTAMP),
        pa.field("last_swept_at", _UTC_TIMESTAMP),
        pa.field("works_seen", pa.int64(), nullable=False),
        pa.field("works_fetched", pa.int64(), nullable=False),
        pa.field("error", pa.string()),
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
SYNC_STATUS_HINTS = dlt.mark.make_hints(table_name="sync_status", columns={}, primary_key="author_id")
WORK_STATUS_HINTS = dlt.mark.make_hints(table_name="work_statuses", columns={}, primary_key="work_id")


@dataclass(frozen=True)
class SyncStatus:
    """How an author's works were last asked for (UTC); `last_swept_at`: last read to the end of their list.

    `works_seen` and `works_fetched` are of the last sync that went well; `error` says why the last did not.
    """

    author_id: str
    last_synced_at: datetime | None = None
    last_swept_at: datetime | None = None
    works_seen: int = 0
    works_fetched: int = 0
    error: str | None = None

    def describe(self, load_id: str) -> tuple[object, ...]:
        """A row of SYNC_STATUS_SCHEMA."""
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
    sql = "select author_id, last_synced_at, last_swept_at, works_seen, works_fetched, error from {raw}.sync_status"
    return {row[0]: SyncStatus(*row) for row in raw.query(sql)}


def read_work_statuses(raw: RawSchema) -> dict[str, str]:
    """The status of every work that ever left its place."""
    if not raw.has_table("work_statuses"):
        return {}
    return dict(raw.query("select work_id, status from {raw}.work_statuses"))

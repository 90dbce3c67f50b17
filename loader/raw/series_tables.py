"""The tables that all series of a source share: positions, partitions, gaps, earlier versions, counts by day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import dlt
import pyarrow as pa

from loader.raw.arrow import build_table
from loader.raw.changes import POSITION_SCHEMA
from loader.raw.merge import mark_rows
from loader.raw.warehouse import RawSchema

_TIME = pa.timestamp("us", tz="UTC")


def _required(name: str, kind: pa.DataType) -> pa.Field:
    return pa.field(name, kind, nullable=False)


SUPERSEDED_SCHEMA = pa.schema(
    [
        _required("resource", pa.string()),
        _required("id", pa.string()),
        _required("stream", pa.string()),
        _required("occurred_at", _TIME),
        _required("outcome", pa.string()),
        _required("content", pa.string()),
        _required("_dlt_load_id", pa.string()),
    ]
)
PARTITION_SCHEMA = pa.schema(
    [
        _required("resource", pa.string()),
        _required("stream", pa.string()),
        _required("starts_at", _TIME),
        _required("ends_at", _TIME),
        _required("batch", pa.string()),
        _required("row_count", pa.int64()),
        _required("request_count", pa.int64()),
        _required("replaced_at", _TIME),
        _required("_dlt_load_id", pa.string()),
    ]
)
GAP_SCHEMA = pa.schema(
    [
        _required("resource", pa.string()),
        _required("stream", pa.string()),
        _required("first_missing", pa.int64()),
        _required("last_missing", pa.int64()),
        _required("followed_at", _TIME),
        _required("noticed_at", _TIME),
        _required("_dlt_load_id", pa.string()),
    ]
)
DAY_SCHEMA = pa.schema(
    [
        _required("resource", pa.string()),
        _required("stream", pa.string()),
        _required("day", pa.date32()),
        *(
            _required(f"{name}_count", pa.int64())
            for name in ("new", "changed", "unchanged", "repeated", "rejected", "removed", "late")
        ),
        _required("_dlt_load_id", pa.string()),
    ]
)
_POSITIONS = dlt.mark.make_hints(table_name="stream_positions", columns={}, primary_key=["resource", "stream"])
_SUPERSEDED = dlt.mark.make_hints(
    table_name="superseded_rows", columns={}, primary_key=["resource", "id", "_dlt_load_id"]
)
_PARTITIONS = dlt.mark.make_hints(
    table_name="replaced_partitions", columns={}, primary_key=["resource", "stream", "starts_at", "ends_at"]
)
_GAPS = dlt.mark.make_hints(
    table_name="known_gaps", columns={}, primary_key=["resource", "stream", "first_missing", "last_missing"]
)
_DAYS = dlt.mark.make_hints(
    table_name="stream_days", columns={}, primary_key=["resource", "stream", "day", "_dlt_load_id"]
)


@dataclass(frozen=True)
class Partition:
    """The rows of a stream from one time (included) to another (UTC). `batch` names what it was replaced for."""

    stream: str
    starts_at: datetime
    ends_at: datetime
    batch: str
    request_count: int = 0


@dataclass(frozen=True)
class Gap:
    """Numbers of a stream that the source skips, also when asked again; the row after them is of `followed_at`."""

    stream: str
    first_missing: int
    last_missing: int
    followed_at: datetime


def list_empty_series_tables() -> Iterator[Any]:
    """The shared tables without a row: dbt reads them from the first load on."""
    for schema, hints in (
        (POSITION_SCHEMA, _POSITIONS),
        (SUPERSEDED_SCHEMA, _SUPERSEDED),
        (PARTITION_SCHEMA, _PARTITIONS),
        (GAP_SCHEMA, _GAPS),
        (DAY_SCHEMA, _DAYS),
    ):
        yield mark_rows(schema.empty_table(), hints)


def mark_positions(resource: str, positions: Mapping[str, int], now: datetime, load_id: str) -> Any:
    """How far each stream has been read."""
    rows = [(resource, stream, position, now, load_id) for stream, position in positions.items()]
    return mark_rows(build_table(rows, POSITION_SCHEMA), _POSITIONS)


def mark_gaps(resource: str, gaps: Sequence[Gap], now: datetime, load_id: str) -> Any:
    """The gaps that a load noticed."""
    found = {(gap.stream, gap.first_missing, gap.last_missing): gap for gap in gaps}.values()
    rows = [(resource, gap.stream, gap.first_missing, gap.last_missing, gap.followed_at, now, load_id) for gap in found]
    return mark_rows(build_table(rows, GAP_SCHEMA), _GAPS)


def mark_partitions(resource: str, partitions: Sequence[tuple[Partition, int]], now: datetime, load_id: str) -> Any:
    """The partitions that a load replaced, each with the number of its rows."""
    rows = [
        (resource, each.stream, each.starts_at, each.ends_at, each.batch, count, each.request_count, now, load_id)
        for each, count in partitions
    ]
    return mark_rows(build_table(rows, PARTITION_SCHEMA), _PARTITIONS)


def mark_superseded(rows: Sequence[Sequence[Any]]) -> Any:
    """Earlier versions of rows that a load changed or removed."""
    return mark_rows(build_table(rows, SUPERSEDED_SCHEMA), _SUPERSEDED)


def mark_days(rows: Sequence[Sequence[Any]]) -> Any:
    """What became of the records of each stream and day."""
    return mark_rows(build_table(rows, DAY_SCHEMA), _DAYS)


def read_replaced(raw: RawSchema, resource: str, stream: str) -> list[tuple[datetime, datetime, str, datetime]]:
    """The partitions of a stream that loads have replaced: start, end, batch, when; the last replaced first."""
    if not raw.has_table("replaced_partitions"):
        return []
    sql = """
        select starts_at, ends_at, batch, replaced_at from {raw}.replaced_partitions
        where resource = ? and stream = ? order by replaced_at desc
    """
    return [tuple(row) for row in raw.query(sql, resource, stream)]

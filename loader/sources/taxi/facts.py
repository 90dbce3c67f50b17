"""What the ledger of files keeps of each trip file: where it is from, and what its rows are like."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from loader.raw.limits import LoadLimits, apply_limits
from loader.sources.taxi.columns import TRIP_SCHEMA

FACTS = pa.schema(
    [
        pa.field("address", pa.string()),
        pa.field("colour", pa.string()),
        pa.field("month", pa.string()),
        pa.field("format", pa.string()),
        pa.field("etag", pa.string()),
        pa.field("modified_at", pa.timestamp("us", tz="UTC")),
        pa.field("content_hash", pa.string()),
        pa.field("distinct_row_count", pa.int64()),
        pa.field("first_pickup_time", pa.timestamp("us")),
        pa.field("last_pickup_time", pa.timestamp("us")),
        pa.field("seconds", pa.float64()),
    ]
)
_LIMITS = LoadLimits(memory_megabytes=256, threads=1)
_COMPARED = ", ".join(name for name in TRIP_SCHEMA.names if name != "row_label")


class TripSurvey:
    """Counts distinct rows by 128 bits of hash, so that no row is kept."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        apply_limits(self._connection, _LIMITS)
        self._connection.execute("create table hashes (one ubigint, other ubigint, pickup timestamp)")

    def examine(self, batch: pa.RecordBatch) -> None:
        """Some of the rows, as raw takes them."""
        self._connection.register("batch", pa.Table.from_batches([batch]))
        self._connection.execute(
            f"insert into hashes select hash({_COMPARED}), hash('other', {_COMPARED}), pickup_datetime from batch"
        )
        self._connection.unregister("batch")

    def describe(self) -> Mapping[str, Any]:
        """Distinct rows, and the first and the last pick-up in New York's wall clock."""
        ((distinct, first, last),) = self._connection.execute(
            "select (select count(*) from (select distinct one, other from hashes)), min(pickup), max(pickup)"
            " from hashes"
        ).fetchall()
        self._connection.close()
        return {"distinct_row_count": distinct, "first_pickup_time": first, "last_pickup_time": last}

"""Series: rows with an id and a time, in streams; appended as they come, and replaced partition by partition.

Each row keeps the record that it was read from. A stream is read on from its last position. A partition is a stream's
rows of a period: what the source has of it replaces what raw holds of it, in one transaction. Beside the table, raw
keeps the earlier version of each row that a load changed or removed, which partitions were replaced, which rows the
source lacks, and counts by stream and day.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Generic, TypeVar

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from loader.raw.changes import read_positions
from loader.raw.field_inventory import FieldInventory, read_known_fields
from loader.raw.ledger import Ledger, Progress, list_empty_tables, mark_rejects
from loader.raw.limits import LoadLimits
from loader.raw.series_intake import Place, SeriesIntake, SeriesRow, build_series_schema, find_nothing
from loader.raw.series_tables import (
    Gap,
    Partition,
    list_empty_series_tables,
    mark_gaps,
    mark_partitions,
    mark_positions,
)
from loader.raw.warehouse import RawSchema

T = TypeVar("T")

# A load compares rows by the fifty thousand with those that raw holds.
SERIES_LIMITS = LoadLimits(memory_megabytes=768, threads=2)


@dataclass(frozen=True)
class RowPage:
    """Some records of a stream as the source sent them.

    `position` is how far the stream has been read with this page; None leaves it unchanged. `day` is where a rejected
    record counts whose time cannot be read (None: the day of the load). `replaced` is a partition of which this page is
    the last: what raw holds of it and the pages did not bring is removed.
    """

    stream: str
    records: Sequence[bytes]
    position: int | None = None
    day: date | None = None
    gaps: Sequence[Gap] = ()
    replaced: Partition | None = None


@dataclass(frozen=True)
class Series(Generic[T]):
    """A resource of rows with an id and a time.

    `schema` has the columns beside those of every series (`id`, `stream`, `occurred_at`). `read` turns a record of a
    stream into a row, or raises ValueError that says what is wrong with it. `pages` is called with whatever `build` is
    given. `read_place` reads what can be read of a record that is no row. Records that come again change nothing.

    A rejected record is replayed, and is closed by a row of its id that a later load writes.
    """

    name: str
    schema: pa.Schema
    read: Callable[[bytes, str], SeriesRow]
    pages: Callable[[T], Iterable[RowPage]]
    read_place: Callable[[bytes], Place] = find_nothing
    model: ClassVar[None] = None  # `read` is what validates a record
    limits: ClassVar[LoadLimits] = SERIES_LIMITS

    @property
    def tables(self) -> tuple[str, ...]:
        """Its own table, and those that all series of a source share."""
        return (self.name, "superseded_rows", "replaced_partitions", "known_gaps", "stream_days", "stream_positions")

    def build(self, given: T, raw: RawSchema, progress: Progress) -> DltResource:
        """The dlt resource. Nothing is requested before dlt reads it."""
        return series_resource(self.name, lambda: self.load(self.pages(given), raw, progress))

    def load(self, pages: Iterable[RowPage], raw: RawSchema, progress: Progress) -> Iterator[Any]:
        """Yields the rows of a dlt resource, of the shared tables, the rejected records and, last, counts and fields.

        Raises what `pages` raises; nothing of the resource is loaded then.
        """
        progress.start(self.name)
        ledger = Ledger(self.name, raw)
        inventory = FieldInventory(read_known_fields(raw, self.name), ())
        intake = SeriesIntake(ledger, self.name, self.schema, self.read, raw, self.read_place)
        positions: dict[str, int] = {}
        gaps: list[Gap] = []
        partitions: list[tuple[Partition, int]] = []
        # dbt reads all tables from the first load on. Later loads name those that get rows: each costs dlt 0.1 seconds.
        if not all(raw.has_table(table) for table in (*self.tables, "rejected_records")):
            yield build_series_schema(self.schema).empty_table()
            yield from list_empty_series_tables()
            yield from list_empty_tables()
        for page in pages:
            texts = [record.decode(errors="backslashreplace") for record in page.records]
            inventory.examine(pa.chunked_array([pa.array(texts, pa.string())]))
            yield from intake.take(page.stream, page.records, page.day)
            if page.position is not None:
                positions[page.stream] = max(page.position, positions.get(page.stream, page.position))
            gaps += page.gaps
            if page.replaced:
                yield from intake.replace(page.replaced)
                partitions.append((page.replaced, intake.count_seen(page.replaced)))
            if (rejects := ledger.take_rejects()).num_rows:
                yield mark_rejects(rejects)
            progress.advance(self.name, len(page.records), None)
        yield from intake.finish()
        now = datetime.now(UTC)
        before = read_positions(raw, self.name)
        moved = {stream: position for stream, position in positions.items() if position > before.get(stream, -1)}
        if moved:
            yield mark_positions(self.name, moved, now, ledger.load_id)
        if gaps:
            yield mark_gaps(self.name, gaps, now, ledger.load_id)
        if partitions:
            yield mark_partitions(self.name, partitions, now, ledger.load_id)
        yield from ledger.finish(inventory, progress)


def series_resource(name: str, rows: Callable[[], Iterator[Any]]) -> DltResource:
    """A dlt resource of what Series.load yields."""
    return dlt.resource(
        rows,
        name=name,
        primary_key="id",
        # A load sends each id once: dlt need not look for copies.
        write_disposition={"disposition": "merge", "strategy": "delete-insert", "deduplicated": True},
        columns={"is_removed": {"hard_delete": True, "data_type": "bool"}},
    )

"""Sorts the rows of a series in one load: what is new, changed, unchanged, repeated, removed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from loader.raw.arrow import build_table
from loader.raw.ledger import Ledger
from loader.raw.series_tables import Partition, mark_days, mark_superseded
from loader.raw.warehouse import RawSchema

_CHUNK_ROWS = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SeriesRow(NamedTuple):
    """A row: its id is unique in its stream, `at` is in microseconds since 1970 (UTC), `values` fit the schema."""

    id: str
    at: int
    values: tuple[Any, ...]


class Place(NamedTuple):
    """Where a record belongs that may be no row: its id and its time, as far as they can be read."""

    id: str | None
    at: int | None


def find_nothing(_: bytes) -> Place:
    """Nothing can be read of a record that is no row."""
    return Place(None, None)


class _Waiting(NamedTuple):
    """A row that raw may get; `record` is as the source sent it, None of a row that is removed."""

    key: str
    stream: str
    at: int
    values: tuple[Any, ...]
    record: bytes | None = None


@dataclass
class _DayCounts:
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0
    removed: int = 0
    late: int = 0


def build_series_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of a series in raw: what a row is, and the record that it was read from."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("stream", pa.string(), nullable=False),
            pa.field("occurred_at", pa.timestamp("us", tz="UTC"), nullable=False),
            *(field.with_nullable(True) for field in schema),
            pa.field("record", pa.string()),
            pa.field("is_removed", pa.bool_()),
            pa.field("_dlt_load_id", pa.string(), nullable=False),
        ]
    )


def build_key(stream: str, row_id: str) -> str:
    """The key in raw; read_stream reads its stream."""
    return f"{stream}:{row_id}"


def read_stream(key: str) -> str:
    """The stream of a key in raw, also of one without an id."""
    return key.rpartition(":")[0]


class SeriesIntake:
    """The rows of one resource in one load; made within that load. A row's key in raw is `STREAM:ID`."""

    def __init__(
        self,
        ledger: Ledger,
        resource: str,
        schema: pa.Schema,
        read: Callable[[bytes, str], SeriesRow],
        raw: RawSchema,
        read_place: Callable[[bytes], Place] = find_nothing,
    ) -> None:
        self._ledger = ledger
        self._resource = resource
        self._schema = build_series_schema(schema)
        self._names = schema.names
        self._read = read
        self._read_place = read_place
        self._raw = raw
        self._holds_rows = raw.has_table(resource)
        self._seen: dict[str, dict[str, int]] = {}  # of each stream: the id and time of each row of this load
        self._waiting: list[_Waiting] = []
        self._days: dict[tuple[str, date], _DayCounts] = {}
        self._newest: dict[tuple[str, date], int] = {}

    def take(self, stream: str, records: Sequence[bytes], day: date | None = None) -> Iterator[Any]:
        """Counts these records, and yields rows whenever enough wait. `day` is that of rejected ones without a time."""
        seen = self._seen.setdefault(stream, {})
        for record in records:
            self._ledger.counts.extracted += 1
            try:
                row = self._read(record, stream)
            except ValueError as error:
                self._reject(record, stream, str(error), day)
                continue
            if row.id in seen:
                self._ledger.counts.repeated += 1
                self._count_day(stream, row.at).repeated += 1
                continue
            seen[row.id] = row.at
            self._waiting.append(_Waiting(build_key(stream, row.id), stream, row.at, row.values, record))
        if len(self._waiting) >= _CHUNK_ROWS:
            yield from self._flush()

    def replace(self, partition: Partition) -> Iterator[Any]:
        """Yields what raw holds of the partition and this load did not bring, marked as removed."""
        yield from self._flush()
        if not self._holds_rows:
            return
        seen = self._seen.get(partition.stream, {})
        columns = ", ".join(self._names)
        cursor = self._raw.connection.cursor().execute(
            f"select id, epoch_us(occurred_at), {columns} from {self._raw.name}.{self._resource}"
            " where stream = ? and occurred_at >= ? and occurred_at < ?",
            [partition.stream, partition.starts_at, partition.ends_at],
        )
        removed = []
        skipped = len(partition.stream) + 1
        while rows := cursor.fetchmany(_CHUNK_ROWS):
            removed += [row for row in rows if row[0][skipped:] not in seen]
        if not removed:
            return
        for _, at, *_ in removed:
            self._count_day(partition.stream, at).removed += 1
        self._ledger.counts.removed += len(removed)
        stream = partition.stream
        yield self._build([_Waiting(key, stream, at, tuple(values)) for key, at, *values in removed], is_removed=True)
        yield self._keep_earlier("removed", [(key, stream, at, values) for key, at, *values in removed])

    def count_seen(self, partition: Partition) -> int:
        """The rows that this load brought of a partition."""
        first, end = _to_microseconds(partition.starts_at), _to_microseconds(partition.ends_at)
        return sum(first <= at < end for at in self._seen.get(partition.stream, {}).values())

    def finish(self) -> Iterator[Any]:
        """Yields the rows that wait, and the counts by day."""
        yield from self._flush()
        load_id = self._ledger.load_id
        days = [
            (self._resource, stream, day, *astuple(counts), load_id)
            for (stream, day), counts in sorted(self._days.items())
        ]
        if days:
            yield mark_days(days)

    def _flush(self) -> Iterator[Any]:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        held = self._read_held([row.key for row in waiting])
        counts = self._ledger.counts
        rows, superseded = [], []
        for row in waiting:
            key, stream, at, values, _ = row
            day = self._count_day(stream, at)
            earlier = held.get(key)
            if earlier == (at, *values):
                counts.unchanged += 1
                day.unchanged += 1
                continue
            rows.append(row)
            if earlier is None:
                counts.new += 1
                day.new += 1
                day.late += at < self._find_newest(stream, at)
            else:
                counts.changed += 1
                day.changed += 1
                superseded.append((key, stream, earlier[0], earlier[1:]))
        if rows:
            yield self._build(rows)
        if superseded:
            yield self._keep_earlier("changed", superseded)

    def _read_held(self, keys: Sequence[str]) -> dict[str, tuple[Any, ...]]:
        """What raw holds of these keys: time and values."""
        if not self._holds_rows:
            return {}
        cursor = self._raw.connection.cursor()
        cursor.register("wanted_keys", pa.table({"id": pa.array(keys, pa.string())}))
        columns = ", ".join(f"held.{name}" for name in self._names)
        cursor.execute(
            f"select held.id, epoch_us(held.occurred_at), {columns}"
            f" from {self._raw.name}.{self._resource} as held semi join wanted_keys on held.id = wanted_keys.id"
        )
        found = {key: tuple(values) for key, *values in cursor.fetchall()}
        cursor.unregister("wanted_keys")
        return found

    def _build(self, rows: Sequence[_Waiting], *, is_removed: bool | None = None) -> pa.Table:
        load_id = self._ledger.load_id
        return build_table(
            [(key, stream, at, *values, record, is_removed, load_id) for key, stream, at, values, record in rows],
            self._schema,
        )

    def _keep_earlier(self, outcome: str, rows: Sequence[tuple[str, str, int, Sequence[Any]]]) -> Any:
        names = self._names
        return mark_superseded(
            [
                (
                    self._resource,
                    key,
                    stream,
                    at,
                    outcome,
                    orjson.dumps(dict(zip(names, map(str, values), strict=True))).decode(),
                    self._ledger.load_id,
                )
                for key, stream, at, values in rows
            ]
        )

    def _reject(self, record: bytes, stream: str, reason: str, day: date | None) -> None:
        row_id, at = self._read_place(record)
        # A record that comes again and again, as at the end of a stream, is one rejected record.
        if self._ledger.reject(record, build_key(stream, row_id or ""), f"{stream}: {reason}"):
            counted_on = day or datetime.now(UTC).date() if at is None else _find_day(at)
            self._days.setdefault((stream, counted_on), _DayCounts()).rejected += 1

    def _count_day(self, stream: str, at: int) -> _DayCounts:
        return self._days.setdefault((stream, _find_day(at)), _DayCounts())

    def _find_newest(self, stream: str, at: int) -> int:
        """The newest time that raw held of the row's stream and day before this load; 0 if none."""
        place = (stream, _find_day(at))
        if place not in self._newest:
            self._newest[place] = 0
            if self._holds_rows:
                starts_at = datetime.combine(place[1], datetime.min.time(), UTC)
                sql = (
                    "select coalesce(epoch_us(max(occurred_at)), 0) from {raw}."
                    + self._resource
                    + " where stream = ? and occurred_at >= ? and occurred_at < ?"
                )
                ((self._newest[place],),) = self._raw.query(sql, stream, starts_at, starts_at + timedelta(days=1))
        return self._newest[place]


def _find_day(at: int) -> date:
    return (_EPOCH + timedelta(microseconds=at)).date()


def _to_microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)

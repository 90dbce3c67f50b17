"""Changes: events that insert, update or delete a record, merged by key, ordered by position.

A table holds the newest event of each key. The row of a deleted record stays, without its content: its position
keeps a late older event from bringing the record back.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

import dlt
import pyarrow as pa
from dlt.extract import DltResource

from loader.raw.arrow import build_table
from loader.raw.field_inventory import FieldInventory, find_maps, read_known_fields
from loader.raw.ledger import Ledger, Progress, list_empty_tables, mark_rejects
from loader.raw.limits import LoadLimits
from loader.raw.merge import mark_copies, mark_rows, merged_resource
from loader.raw.record import Record
from loader.raw.warehouse import RawSchema

T = TypeVar("T")

CHANGE_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("position", pa.int64(), nullable=False),
        pa.field("is_deleted", pa.bool_(), nullable=False),
        pa.field("updated_at", pa.timestamp("us", tz="UTC")),
        pa.field("record_hash", pa.string(), nullable=False),
        pa.field("document", pa.string()),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
POSITION_SCHEMA = pa.schema(
    [
        pa.field("resource", pa.string(), nullable=False),
        pa.field("stream", pa.string(), nullable=False),
        pa.field("last_position", pa.int64(), nullable=False),
        pa.field("read_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
_POSITION_HINTS = dlt.mark.make_hints(table_name="stream_positions", columns={}, primary_key=["resource", "stream"])
# As of documents: a load sorts whole records.
CHANGE_LIMITS = LoadLimits(memory_megabytes=192, threads=1)


class Event(Record, ABC):
    """A record that says what happened to another one: its key is that record's.

    A key comes in one stream only; `position` orders the events of a stream.
    """

    @property
    @abstractmethod
    def position(self) -> int:
        """The event's place in its stream: an offset, a log sequence number, or microseconds since 1970."""

    @property
    @abstractmethod
    def operation(self) -> Literal["insert", "update", "delete"]:
        """What happened. The first event of a key may be an update, and an insert may replace a row."""


@dataclass(frozen=True)
class EventPage:
    """Some events as the source sent them, in any order.

    `position` is how far the stream has been read with this page; None leaves it unchanged.
    """

    events: Sequence[bytes]
    stream: str = "main"
    position: int | None = None
    expected: int | None = None


@dataclass(frozen=True)
class Changes(Generic[T]):
    """A resource of events, merged by key, ordered by position.

    `events` is called with whatever `build` is given and the last position of each stream that raw holds, and yields
    the events after it. Events that it yields again change nothing.
    """

    name: str
    model: type[Event]
    events: Callable[[T, Mapping[str, int]], Iterable[EventPage]]
    limits: ClassVar[LoadLimits] = CHANGE_LIMITS

    @property
    def tables(self) -> tuple[str, ...]:
        """Its own table, and the positions of its streams."""
        return (self.name, "stream_positions")

    def build(self, given: T, raw: RawSchema, progress: Progress) -> DltResource:
        """The dlt resource. Nothing is requested before dlt reads it."""

        def rows() -> Iterator[Any]:
            pages = self.events(given, read_positions(raw, self.name))
            yield from load_changes(pages, resource=self.name, model=self.model, raw=raw, progress=progress)

        return change_resource(self.name, rows)


def change_resource(name: str, rows: Callable[[], Iterator[Any]]) -> DltResource:
    """A dlt resource of what load_changes yields."""
    return merged_resource(name, rows, newest_by="position")


def read_positions(raw: RawSchema, resource: str) -> dict[str, int]:
    """The last position of each stream that a load of the resource has read."""
    if not raw.has_table("stream_positions"):
        return {}
    sql = f"select stream, last_position from {raw.name}.stream_positions where resource = ?"
    return dict(raw.connection.cursor().execute(sql, [resource]).fetchall())


def load_changes(
    pages: Iterable[EventPage], *, resource: str, model: type[Event], raw: RawSchema, progress: Progress
) -> Iterator[Any]:
    """Yields the rows of a dlt resource, its rejected events and, last, its positions, counts and fields.

    Raises what `pages` raises; nothing of the resource is loaded then, and its positions stay unchanged.
    """
    progress.start(resource)
    ledger = Ledger(resource, raw)
    intake = EventIntake(ledger, model, raw, resource)
    inventory = FieldInventory(read_known_fields(raw, resource), find_maps(model))
    before = read_positions(raw, resource)
    positions = dict(before)
    yield CHANGE_SCHEMA.empty_table()
    yield mark_rows(POSITION_SCHEMA.empty_table(), _POSITION_HINTS)
    yield from list_empty_tables()
    for page in pages:
        changes = intake.sort_page(page.events)
        if changes.num_rows:
            inventory.examine(changes["document"].drop_null())
            yield mark_copies(changes) if intake.has_newer_copies else changes
        if (rejects := ledger.take_rejects()).num_rows:
            inventory.examine(rejects["record"])
            yield mark_rejects(rejects)
        if page.position is not None:
            positions[page.stream] = max(page.position, positions.get(page.stream, page.position))
        progress.advance(resource, len(page.events), page.expected)
    intake.count_keys()
    now = datetime.now(UTC)
    moved = [
        (resource, stream, position, now, ledger.load_id)
        for stream, position in positions.items()
        if position != before.get(stream)
    ]
    yield mark_rows(build_table(moved, POSITION_SCHEMA), _POSITION_HINTS)
    yield from ledger.finish(inventory, progress)


class _State(NamedTuple):
    """The newest event of a key, in raw or in this load."""

    position: int
    is_deleted: bool


class EventIntake:
    """Sorts the events of one resource in one load: of each key, what is newer than what raw holds."""

    def __init__(self, ledger: Ledger, model: type[Event], raw: RawSchema, resource: str) -> None:
        self.has_newer_copies = False
        self._ledger = ledger
        self._model = model
        self._raw = raw
        self._resource = resource
        self._stored: dict[str, _State] = {}  # of the keys of this load alone
        self._newest: dict[str, _State] = {}

    def sort_page(self, events: Sequence[bytes]) -> pa.Table:
        """The rows to write (CHANGE_SCHEMA); the ledger has the rejects."""
        accepted = [
            (valid.key, _State(valid.position, valid.operation == "delete"), valid.changed_at, event)
            for valid, event in self._ledger.read_valid(events, self._model)
        ]
        self._read_stored({key for key, *_ in accepted})
        rows = [
            (
                key,
                *state,
                changed_at,
                hashlib.sha256(event).hexdigest(),
                None if state.is_deleted else event.decode(),
                self._ledger.load_id,
            )
            for key, state, changed_at, event in accepted
            if self._is_news(key, state)
        ]
        return build_table(rows, CHANGE_SCHEMA)

    def _read_stored(self, keys: set[str]) -> None:
        """Reads what raw holds of these keys. A load has few of the millions of keys in raw."""
        unread = list(keys - self._newest.keys())
        if unread and self._raw.has_table(self._resource):
            sql = f"""
                select id, position, is_deleted
                from {self._raw.name}.{self._resource}
                where id in (select unnest(?::varchar[]))
            """
            stored = self._raw.connection.cursor().execute(sql, [unread]).fetchall()
            self._stored |= {key: _State(*state) for key, *state in stored}

    def _is_news(self, key: str, state: _State) -> bool:
        """Counts what an event is by itself; returns whether it is the newest of its key so far."""
        stored = self._stored.get(key)
        if stored and state.position <= stored.position:
            self._ledger.counts.unchanged += 1
            return False
        if earlier := self._newest.get(key):
            self._ledger.counts.repeated += 1
            if state.position <= earlier.position:
                return False
            self.has_newer_copies = True
        self._newest[key] = state
        return True

    def count_keys(self) -> None:
        """Counts the first event of each key by what became of the key in this load; called after the last page."""
        counts = self._ledger.counts
        for key, state in self._newest.items():
            stored = self._stored.get(key)
            was_there = stored is not None and not stored.is_deleted
            if was_there or (stored is not None and state.is_deleted):
                counts.changed += 1
                counts.removed += was_there and state.is_deleted
            else:
                counts.new += 1
                counts.removed += state.is_deleted  # inserted and deleted in this load: raw has nothing of it

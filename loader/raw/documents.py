"""Records in; Arrow rows and rejects out, with every record accounted for.

One row a record: its key, when its source last changed it, the SHA-256 of the record and the whole record
as the source sent it, byte for byte.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import dlt
import pyarrow as pa
from dlt.extract import DltResource
from pydantic import BaseModel, ConfigDict, ValidationError

from loader.fetch.json_text import parse_strict
from loader.fetch.pages import Page
from loader.fetch.records import read_id
from loader.raw.arrow import build_table
from loader.raw.field_inventory import INVENTORY_SCHEMA, FieldChange, FieldInventory, find_maps, read_known_fields
from loader.raw.rejects import list_open
from loader.raw.warehouse import RawSchema

T = TypeVar("T")

DOCUMENT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("updated_at", pa.timestamp("us", tz="UTC")),
        pa.field("record_hash", pa.string(), nullable=False),
        pa.field("document", pa.string(), nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
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


class Record(BaseModel):
    """What every record has: a key, and where its source tells it, the time of its last change.

    A model names what staging needs, checks its types strictly and lets everything else pass. `key_field` is the field
    that is the primary key in raw.
    """

    model_config = ConfigDict(strict=True, extra="ignore")
    key_field: ClassVar[str] = "id"

    @classmethod
    def read(cls, record: bytes) -> Self:
        """Raises ValueError where the record is no strict JSON or fails the model; describe_fault tells why."""
        return cls.model_validate(parse_strict(record))

    @property
    def key(self) -> str:
        """The primary key in raw."""
        return str(getattr(self, self.key_field))

    @classmethod
    def read_key(cls, record: bytes) -> str | None:
        """The key of a record that need not be valid, where it can be read at all."""
        return read_id(record, cls.model_fields[cls.key_field].alias or cls.key_field)

    @property
    def changed_at(self) -> datetime | None:
        """When the source says that the record last changed."""
        return None


@dataclass
class LoadCounts:
    """Of one resource in one load: extracted = new + changed + unchanged + repeated + rejected."""

    extracted: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0


COUNT_SCHEMA = pa.schema(
    [
        pa.field("_dlt_load_id", pa.string(), nullable=False),
        pa.field("resource", pa.string(), nullable=False),
        *(pa.field(f"{field.name}_count", pa.int64(), nullable=False) for field in fields(LoadCounts)),
    ]
)


# What `deduplicated` in a write disposition says as a table hint; dlt passes over a `deduplicated: False`.
_LOOK_FOR_COPIES: Any = {"x-stage-data-deduplicated": False}
_COPIES_HINTS = dlt.mark.make_hints(additional_table_hints=_LOOK_FOR_COPIES)
_REJECT_HINTS = dlt.mark.make_hints(
    table_name="rejected_records",
    columns={},  # none of the documents' hints
    primary_key="id",
    additional_table_hints=_LOOK_FOR_COPIES,
)
_COUNT_HINTS = dlt.mark.make_hints(
    table_name="load_counts",
    columns={},
    primary_key=["_dlt_load_id", "resource"],
)
_INVENTORY_HINTS = dlt.mark.make_hints(table_name="field_inventory", columns={}, primary_key=["resource", "path"])
REPLAY_HINTS = dlt.mark.make_hints(table_name="replays", columns={}, primary_key=["reject_id", "_dlt_load_id"])


class Progress(Protocol):
    """Is told how far a resource is."""

    def start(self, resource: str) -> None:
        """The resource's first request goes out."""

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        """Of `expected` records (None where nobody knows) `records` more are in."""

    def finish(self, resource: str, counts: LoadCounts) -> None:
        """The resource is through."""

    def report_changes(self, resource: str, changes: Sequence[FieldChange]) -> None:
        """The resource's records have other fields than they used to have."""

    def warn(self, message: str) -> None:
        """Something that the user should know and that stops nothing."""

    def fail(self, message: str) -> None:
        """Something could not be had; what could is loaded, and then the source ends with this error."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What this load holds of a key so far."""

    changed_at: datetime
    record_hash: str


_MOST_REASONS = 3
_NEVER = datetime.min.replace(tzinfo=UTC)


class Intake:
    """Takes the records of one resource in one load."""

    def __init__(
        self, resource: str, model: type[Record], stored_hashes: Mapping[str, str], stored_rejects: Set[str]
    ) -> None:
        self.counts = LoadCounts()
        self.has_newer_copies = False
        self._resource = resource
        self._model = model
        self._stored_hashes = stored_hashes
        self._known_rejects = set(stored_rejects)
        self._seen: dict[str, _Seen] = {}
        self.load_id = str(dlt.current.load_package_state()["load_id"])

    def take(self, records: Sequence[bytes]) -> tuple[pa.Table, pa.Table]:
        """Sorts a page into rows to write (DOCUMENT_SCHEMA) and rejected records (REJECT_SCHEMA)."""
        accepted: list[tuple[str, datetime | None, bytes]] = []
        rejects: list[tuple[str | None, ...]] = []
        for record in records:
            self.counts.extracted += 1
            try:
                valid = self._model.read(record)
            except ValueError as error:
                self.counts.rejected += 1
                rejects += self._describe_reject(record, describe_fault(error))
                continue
            accepted.append((valid.key, valid.changed_at, record))
        documents = [
            (key, changed_at, record_hash, record.decode(), self.load_id)
            for key, changed_at, record in accepted
            if self._is_news(key, changed_at, record_hash := hashlib.sha256(record).hexdigest())
        ]
        return build_table(documents, DOCUMENT_SCHEMA), build_table(rejects, REJECT_SCHEMA)

    def _is_news(self, key: str, changed_at: datetime | None, record_hash: str) -> bool:
        """Counts the record, and tells whether it says something that neither raw nor this load holds."""
        at = changed_at or _NEVER
        stored = self._stored_hashes.get(key)
        if earlier := self._seen.get(key):
            self.counts.repeated += 1
            # A copy as old or older never replaces what came first: the order of pages is chance.
            if record_hash == earlier.record_hash or at <= earlier.changed_at:
                return False
            self.has_newer_copies = True
        elif stored is None:
            self.counts.new += 1
        elif stored == record_hash:
            self.counts.unchanged += 1
        else:
            self.counts.changed += 1
        self._seen[key] = _Seen(at, record_hash)
        return earlier is not None or record_hash != stored

    def pass_over(self, count: int) -> None:
        """Counts records that the source named and that raw holds as they are."""
        self.counts.extracted += count
        self.counts.unchanged += count

    def describe_counts(self) -> pa.Table:
        """One row: this load's counts (COUNT_SCHEMA)."""
        return build_table([(self.load_id, self._resource, *astuple(self.counts))], COUNT_SCHEMA)

    def _describe_reject(self, record: bytes, reason: str) -> Iterator[tuple[str | None, ...]]:
        """The row of a reject; none where raw, or this load, holds it already."""
        record_hash = hashlib.sha256(record).hexdigest()
        reject_id = f"{self._resource}:{record_hash}"
        if reject_id not in self._known_rejects:
            self._known_rejects.add(reject_id)
            text = record.decode(errors="backslashreplace")
            yield reject_id, self._resource, self._model.read_key(record), reason, record_hash, text, self.load_id


def describe_fault(error: ValueError) -> str:
    """The first things that a record fails in, each with its place: `authorships[2].author.id: …`."""
    if not isinstance(error, ValidationError):
        return f"record: {error}"
    return "; ".join(
        f"{_describe_place(detail['loc']) or 'record'}: {detail['msg']}"
        for detail in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_REASONS]
    )


def _describe_place(location: Sequence[int | str]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def load_documents(
    pages: Iterable[Page], *, resource: str, model: type[Record], raw: RawSchema, progress: Progress
) -> Iterator[Any]:
    """Yields the rows of a dlt resource, its rejected records and, last, its counts and its fields.

    Raises what `pages` raises; nothing of the resource is loaded then.
    """
    progress.start(resource)
    open_rejects = {reject.id for reject in list_open(raw)}
    intake = Intake(resource, model, raw.read_hashes(resource), open_rejects)
    inventory = FieldInventory(read_known_fields(raw, resource), find_maps(model))
    # Empty tables first: what has no record yet is there all the same for dbt to read.
    yield DOCUMENT_SCHEMA.empty_table()
    yield mark_rows(REJECT_SCHEMA.empty_table(), _REJECT_HINTS)
    yield mark_rows(REPLAY_SCHEMA.empty_table(), REPLAY_HINTS)
    yield mark_rows(INVENTORY_SCHEMA.empty_table(), _INVENTORY_HINTS)
    for page in pages:
        intake.pass_over(page.unchanged_count)
        documents, rejects = intake.take(page.records)
        if documents.num_rows:
            inventory.offer(documents["document"].to_pylist())
            yield dlt.mark.with_hints(documents, _COPIES_HINTS) if intake.has_newer_copies else documents
        if rejects.num_rows:
            inventory.offer(rejects["record"].to_pylist())
            yield mark_rows(rejects, _REJECT_HINTS)
        progress.advance(resource, len(page.records) + page.unchanged_count, page.expected)
    progress.report_changes(resource, inventory.list_changes())
    progress.finish(resource, intake.counts)
    yield mark_rows(intake.describe_counts(), _COUNT_HINTS)
    yield mark_rows(inventory.describe(resource, intake.load_id, datetime.now(UTC)), _INVENTORY_HINTS)


def mark_rows(rows: pa.Table, hints: Any) -> Any:
    """Rows that a resource yields for another table than its own."""
    return dlt.mark.with_hints(rows, hints, create_table_variant=True)


def document_resource(name: str, rows: Callable[[], Iterator[Any]]) -> DltResource:
    """A dlt resource of documents: merged on `id`; of two rows with one key in a load the newest stays.

    dlt sorts the whole load to find such rows. It is told to only in a load that has any: most have none, and
    a load of 100,000 works takes half as long so.
    """
    return dlt.resource(
        rows,
        name=name,
        primary_key="id",
        write_disposition={"disposition": "merge", "strategy": "delete-insert", "deduplicated": True},
        columns={
            "updated_at": {"dedup_sort": "desc"},
            "document": {"data_type": "json"},
        },
    )


@dataclass(frozen=True)
class Documents(Generic[T]):
    """A resource whose records are kept whole, one row a record, merged by key.

    `pages` gets whatever `build` is given and yields the records. `bookkeeping` yields rows for other tables of the
    same load, marked with their table (mark_rows), after the last page.
    """

    name: str
    model: type[Record]
    pages: Callable[[T], Iterable[Page]]
    bookkeeping: Callable[[T], Iterable[Any]] | None = None

    def build(self, given: T, raw: RawSchema, progress: Progress) -> DltResource:
        """The dlt resource; nothing is requested before dlt reads it."""

        def rows() -> Iterator[Any]:
            yield from load_documents(
                self.pages(given), resource=self.name, model=self.model, raw=raw, progress=progress
            )
            if self.bookkeeping:
                yield from self.bookkeeping(given)

        return document_resource(self.name, rows)

"""Documents: records of an API, kept whole, one row a record, merged by key.

A row has the record's key, when its source last changed it, the SHA-256 of the record and the whole record as the
source sent it, byte for byte. Beside it some have a summary: what later runs need of the record, so that they need not
read documents.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

import pyarrow as pa
from dlt.extract import DltResource

from loader.fetch.pages import Page
from loader.raw.arrow import build_table
from loader.raw.field_inventory import FieldInventory, find_maps, read_known_fields
from loader.raw.ledger import Ledger, Progress, list_empty_tables, mark_rejects
from loader.raw.limits import LoadLimits
from loader.raw.merge import mark_copies, merged_resource
from loader.raw.record import Record
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
_SUMMARY = pa.field("summary", pa.string())
# A load sorts whole documents. Two threads that write rows of 5 KB wait for each other's memory: measured slower.
DOCUMENT_LIMITS = LoadLimits(memory_megabytes=192, threads=1)
# dlt works out the schema of each table that it is given, and a page may have few rows.
_BYTES_AT_ONCE = 4_000_000
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Documents(Generic[T]):
    """A resource whose records are kept whole, one row a record, merged by key.

    `pages` is called with whatever `build` is given and yields the records. `bookkeeping` yields rows for other tables
    of the same load, marked with their table (mark_rows), after the last page.
    """

    name: str
    model: type[Record]
    pages: Callable[[T], Iterable[Page]]
    bookkeeping: Callable[[T], Iterable[Any]] | None = None
    limits: ClassVar[LoadLimits] = DOCUMENT_LIMITS

    @property
    def tables(self) -> tuple[str, ...]:
        """Its own table; those of `bookkeeping` are the source's."""
        return (self.name,)

    def build(self, given: T, raw: RawSchema, progress: Progress) -> DltResource:
        """The dlt resource. Nothing is requested before dlt reads it."""

        def rows() -> Iterator[Any]:
            yield from load_documents(
                self.pages(given), resource=self.name, model=self.model, raw=raw, progress=progress
            )
            if self.bookkeeping:
                yield from self.bookkeeping(given)

        return document_resource(self.name, rows)


def build_document_schema(model: type[Record]) -> pa.Schema:
    """The columns of a table of documents of this model."""
    return DOCUMENT_SCHEMA.append(_SUMMARY) if model.has_summary else DOCUMENT_SCHEMA


def document_resource(name: str, rows: Callable[[], Iterator[Any]]) -> DltResource:
    """A dlt resource of what load_documents yields."""
    return merged_resource(name, rows, newest_by="updated_at")


def load_documents(
    pages: Iterable[Page], *, resource: str, model: type[Record], raw: RawSchema, progress: Progress
) -> Iterator[Any]:
    """Yields the rows of a dlt resource, its rejected records and, last, its counts and its fields.

    Raises what `pages` raises; nothing of the resource is loaded then.
    """
    progress.start(resource)
    ledger = Ledger(resource, raw)
    intake = Intake(ledger, model, raw.read_hashes(resource))
    inventory = FieldInventory(read_known_fields(raw, resource), find_maps(model))
    # Empty tables first: dbt reads a table even if it has no record yet.
    yield build_document_schema(model).empty_table()
    yield from list_empty_tables()
    waiting: list[pa.Table] = []
    for page in pages:
        intake.count_unchanged(page.unchanged_count)
        ledger.counts.left += page.left_count
        documents = intake.sort_page(page.records)
        if documents.num_rows:
            inventory.examine(documents["document"])
            waiting.append(documents)
            if sum(table.nbytes for table in waiting) >= _BYTES_AT_ONCE:
                yield _join(waiting, intake)
                waiting = []
        if (rejects := ledger.take_rejects()).num_rows:
            inventory.examine(rejects["record"])
            yield mark_rejects(rejects)
        progress.advance(resource, len(page.records) + page.unchanged_count, page.expected)
    if waiting:
        yield _join(waiting, intake)
    yield from ledger.finish(inventory, progress)


def _join(tables: Sequence[pa.Table], intake: "Intake") -> Any:
    documents = pa.concat_tables(tables)
    return mark_copies(documents) if intake.has_newer_copies else documents


@dataclass(frozen=True, slots=True)
class _Seen:
    """The newest version of a record in this load so far."""

    changed_at: datetime
    record_hash: str


class Intake:
    """Sorts the records of one resource in one load into new, changed, unchanged and repeated ones."""

    def __init__(self, ledger: Ledger, model: type[Record], stored_hashes: Mapping[str, str]) -> None:
        self.has_newer_copies = False
        self._ledger = ledger
        self._model = model
        self._schema = build_document_schema(model)
        self._stored_hashes = stored_hashes
        self._seen: dict[str, _Seen] = {}

    def sort_page(self, records: Sequence[bytes]) -> pa.Table:
        """The rows to write (build_document_schema); the ledger has the rejects."""
        documents: list[tuple[Any, ...]] = []
        for valid, record in self._ledger.read_valid(records, self._model):
            key, changed_at, record_hash = valid.key, valid.changed_at, hashlib.sha256(record).hexdigest()
            if self._is_news(key, changed_at, record_hash):
                summary = (valid.summary,) if self._model.has_summary else ()
                documents.append((key, changed_at, record_hash, record, self._ledger.load_id, *summary))
        return build_table(documents, self._schema)

    def _is_news(self, key: str, changed_at: datetime | None, record_hash: str) -> bool:
        """Counts the record; returns whether neither raw nor this load holds what it says."""
        counts = self._ledger.counts
        at = changed_at or _NEVER
        stored = self._stored_hashes.get(key)
        if earlier := self._seen.get(key):
            counts.repeated += 1
            # A copy that is not newer never replaces the first one: the order of pages is chance.
            if record_hash == earlier.record_hash or at <= earlier.changed_at:
                return False
            self.has_newer_copies = True
        elif stored is None:
            counts.new += 1
        elif stored == record_hash:
            counts.unchanged += 1
        else:
            counts.changed += 1
        self._seen[key] = _Seen(at, record_hash)
        return earlier is not None or record_hash != stored

    def count_unchanged(self, count: int) -> None:
        """Counts records that the source named and of which raw holds the current version."""
        self._ledger.counts.extracted += count
        self._ledger.counts.unchanged += count

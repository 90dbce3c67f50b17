"""Records in; Arrow rows and rejects out, with every record accounted for.

One row a record: its key, when its source last changed it, the SHA-256 of the record and the whole record
as the source sent it, byte for byte.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol

import dlt
import msgspec
import pyarrow as pa
from dlt.extract import DltResource
from pydantic import BaseModel, ConfigDict, ValidationError

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


class Record(BaseModel, ABC):
    """What every record has: a key, and where its source tells it, the time of its last change.

    A model names what staging needs, checks its types strictly and lets everything else pass.
    """

    model_config = ConfigDict(strict=True, extra="ignore")

    @property
    @abstractmethod
    def key(self) -> str:
        """The primary key in raw."""

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


class Progress(Protocol):
    """Is told how far a resource is."""

    def start(self, resource: str) -> None:
        """The resource's first request goes out."""

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        """Of `expected` records (None where nobody knows) `records` more are in."""

    def finish(self, resource: str, counts: LoadCounts) -> None:
        """The resource is through."""

    def warn(self, message: str) -> None:
        """Something that the user should know and that stops nothing."""


@dataclass(frozen=True)
class Page:
    """Some records as the source sent them, and how many it says there are in all."""

    records: Sequence[bytes]
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What this load holds of a key so far."""

    changed_at: datetime
    record_hash: str


_MOST_REASONS = 3
_NEVER = datetime.min.replace(tzinfo=UTC)


class Intake:
    """Takes the records of one resource in one load."""

    def __init__(self, resource: str, model: type[Record], stored_hashes: Mapping[str, str]) -> None:
        self.counts = LoadCounts()
        self.has_newer_copies = False
        self._resource = resource
        self._validate = model.__pydantic_validator__.validate_json
        self._stored_hashes = stored_hashes
        self._seen: dict[str, _Seen] = {}
        self._load_id = str(dlt.current.load_package_state()["load_id"])

    def take(self, records: Sequence[bytes]) -> tuple[pa.Table, pa.Table]:
        """Sorts a page into rows to write (DOCUMENT_SCHEMA) and rejected records (REJECT_SCHEMA)."""
        accepted: list[tuple[str, datetime | None, bytes]] = []
        rejects: list[tuple[str | None, ...]] = []
        for record in records:
            self.counts.extracted += 1
            try:
                valid = self._validate(record)
            except ValidationError as error:
                self.counts.rejected += 1
                rejects.append(self._describe_reject(record, error))
                continue
            accepted.append((valid.key, valid.changed_at, record))
        documents = [
            (key, changed_at, record_hash, record.decode(), self._load_id)
            for key, changed_at, record in accepted
            if self._is_news(key, changed_at, record_hash := hashlib.sha256(record).hexdigest())
        ]
        return _build_table(documents, DOCUMENT_SCHEMA), _build_table(rejects, REJECT_SCHEMA)

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

    def describe_counts(self) -> pa.Table:
        """One row: this load's counts (COUNT_SCHEMA)."""
        return _build_table([(self._load_id, self._resource, *astuple(self.counts))], COUNT_SCHEMA)

    def _describe_reject(self, record: bytes, error: ValidationError) -> tuple[str | None, ...]:
        reason = "; ".join(
            f"{'.'.join(str(part) for part in detail['loc']) or 'record'}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_REASONS]
        )
        record_hash = hashlib.sha256(record).hexdigest()
        return (
            f"{self._resource}:{record_hash}",
            self._resource,
            read_id(record),
            reason,
            record_hash,
            record.decode(errors="replace"),
            self._load_id,
        )


def _build_table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


def load_documents(
    pages: Iterable[Page],
    *,
    resource: str,
    model: type[Record],
    stored_hashes: Mapping[str, str],
    progress: Progress,
) -> Iterator[Any]:
    """Yields the rows of a dlt resource, its rejected records and, last, its counts (`load_counts`)."""
    progress.start(resource)
    intake = Intake(resource, model, stored_hashes)
    # Empty tables first: what has no record yet is there all the same for dbt to read.
    yield DOCUMENT_SCHEMA.empty_table()
    yield dlt.mark.with_hints(REJECT_SCHEMA.empty_table(), _REJECT_HINTS, create_table_variant=True)
    for page in pages:
        documents, rejects = intake.take(page.records)
        if documents.num_rows:
            yield dlt.mark.with_hints(documents, _COPIES_HINTS) if intake.has_newer_copies else documents
        if rejects.num_rows:
            yield dlt.mark.with_hints(rejects, _REJECT_HINTS, create_table_variant=True)
        progress.advance(resource, len(page.records), page.expected)
    progress.finish(resource, intake.counts)
    yield dlt.mark.with_hints(intake.describe_counts(), _COUNT_HINTS, create_table_variant=True)


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


def read_id(record: bytes) -> str | None:
    """The record's `id` where it can be read at all, for a person who looks for a rejected record."""
    try:
        return str(msgspec.json.decode(record, type=_Identified).id)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Identified(msgspec.Struct):
    id: Any

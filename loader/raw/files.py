"""Files: tables such as Parquet and CSV, replaced file by file.

Rows stay columnar from the file to DuckDB. Each row has the name of its file and its number in it, and each file has
a row in `files`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import dlt
import orjson
import pyarrow as pa
from dlt.extract import DltResource

from loader.base.errors import HeadwaterError, TemporaryError
from loader.fetch.refusals import UnavailableError
from loader.raw.column_inventory import ColumnInventory
from loader.raw.field_inventory import read_known_fields
from loader.raw.file_ledger import (
    FILE_LEDGER,
    LOADED,
    REJECTED,
    REMOVED,
    VANISHED,
    FileLedger,
    FileState,
    name_local_times,
)
from loader.raw.file_reader import FileFault, FileReader, MatchColumns, SourceFile, build_row_schema
from loader.raw.ledger import Ledger, LoadCounts, Progress, list_empty_tables, mark_rejects
from loader.raw.limits import LoadLimits
from loader.raw.warehouse import RawSchema

T = TypeVar("T")

_NO_FACTS = pa.schema([])
# Replacing a file deletes and inserts rows by the million, of which DuckDB compresses each column.
FILE_LIMITS = LoadLimits(memory_megabytes=1024, threads=2)


class Survey(Protocol):
    """Looks at all rows of one file before they are loaded."""

    def examine(self, batch: pa.RecordBatch) -> None:
        """Some of the rows, as raw takes them."""

    def describe(self) -> Mapping[str, Any]:
        """What the ledger of files keeps of the rows: some of Files.facts."""


@dataclass(frozen=True)
class Files(Generic[T]):
    """A resource of files that have the same columns.

    `schema` names the columns and their types in raw; those that are not nullable are required. A column that a file
    has in addition is kept as text. `list_files` is called with whatever `build` is given. A file of a version that
    raw holds is not read, unless `reads_all` says so of what `build` is given; one that is read replaces exactly its
    own rows; one that cannot be read, or does not fit the schema, is rejected whole, and read again by the next run.
    With `is_required`, the others are of no use without it: the run fails.

    A file that is no longer listed keeps its rows, as archives drop old files from their lists. With
    `removes_unlisted`, the list is complete at any time, and the rows of files that it lacks are removed.

    `find_vanished` is given the names of the files whose rows raw holds and returns those that should still be listed
    and are not: they keep their rows, and the ledger says so (status `vanished`).

    `match` finds the declared column of each of a file's columns, instead of its name. Beside its own columns the
    ledger of files has `facts`, of which a SourceFile brings some, `survey` others, and `seconds`,
    if it is one of them, is how long the file took to read.

    Counts are of rows, identified by file and row number: if a file changes from 10 rows to 8, 8 are changed and 2
    removed. The rows of a file that is read again are changed ones: they are written anew. A rejected file counts as
    one rejected record.
    """

    name: str
    schema: pa.Schema
    list_files: Callable[[T], Iterable[SourceFile]]
    reads_all: Callable[[T], bool] | None = None
    is_required: bool = False
    removes_unlisted: bool = False
    find_vanished: Callable[[T, Iterable[str]], set[str]] | None = None
    match: MatchColumns | None = None
    facts: pa.Schema = _NO_FACTS
    survey: Callable[[], Survey] | None = None
    model: ClassVar[None] = None  # nothing to replay: each run reads a rejected file again
    limits: ClassVar[LoadLimits] = FILE_LIMITS

    @property
    def tables(self) -> tuple[str, ...]:
        """Its own table, and the ledger of files."""
        return (self.name, FILE_LEDGER)

    def build(self, given: T, raw: RawSchema, progress: Progress) -> DltResource:
        """The dlt resource. Nothing is requested before dlt reads it.

        dlt deletes the rows of every file that the load has a row of, and inserts the load's rows. A row with
        `is_removed` is for the deletion alone: dlt does not insert it.
        """

        def rows() -> Iterator[Any]:
            progress.start(self.name)
            load = FileLoad(self, raw, progress)
            yield from load.load(given)

        return dlt.resource(
            rows,
            name=self.name,
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
            columns={
                "file_name": {"merge_key": True},
                "is_removed": {"hard_delete": True, "data_type": "bool"},
                **name_local_times(self.schema),
            },
        )


class FileLoad:
    """The files of one resource in one load; made within that load."""

    def __init__(self, files: Files[Any], raw: RawSchema, progress: Progress) -> None:
        self._files = files
        self._resource = resource = files.name
        self._schema = files.schema
        self._progress = progress
        self._ledger = Ledger(resource, raw)
        self._states = FileLedger(resource, files.facts, raw)
        self._inventory = ColumnInventory(read_known_fields(raw, resource))

    def load(self, given: Any) -> Iterator[Any]:
        """Yields the rows of a dlt resource, the ledger of its files, its rejects and, last, its counts and columns."""
        yield build_row_schema(self._schema).empty_table()
        yield self._states.describe_nothing()
        yield from list_empty_tables()
        reads_all = self._files.reads_all is not None and self._files.reads_all(given)
        for file in self._files.list_files(given):
            extracted = self._ledger.counts.extracted
            yield from self._load_file(file, reads_all=reads_all)
            self._progress.advance(self._resource, self._ledger.counts.extracted - extracted, None)
        if self._files.removes_unlisted:
            yield from self._remove_unlisted()
        if self._files.find_vanished:
            self._note_vanished(self._files.find_vanished(given, self._states.held))
        yield self._states.describe(self._ledger.load_id)
        yield mark_rejects(self._ledger.take_rejects())
        yield from self._ledger.finish(self._inventory, self._progress)

    def _load_file(self, file: SourceFile, *, reads_all: bool) -> Iterator[Any]:
        counts = self._ledger.counts
        held = self._states.held.get(file.name)
        if earlier := self._states.noted.get(file.name):
            _count_unread(counts, earlier, "repeated")
        elif held and held.holds(file.version) and not reads_all:
            self._states.note(replace(held, status=LOADED, reason=None))
            _count_unread(counts, held, "unchanged")
        else:
            try:
                yield from self._read_file(file, held)
            except UnavailableError as error:
                self._progress.fail(f"{self._resource}: {file.name} could not be read: {error}", error)
                if held:
                    self._states.note(held)
            except FileFault as fault:
                self._reject(file, held, str(fault))

    def _read_file(self, file: SourceFile, held: FileState | None) -> Iterator[Any]:
        held_rows = held.row_count if held else 0
        survey = self._files.survey() if self._files.survey else None
        started, row_count = monotonic(), 0
        with file.open() as path:
            reader = FileReader(path, file.name, self._schema, self._files.match)
            if not held or held.version != file.version:
                self._inventory.examine(file.name, reader.list_columns())
            # The file is read twice: a fault in its last row must reject it before the load has any of its rows.
            for batch in reader.read(self._ledger.load_id):
                row_count += batch.num_rows
                if survey:
                    survey.examine(batch)
            if not file.is_unchanged():
                raise UnavailableError("it changed while it was read. Run again once it is complete.")
            yield from self._read_rows(file, reader)
        if held_rows and not row_count:
            yield self._mark_removed(file.name)
        _count_version(self._ledger.counts, held_rows, row_count)
        surveyed = survey.describe() if survey else {}
        self._states.note_read(
            FileState(file.name, file.version, file.size_bytes, row_count, LOADED, None),
            {**file.facts, **surveyed, "seconds": monotonic() - started},
        )

    def _read_rows(self, file: SourceFile, reader: FileReader) -> Iterator[Any]:
        """The rows for the load, which fails if they are not those that were looked at: it cannot give any back."""
        try:
            yield from reader.read(self._ledger.load_id)
            is_same, fault = file.is_unchanged(), None
        except FileFault as error:
            is_same, fault = False, error
        if not is_same:
            raise TemporaryError(
                f"{self._resource}: {file.name} changed while it was read. Run again once it is complete."
            ) from fault

    def _reject(self, file: SourceFile, held: FileState | None, reason: str) -> None:
        """Rejects this version of a file; raw keeps the rows of the previous version."""
        record = orjson.dumps({"name": file.name, "version": file.version, "size_bytes": file.size_bytes})
        self._ledger.counts.extracted += 1
        self._ledger.reject(record, file.name, reason)
        rows = held.row_count if held else 0
        self._states.note(FileState(file.name, file.version, file.size_bytes, rows, REJECTED, reason), file.facts)
        if self._files.is_required:
            self._progress.fail(f"{self._resource}: {file.name} is rejected: {reason}.")

    def _note_vanished(self, names: Iterable[str]) -> None:
        for name in sorted(names):
            held = self._states.held[name]
            if name not in self._states.noted and held.status == LOADED:
                self._states.note(replace(held, status=VANISHED, reason="no longer listed; its rows are kept"))
                self._progress.warn(f"{self._resource}: {name} is no longer listed. Its rows are kept.")

    def _remove_unlisted(self) -> Iterator[Any]:
        unlisted = list(self._states.list_unlisted())
        if unlisted and not self._states.noted:
            raise HeadwaterError(f"{self._resource}: the source lists no file, and raw holds some; nothing is removed.")
        for state in unlisted:
            if state.row_count:
                yield self._mark_removed(state.file_name)
            self._ledger.counts.removed += state.row_count
            self._states.note(replace(state, row_count=0, status=REMOVED, reason="no longer listed"))

    def _mark_removed(self, file_name: str) -> pa.Table:
        """The row by which dlt deletes the rows of a file that no longer has any."""
        schema = build_row_schema(self._schema)
        row = {"file_name": file_name, "row_number": 0, "is_removed": True, "_dlt_load_id": self._ledger.load_id}
        return pa.Table.from_pylist([row], schema=schema)


def _count_unread(counts: LoadCounts, state: FileState, kind: str) -> None:
    rows = 1 if state.status == REJECTED else state.row_count
    counts.extracted += rows
    setattr(counts, kind, getattr(counts, kind) + rows)


def _count_version(counts: LoadCounts, held_rows: int, rows: int) -> None:
    """Counts the rows of a file of which raw holds a different version, or none."""
    counts.extracted += rows
    counts.changed += min(held_rows, rows)
    counts.new += max(rows - held_rows, 0)
    counts.removed += max(held_rows - rows, 0)

"""Reads one file as Arrow batches in the columns and types of raw. No row becomes a Python object."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

_BATCH_ROWS = 65_536
_CSV_BLOCK_BYTES = 8 << 20
# What raw adds: where a row comes from, and the mark by which dlt deletes it.
_ADDED = pa.schema(
    [
        pa.field("file_name", pa.string(), nullable=False),
        pa.field("row_number", pa.int64(), nullable=False),
        pa.field("is_removed", pa.bool_()),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class SourceFile:
    """A file as the source lists it.

    `version` changes whenever the content does: an ETag or a hash. `open` gives a path to read from; a downloaded
    file may be deleted once its context ends; it may raise FileFault or UnavailableError. The name ends in `.parquet`,
    `.csv` or `.csv.gz`. `is_unchanged` tells whether it still has the content of this version. `facts` are what the
    ledger of files keeps of it besides (Files.facts).
    """

    name: str
    version: str
    size_bytes: int | None
    open: Callable[[], AbstractContextManager[Path]]
    is_unchanged: Callable[[], bool] = lambda: True
    facts: Mapping[str, Any] = field(default_factory=dict)


# Which of a file's columns goes to which declared one. Raises FileFault, also for a column that nobody knows.
MatchColumns = Callable[[Sequence[str]], Mapping[str, str]]


class FileFault(Exception):  # noqa: N818  (it describes a file; the run continues)
    """What is wrong with a file, in one line."""


def describe_local_file(path: Path) -> SourceFile:
    """A file on this machine: its version is the SHA-256 of its content. Raises OSError if it cannot be read."""
    signature = _read_signature(path)
    with path.open("rb") as opened:
        version = hashlib.file_digest(opened, "sha256").hexdigest()
    return SourceFile(
        path.name, version, signature[0], lambda: nullcontext(path), lambda: _read_signature(path) == signature
    )


def _read_signature(path: Path) -> tuple[int, int, int]:
    """What is another once the file was written to or replaced, or is gone."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def build_row_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of a table of files in raw: first what raw adds, then those of the files, all of them nullable."""
    return pa.schema([*_ADDED, *(field.with_nullable(True) for field in schema)])


@dataclass(frozen=True)
class _Column:
    """A column in raw and the file's column that it comes from, if the file has it."""

    field: pa.Field
    source: str | None


class FileReader:
    """Reads the rows of one file. `schema` is the file's own."""

    def __init__(self, path: Path, name: str, declared: pa.Schema, match: MatchColumns | None = None) -> None:
        """Raises FileFault if the file cannot be read. `match` replaces the columns' own names."""
        self._path = path
        self._name = name
        self._is_parquet = name.endswith(".parquet")
        if not name.endswith((".parquet", ".csv", ".csv.gz")):
            raise FileFault("is neither Parquet nor CSV by its name")
        with _raise_faults():
            self.schema = pq.read_schema(path) if self._is_parquet else self._read_header()
        self._declared = declared
        self._match = match

    def list_columns(self) -> pa.Schema:
        """The columns that the file has: as raw calls them if they are matched, else as the file does.

        Raises FileFault if they do not fit.
        """
        if self._match is None:
            return self.schema
        return pa.schema([column.field for column in self._find_columns() if column.source is not None])

    def _find_columns(self) -> list[_Column]:
        if self._match is None:
            return _match_columns(self.schema, self._declared)
        return _apply_match(self._match(self.schema.names), self._declared)

    def read(self, load_id: str) -> Iterator[pa.RecordBatch]:
        """The rows as raw takes them, from the start at each call.

        Raises FileFault if a required column or value is missing, or its column in raw cannot hold a value as it is.
        """
        columns = self._find_columns()
        schema = build_row_schema(pa.schema([column.field for column in columns]))
        rows_before = 0
        with _raise_faults():
            for batch in self._read_parquet() if self._is_parquet else self._read_csv(columns):
                count = batch.num_rows
                added = [
                    pa.repeat(self._name, count),
                    pa.array(np.arange(rows_before + 1, rows_before + count + 1)),
                    pa.nulls(count, pa.bool_()),
                    pa.repeat(load_id, count),
                ]
                values = [_read_column(batch, column) for column in columns]
                yield pa.RecordBatch.from_arrays([*added, *values], schema=schema)
                rows_before += count

    def _read_parquet(self) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self._path) as opened:
            yield from opened.iter_batches(_BATCH_ROWS)

    def _read_header(self) -> pa.Schema:
        """The columns of a CSV file, all of them text."""
        with self._open_csv() as stream, pyarrow.csv.open_csv(stream) as reader:
            return pa.schema([pa.field(name, pa.string()) for name in reader.schema.names])

    def _read_csv(self, columns: Iterable[_Column]) -> Iterator[pa.RecordBatch]:
        types = {column.source: column.field.type for column in columns if column.source is not None}
        with (
            self._open_csv() as stream,
            pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(block_size=_CSV_BLOCK_BYTES),
                convert_options=pyarrow.csv.ConvertOptions(column_types=types),
            ) as reader,
        ):
            yield from reader

    def _open_csv(self) -> Any:
        return pa.input_stream(str(self._path), compression="gzip" if self._name.endswith(".gz") else None)


@contextmanager
def _raise_faults() -> Iterator[None]:
    """Turns Arrow's error about a file into a FileFault of one line."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise FileFault("is not in UTF-8") from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError, OSError) as error:
        raise FileFault((str(error).strip() or type(error).__name__).splitlines()[0]) from error


def _match_columns(file: pa.Schema, declared: pa.Schema) -> list[_Column]:
    """The declared columns, found in the file without regard to case; then the file's additional ones.

    These become text: their type may be another in the next file, and text holds all.
    """
    sources: dict[str, str] = {}
    for name in file.names:
        if name.lower() in sources or name.lower() in _ADDED.names:
            raise FileFault(f"has more than one column {name}, or one that raw adds")
        sources[name.lower()] = name
    columns = [_Column(field, sources.pop(field.name.lower(), None)) for field in declared]
    if lacking := [column.field.name for column in columns if column.source is None and not column.field.nullable]:
        raise FileFault(f"lacks {', '.join(lacking)}")
    # An index that was written along has no name.
    return [*columns, *(_Column(pa.field(name or "unnamed", pa.string()), name) for name in sources.values())]


def _apply_match(matched: Mapping[str, str], declared: pa.Schema) -> list[_Column]:
    sources: dict[str, str] = {}
    for source, target in matched.items():
        if target in sources:
            raise FileFault(f"has two columns for {target}: {sources[target]} and {source}")
        sources[target] = source
    return [_Column(column, sources.get(column.name)) for column in declared]


def _read_column(batch: pa.RecordBatch, column: _Column) -> pa.Array:
    if column.source is None:
        return pa.nulls(batch.num_rows, column.field.type)
    values = batch.column(column.source)
    if values.type != column.field.type:
        try:
            values = values.cast(column.field.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise FileFault(f"{column.source}: {str(error).splitlines()[0]}") from error
    if values.null_count and not column.field.nullable:
        raise FileFault(f"{column.source}: {values.null_count:,} rows of {batch.num_rows:,} have no value")
    return values

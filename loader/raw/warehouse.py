"""The DuckDB file, opened by one process at a time, and its raw schemas."""

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import msgspec
import psutil

from loader.base.disk import FULL, describe_os_error, describe_unwritable
from loader.base.errors import HeadwaterError, TemporaryError
from loader.raw.warehouse_format import refuse_newer

T = TypeVar("T")

_POLL_SECONDS = 0.25
_MAX_ROWS_IN_MEMORY = 1_000


@dataclass(frozen=True)
class RawSchema:
    """The raw schema of one source, as its resources read it while they load."""

    connection: duckdb.DuckDBPyConnection
    name: str

    def has_table(self, table: str) -> bool:
        """Whether raw holds the table."""
        sql = "select 1 from duckdb_tables() where schema_name = ? and table_name = ?"
        return self.connection.cursor().execute(sql, [self.name, table]).fetchone() is not None

    def has_column(self, table: str, column: str) -> bool:
        """Whether raw holds the table and the table has the column."""
        sql = "select 1 from duckdb_columns() where schema_name = ? and table_name = ? and column_name = ?"
        return self.connection.cursor().execute(sql, [self.name, table, column]).fetchone() is not None

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query; `{raw}` in it stands for the raw schema."""
        return self.connection.cursor().execute(sql.format(raw=self.name), parameters).fetchall()

    def query_keys(self, sql: str, *parameters: Any) -> list[str]:
        """The rows of a query of one column; `{raw}` in it stands for the raw schema."""
        return [str(key) for (key,) in self.query(sql, *parameters)]

    def read_load_ids(self) -> set[str]:
        """The ids of the loads that are complete in this schema."""
        if not self.has_table("_dlt_loads"):
            return set()
        return set(self.query_keys("select load_id from {raw}._dlt_loads where status = 0"))

    def read_hashes(self, table: str) -> dict[str, str]:
        """The record hash of every key of a table of documents: about 250 bytes of memory a record."""
        if not self.has_table(table):
            return {}
        return dict(self.query(f"select id, record_hash from {{raw}}.{table}"))

    def read_summaries(
        self, table: str, decoder: msgspec.json.Decoder[T], *, loaded_after: str | None = None
    ) -> Iterator[T]:
        """The summaries of a table's documents, or of those that came after this load, decoded one by one.

        The document itself where there is no summary: an earlier version of Headwater loaded it.
        """
        condition, values = ("_dlt_load_id > ?", [loaded_after]) if loaded_after else ("true", [])
        documents = condition
        if self.has_column(table, "summary"):
            yield from self._decode(table, "summary", f"summary is not null and {condition}", values, decoder)
            documents = f"summary is null and {condition}"
        yield from self._decode(table, "cast(document as varchar)", documents, values, decoder)

    def _decode(
        self, table: str, column: str, condition: str, values: Sequence[str], decoder: msgspec.json.Decoder[T]
    ) -> Iterator[T]:
        """The values of a JSON column, decoded one by one.

        Not in SQL: DuckDB parses 2,048 documents at once, which needs more memory than a load has. And not in one
        query: DuckDB's Python client holds the whole answer, in addition to DuckDB's own memory.
        """
        cursor = self.connection.cursor()
        ((start, last),) = cursor.execute(
            f"select coalesce(min(rowid), 0), coalesce(max(rowid), -1) from {self.name}.{table} where {condition}",
            values,
        ).fetchall()
        sql = f"select {column} from {self.name}.{table} where rowid between ? and ? and {condition}"
        for first in range(start, last + 1, _MAX_ROWS_IN_MEMORY):
            for (text,) in cursor.execute(sql, [first, first + _MAX_ROWS_IN_MEMORY - 1, *values]).fetchall():
                yield decoder.decode(text)


@contextmanager
def open_warehouse(path: Path, *, wait_seconds: float, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Opens the warehouse, waiting at most `wait_seconds` for another process to close it.

    Raises HeadwaterError if the file is held for longer, is not a DuckDB file, is of a newer version of Headwater, or
    cannot be opened. A load sets its
    own limits of memory and threads (loader/raw/limits.py).
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HeadwaterError(describe_os_error(error)) from error
    connection = _connect(path, read_only, time.monotonic() + wait_seconds)
    if connection.execute("select path from duckdb_databases() where not internal").fetchone() in (None, (None,)):
        # DuckDB opens some other kinds of file by their name, and would write to memory.
        raise HeadwaterError(_describe_other_kind(path))
    connection.execute("set timezone = 'UTC'")
    try:
        refuse_newer(connection)
        yield connection
    finally:
        connection.close()


def _connect(path: Path, read_only: bool, deadline: float) -> duckdb.DuckDBPyConnection:
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise HeadwaterError(_describe_unreadable(path, error)) from error
            if time.monotonic() >= deadline:
                raise TemporaryError(_describe_holder(path, str(error))) from error
            time.sleep(_POLL_SECONDS)
        except duckdb.Error as error:
            raise HeadwaterError(_describe_unreadable(path, error)) from error


def _describe_holder(path: Path, message: str) -> str:
    holder = re.search(r"PID (\d+)", message)
    if not holder:
        return f"The warehouse {path} is held by another process. Try again once that process has ended."
    pid = int(holder.group(1))
    try:
        command = " ".join(" ".join(psutil.Process(pid).cmdline()).split())[:120]
    except psutil.Error:
        command = "its command is not visible to you"
    return f"The warehouse {path} is held by process {pid} ({command}). Try again once that process has ended."


def _describe_other_kind(path: Path) -> str:
    return f"{path} is not a DuckDB file. Move it away, or name another file in HEADWATER_WAREHOUSE."


def _describe_unreadable(path: Path, error: duckdb.Error) -> str:
    if path.is_dir():
        return f"{path} is a folder; HEADWATER_WAREHOUSE must name a DuckDB file."
    if "not a valid DuckDB database" in str(error):
        return _describe_other_kind(path)
    if "No space left on device" in str(error):
        return FULL
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return describe_unwritable(path)
    first_line = str(error).splitlines()[0]
    return f"The warehouse {path} cannot be opened: {first_line}"

"""Exports of the marts as files, with a data dictionary: what readers of Postgres see, in one snapshot."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from loader.base.errors import HeadwaterError
from loader.publish.files import put_in_place, write_beside
from loader.publish.marts import attach_postgres
from loader.publish.postgres import Server
from loader.publish.workbook import MAX_SHEET_ROWS, Workbook

FORMATS = ("parquet", "csv", "xlsx")
DICTIONARY = "data_dictionary.csv"
_ROWS_AT_A_TIME = 10_000
_COLUMNS = """
    select relname, attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'marts'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
    order by relname, attnum
"""


@dataclass(frozen=True)
class Column:
    """A column of a mart, as Postgres has it; `description` is its comment."""

    mart: str
    name: str
    data_type: str
    description: str


@dataclass(frozen=True)
class ExportedMart:
    """A mart that was written: a file, or with partitions a folder."""

    mart: str
    rows: int
    path: Path


def read_columns(server: Server) -> list[Column]:
    """The columns of all published marts. Raises HeadwaterError if nothing is published."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select to_regnamespace('marts') is not null")
        if cursor.fetchone() == (True,):
            cursor.execute(_COLUMNS)
            if columns := [Column(mart, name, kind, told or "") for mart, name, kind, told in cursor.fetchall()]:
                return columns
    raise HeadwaterError("Nothing is published yet. Run `headwater run` first.")


def export_marts(
    server: Server, marts: Sequence[str], kind: str, folder: Path, partition_by: str | None = None
) -> Iterator[ExportedMart]:
    """Writes the named marts, or all, and the data dictionary into the folder.

    Each file, or folder of partitions, replaces the one of an earlier export when it is complete. With `partition_by`
    only marts that have the column are written, unless marts are named. Raises HeadwaterError for what cannot be
    written.
    """
    columns = read_columns(server)
    chosen = _choose(columns, marts, partition_by)
    if kind == "xlsx" and partition_by:
        raise HeadwaterError("A workbook has no partitions: use --format parquet or csv with --partition-by.")
    with _open(server) as connection, write_beside(folder) as unfinished:
        for mart in chosen:
            target = unfinished / (mart if partition_by else f"{mart}.{kind}")
            rows = _write(connection, mart, kind, target, partition_by)
            yield ExportedMart(mart, rows, put_in_place(target, folder))
        dictionary = unfinished / DICTIONARY
        _write_dictionary(columns, dictionary)  # of all marts: files of an earlier export may be in the folder
        put_in_place(dictionary, folder)


def _choose(columns: Sequence[Column], marts: Sequence[str], partition_by: str | None) -> list[str]:
    known = list(dict.fromkeys(column.mart for column in columns))
    if unknown := [mart for mart in marts if mart not in known]:
        raise HeadwaterError(f"There is no mart {unknown[0]!r}. The marts are: {', '.join(known)}.")
    if partition_by is None:
        return [mart for mart in known if not marts or mart in marts]
    fitting = [column.mart for column in columns if column.name == partition_by]
    if lacking := [mart for mart in marts if mart not in fitting]:
        raise HeadwaterError(f"{lacking[0]} has no column {partition_by!r} to partition by.")
    if not fitting:
        raise HeadwaterError(f"No mart has a column {partition_by!r} to partition by.")
    return [mart for mart in fitting if not marts or mart in marts]


@contextmanager
def _open(server: Server) -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB with Postgres attached, in one transaction: all marts are of one publication."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("set timezone = 'UTC'")
        attach_postgres(connection, server)
        connection.execute("begin")
        yield connection


def _write(connection: duckdb.DuckDBPyConnection, mart: str, kind: str, target: Path, partition_by: str | None) -> int:
    place = f'postgres_server.marts."{mart}"'
    if kind == "xlsx":
        return _write_workbook(connection, mart, place, target)
    # In a CSV file null is nothing between two commas, and an empty text is "".
    options = ["format parquet"] if kind == "parquet" else ["format csv", "header"]
    if partition_by:
        target.mkdir()
        options += [f'partition_by ("{partition_by}")', "write_partition_columns true", "overwrite_or_ignore true"]
    quoted = str(target).replace("'", "''")
    (rows,) = connection.execute(f"copy (from {place}) to '{quoted}' ({', '.join(options)})").fetchone() or (0,)
    return int(rows)


def _write_workbook(connection: duckdb.DuckDBPyConnection, mart: str, place: str, target: Path) -> int:
    """One sheet."""
    (rows,) = connection.execute(f"select count(*) from {place}").fetchone() or (0,)
    if rows > MAX_SHEET_ROWS:
        raise HeadwaterError(f"{mart} has {rows:,} rows, and a sheet at most {MAX_SHEET_ROWS:,}: use --format parquet.")
    found = connection.execute(f"from {place}")
    with Workbook(target) as workbook:
        columns = [name for name, *_ in found.description or ()]
        workbook.write_table(workbook.add_sheet(mart), columns, _fetch(found))
    return int(rows)


def _fetch(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := found.fetchmany(_ROWS_AT_A_TIME):
        yield from batch


def _write_dictionary(columns: Sequence[Column], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["mart", "column", "type", "description"])
        writer.writerows([column.mart, column.name, column.data_type, column.description] for column in columns)

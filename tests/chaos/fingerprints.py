"""What tables hold, as numbers that are equal where the rows are: load ids and times of a run are left out."""

from collections.abc import Iterable

import duckdb

from loader.publish.marts import attach_postgres
from loader.publish.postgres import Server

Fingerprint = tuple[object, ...]

_DOCUMENTS = ("roster", "authors", "works", "institutions", "topics")
_ROWS = "select count(*), coalesce(sum(hash(t)), 0) from {place} as t"
# What a build that comes later writes otherwise: the load of a record, and when a version of an author was seen.
TIMES_OF_RUN = ("load_id", "valid_from", "valid_to")
_BUILT_ROWS = _ROWS.format(place=f"(select columns(name -> name not in {TIMES_OF_RUN}) from {{place}})")


def read_raw(connection: duckdb.DuckDBPyConnection) -> dict[str, Fingerprint]:
    """The rows of every raw table. Of the counts, what all loads together found new and changed.

    But for authors: how often theirs are asked for depends on which runs came to it.
    """
    found = {
        table: _ask(connection, _ROWS.format(place=f"(select * exclude (_dlt_load_id) from raw_openalex.{table})"))
        for table in (*_DOCUMENTS, "rejected_records")
    }
    sql = """
        select resource, sum(new_count), sum(changed_count)
        from raw_openalex.load_counts where resource != 'authors' group by all order by all
    """
    statuses = "(select work_id, status, merged_into_id from raw_openalex.work_statuses)"
    return found | {
        "load_counts": tuple(connection.execute(sql).fetchall()),
        "work_statuses": _ask(connection, _ROWS.format(place=statuses)),
    }


def read_keys(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> dict[str, Fingerprint]:
    """The keys of raw tables, whatever the documents are."""
    return {table: _ask(connection, f"select count(*), sum(hash(id)) from raw_openalex.{table}") for table in tables}


def read_visible(connection: duckdb.DuckDBPyConnection) -> dict[str, Fingerprint]:
    """Everything in raw, load ids included."""
    names = sorted(_list_tables(connection, "raw_openalex"))
    return {name: _ask(connection, _ROWS.format(place=f'raw_openalex."{name}"')) for name in names}


def check_raw(connection: duckdb.DuckDBPyConnection) -> None:
    """No key twice, every hash that of its document, every count balanced: true at any time, after any kill."""
    there = _list_tables(connection, "raw_openalex")
    for table in there & set(_DOCUMENTS):
        assert _ask(
            connection,
            f"""
            select count(*) - count(distinct id), count(*) filter (sha256(cast(document as varchar)) != record_hash)
            from raw_openalex.{table}
            """,
        ) == (0, 0), table
    assert "load_counts" not in there or _ask(
        connection,
        """
        select
            count(*) - count(distinct (_dlt_load_id, resource)),
            coalesce(sum(
                extracted_count - new_count - changed_count - unchanged_count - repeated_count - rejected_count
            ), 0)
        from raw_openalex.load_counts
        """,
    ) == (0, 0)


def read_schema(connection: duckdb.DuckDBPyConnection, schema: str, database: str = "") -> dict[str, Fingerprint]:
    """The rows of every table of a schema, of the warehouse or of an attached database."""
    place = f"{database}.{schema}" if database else schema
    names = _list_tables(connection, schema, database)
    return {name: _ask(connection, _BUILT_ROWS.format(place=f'{place}."{name}"')) for name in sorted(names)}


def read_postgres_schema(connection: duckdb.DuckDBPyConnection, server: Server, schema: str) -> dict[str, Fingerprint]:
    """The rows of every table of a schema in Postgres, as DuckDB reads them: comparable with `read_schema`."""
    attach_postgres(connection, server)
    return read_schema(connection, schema, "postgres_server")


def _list_tables(connection: duckdb.DuckDBPyConnection, schema: str, database: str = "") -> set[str]:
    # dim_dates and int_dates are views in DuckDB
    sql = (
        "select table_name from (select database_name, schema_name, table_name from duckdb_tables()"
        " union all select database_name, schema_name, view_name from duckdb_views())"
        " where schema_name = ? and database_name = ?"
    )
    own_name = str(_ask(connection, "select current_database()")[0])
    return {name for (name,) in connection.execute(sql, [schema, database or own_name]).fetchall()}


def _ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Fingerprint:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return tuple(row)

"""The marts in both engines, and whether they are equal."""

from dataclasses import dataclass

import duckdb

from loader.base.dbt_project import list_mart_names
from loader.publish.postgres import Server, find_duckdb_extension

_FINGERPRINT = "select count(*), coalesce(sum(hash(mart)), 0) from {place} as mart"


@dataclass(frozen=True)
class MartState:
    """One mart: its rows in DuckDB and in Postgres (None where it is missing), and whether they are equal.

    `is_left_over`: DuckDB still has its table, but the project no longer has its model, so it is compared with nothing.
    """

    name: str
    duckdb_rows: int | None
    postgres_rows: int | None
    is_equal: bool | None
    is_left_over: bool = False


def count_published(server: Server) -> dict[str, int]:
    """The rows of every mart in Postgres."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'marts' order by 1")
        names = [name for (name,) in cursor.fetchall()]
        rows = {}
        for name in names:
            cursor.execute(f'select count(*) from marts."{name}"')
            (count,) = cursor.fetchone() or (0,)
            rows[name] = int(count)
    return rows


def compare_marts(connection: duckdb.DuckDBPyConnection, server: Server | None) -> list[MartState]:
    """Compares every mart in DuckDB with the one in Postgres, values included; without a server it only counts rows."""
    here = _list_marts(connection, "current_database()")
    there: set[str] = set()
    if server:
        attach_postgres(connection, server)
        there = _list_marts(connection, "'postgres_server'")
    in_project = list_mart_names()
    states = []
    for name in sorted(here | there):
        local = _fingerprint(connection, f'marts."{name}"') if name in here else None
        remote = _fingerprint(connection, f'postgres_server.marts."{name}"') if name in there else None
        is_left_over = name not in in_project and name not in there
        states.append(
            MartState(
                name,
                local[0] if local else None,
                remote[0] if remote else None,
                local == remote if server and not is_left_over else None,
                is_left_over,
            )
        )
    return states


def is_pseudonymous(server: Server) -> bool:
    """Whether the marts in Postgres were published pseudonymously (privacy.sql marks them)."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select obj_description(to_regnamespace('marts'), 'pg_namespace')")
        (mark,) = cursor.fetchone() or (None,)
    return str(mark).startswith("Published pseudonymously")


def attach_postgres(connection: duckdb.DuckDBPyConnection, server: Server) -> None:
    """Makes Postgres readable in this DuckDB connection, as `postgres_server`."""
    connection.execute(f"load '{find_duckdb_extension()}'")
    quoted = server.connection_string.replace("'", "''")
    connection.execute(f"attach if not exists '{quoted}' as postgres_server (type postgres, read_only)")


def _list_marts(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    rows = connection.execute(
        f"select table_name from duckdb_tables() where database_name = {database} and schema_name = 'marts'"
        f" union select view_name from duckdb_views() where database_name = {database} and schema_name = 'marts'"
    ).fetchall()
    return {name for (name,) in rows}


def _fingerprint(connection: duckdb.DuckDBPyConnection, place: str) -> tuple[int, int]:
    count, total = connection.execute(_FINGERPRINT.format(place=place)).fetchone() or (0, 0)
    return int(count), int(total)

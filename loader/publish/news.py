"""What is new for a domain since it was published: rows that raw gained, changed or lost, changed code, a new year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
from psycopg2 import errors

from loader.base.settings import Settings
from loader.publish.fingerprints import fingerprint_code
from loader.publish.postgres import Server

_MISSING_MARTS = """
    select domain from operations.published_marts
    where table_name not in (select tablename from pg_tables where schemaname = 'marts')
"""


@dataclass(frozen=True)
class DomainBuild:
    """A complete and successful build of a domain, and what it was built from.

    `inputs` holds each raw table that its models read, with its number of rows and its newest load then. `year` is
    that of the build (UTC).
    """

    build_id: str
    code_fingerprint: str
    inputs: Mapping[str, tuple[int, str | None]]
    year: int


def read_publications(server: Server) -> dict[str, str | None]:
    """The build that readers of Postgres see of each domain; a domain that lacks marts there is left out."""
    with server.connect() as connection, connection.cursor() as cursor:
        try:
            cursor.execute("select domain, build_id from operations.publications")
            publications = dict(cursor.fetchall())
            cursor.execute(_MISSING_MARTS)
            incomplete = {domain for (domain,) in cursor.fetchall()}
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return {}
    if "shared" in incomplete:
        return {}
    return {domain: build_id for domain, build_id in publications.items() if domain not in incomplete}


def read_builds(connection: duckdb.DuckDBPyConnection) -> dict[str, DomainBuild]:
    """The last build of each domain in the warehouse, unless a part of it was built since."""
    if not _has_table(connection, "operations.domain_builds"):
        return {}
    sql = "select domain, build_id, code_fingerprint, year(built_at at time zone 'UTC') from operations.domain_builds"
    inputs = "select table_name, row_count, newest_load_id from operations.domain_inputs where domain = ?"
    return {
        domain: DomainBuild(
            build_id,
            code_fingerprint,
            {table: (rows, load) for table, rows, load in connection.execute(inputs, [domain]).fetchall()},
            year,
        )
        for domain, build_id, code_fingerprint, year in connection.execute(sql).fetchall()
    }


def find_news(
    connection: duckdb.DuckDBPyConnection,
    publications: Mapping[str, str | None],
    domains: Sequence[str],
    settings: Settings,
) -> dict[str, str]:
    """What is new, in a few words, for each of the domains that has news."""
    builds = read_builds(connection)
    news = {domain: _describe_news(connection, domain, builds, publications, settings) for domain in domains}
    return {domain: reason for domain, reason in news.items() if reason}


def has_passed_unit_tests(connection: duckdb.DuckDBPyConnection, domain: str, settings: Settings) -> bool:
    """Whether the domain's unit tests passed with the present code."""
    if not _has_table(connection, "operations.unit_tests_passed"):
        return False
    sql = "select code_fingerprint from operations.unit_tests_passed where domain = ?"
    return connection.execute(sql, [domain]).fetchall() == [(fingerprint_code(domain, settings),)]


def _describe_news(
    connection: duckdb.DuckDBPyConnection,
    domain: str,
    builds: Mapping[str, DomainBuild],
    publications: Mapping[str, str | None],
    settings: Settings,
) -> str | None:
    if domain not in builds:
        return "it has no complete, successful build yet"
    build = builds[domain]
    if build.code_fingerprint != fingerprint_code(domain, settings):
        return "its models or settings changed"
    changed = [table for table, was in build.inputs.items() if _read_input(connection, table) != was]
    if changed:
        return f"{', '.join(changed)} changed"
    # Marts know which years are finished.
    if build.year < datetime.now(UTC).year:
        return "a new year has begun since it was built"
    if publications.get(domain) != build.build_id:
        return "its last build was not published"
    return None


def _read_input(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, str | None] | None:
    if not _has_table(connection, table):
        return None
    rows, load = connection.execute(f"select count(*), max(_dlt_load_id) from {table}").fetchone() or (0, None)
    return int(rows), load


def _has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    schema, _, table = name.partition(".")
    sql = "select 1 from duckdb_tables() where schema_name = ? and table_name = ?"
    return connection.execute(sql, [schema, table]).fetchone() is not None

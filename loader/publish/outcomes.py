"""The outcome of builds and handoffs, read from the tables in which dbt's macros note it."""

from collections.abc import Sequence

import duckdb
from psycopg2 import errors

from loader.publish.dbt import NodeResult
from loader.publish.postgres import Server

_MAX_NAMES = 3


def read_failing_nodes(connection: duckdb.DuckDBPyConnection) -> dict[str, list[NodeResult]]:
    """By domain, the models, seeds, snapshots and tests whose last run was not successful. Empty before any build."""
    try:
        rows = connection.execute(
            "select domain, unique_id, status, message from operations.node_results"
            " where status not in ('success', 'pass', 'warn') order by finished_at, unique_id"
        ).fetchall()
    except duckdb.CatalogException:
        return {}
    failing: dict[str, list[NodeResult]] = {}
    for domain, unique_id, status, message in rows:
        failing.setdefault(domain, []).append(NodeResult(unique_id, status, message or ""))
    return failing


def read_handoffs(server: Server) -> dict[str, str | None]:
    """The build from which Postgres has the transform tables, by domain."""
    with server.connect() as connection, connection.cursor() as cursor:
        try:
            cursor.execute("select domain, min(build_id) from operations.handoffs group by domain")
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return {}
        return dict(cursor.fetchall())


def count_handed_off(server: Server, domains: Sequence[str]) -> int:
    """How many transform tables Postgres has of these domains, the shared ones among them."""
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from operations.handoffs where domain = any(%s)", [[*domains, "shared"]])
        (count,) = cursor.fetchone() or (0,)
    return int(count)


def describe_warnings(results: Sequence[NodeResult]) -> list[str]:
    """A sentence for each test that warned, with the number of its rows as dbt says it."""
    return [
        f"The test {result.name} warns: {result.message.rstrip('.')}." for result in results if result.status == "warn"
    ]


def describe_failures(results: Sequence[NodeResult]) -> str:
    """The models and tests that failed, by name, and dbt's message for the first; empty if none failed."""
    failed = [result for result in results if result.status in ("error", "fail", "runtime error")]
    if not failed:
        return ""
    names = ", ".join(result.name for result in failed[:_MAX_NAMES]) + (", …" if len(failed) > _MAX_NAMES else "")
    message = " ".join(failed[0].message.split())
    return f"{len(failed)} models or tests failed ({names}): {message}. Run `dbt build` and fix what it reports."

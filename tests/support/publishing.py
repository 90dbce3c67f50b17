"""Publications that are met halfway: started beside a test, or their swap alone, as dbt rendered it."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg2.extensions import connection as postgres_connection

from tests.support.workspace import Finished, Running, Workspace

# Without the JSON files that dbt writes for every command, which are not read here.
PUBLISH = ("dbt", "build", "--target", "postgres", "--no-write-json")
HAND_OFF = ("dbt", "run-operation", "handoff", "--no-write-json")
_DEADLINE_SECONDS = 60
# What differs between one version of the marts and the next: a column of three of them, from three tables of transform.
_VERSIONED = {
    "dim_topics": ("int_topics", "description"),
    "dim_authors": ("int_authors", "department"),
    "dim_institutions": ("int_institutions", "city"),
}
# Every relation in Postgres but the server's own, with what it is and who may use it.
_EVERYTHING = """
    select relnamespace::regnamespace::text, relname, oid, relkind, relacl::text, reloptions::text,
        case relkind when 'v' then pg_get_viewdef(oid) end,
        (select string_agg(attname || attacl::text, ' ') from pg_attribute where attrelid = pg_class.oid)
    from pg_class where relnamespace::regnamespace::text !~ '^(pg_|information_schema)' order by 1, 2
"""


def set_version(workspace: Workspace, version: str) -> None:
    """Makes the transform tables in Postgres another version, as the next publication will show it."""
    for table, column in _VERSIONED.values():
        execute(workspace, f"update transform.{table} set {column} = '{version}'")


def set_published_version(workspace: Workspace, version: str) -> None:
    """Makes marts and transform tables one version, as if that had been published."""
    set_version(workspace, version)
    for mart, (_, column) in _VERSIONED.items():
        execute(workspace, f"update marts.{mart} set {column} = '{version}'")


def read_versions(connection: postgres_connection, schema: str = "marts") -> set[tuple[str, str]]:
    """The versions of the marts, one mart after the other: (min, max) of each; one when they are all the same."""
    found = set()
    for mart, (_, column) in _VERSIONED.items():
        found |= set(query(connection, f"select min({column}), max({column}) from {schema}.{mart}"))
    return found


def read_everything(workspace: Workspace) -> list[tuple[object, ...]]:
    """What is in Postgres: shows a change of any table, view or grant."""
    return workspace.query_postgres(_EVERYTHING)


def query(connection: postgres_connection, sql: str) -> list[tuple[object, ...]]:
    """Asks in the transaction that the connection is in."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def execute(workspace: Workspace, sql: str) -> None:
    """Runs statements in a transaction of their own."""
    with workspace.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def read_swap(workspace: Workspace) -> str:
    """The statements with which the last run published, or tried to."""
    hooks = workspace.settings.find_dbt_artifacts("postgres") / "compiled" / "headwater" / "dbt_project.yml" / "hooks"
    return (hooks / "headwater-on-run-end-0.sql").read_text()


@contextmanager
def started(workspace: Workspace, *command: str, wait_seconds: int = 60) -> Iterator[Running]:
    """A command that runs beside the test, and that waits this long for who is in its way."""
    running = workspace.start(*command, extra={"HEADWATER_LOCK_WAIT_SECONDS": str(wait_seconds)})
    try:
        yield running
    finally:
        running.kill()


def finish(running: Running) -> Finished:
    """The end of a started command."""
    return running.wait(_DEADLINE_SECONDS)


def find_backends(workspace: Workspace, state: str) -> list[int]:
    """The process numbers of the server's sessions, other than the one that asks, of which an SQL condition holds."""
    others = "select pid from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'"
    return [int(str(pid)) for (pid,) in workspace.query_postgres(f"{others} and {state}")]

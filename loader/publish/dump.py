"""Headwater's schemas in Postgres as a file: dumped in one snapshot, restored in one transaction."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg2 import sql

from loader.base.errors import HeadwaterError
from loader.publish.embedded import find_program
from loader.publish.marts import is_pseudonymous
from loader.publish.postgres import READER, Server, wait_for_readers
from loader.publish.readers import grant_marts

_SCHEMAS = ["history", "marts", "operations", "transform"]
_READERS = """
    select distinct rolname
    from pg_class, aclexplode(relacl) as acl
    inner join pg_roles on pg_roles.oid = acl.grantee
    where relnamespace = to_regnamespace('marts') and grantee <> relowner
    order by 1
"""
# Views, foreign keys: what a restore would have to drop along with the schemas.
_DEPENDENTS = """
    select distinct dependents.oid::regclass::text
    from (
        select pg_rewrite.ev_class as oid, refobjid
        from pg_depend
        inner join pg_rewrite on classid = 'pg_rewrite'::regclass and objid = pg_rewrite.oid
        where refclassid = 'pg_class'::regclass
        union all
        select conrelid, confrelid from pg_constraint where contype = 'f'
    ) as dependents
    inner join pg_class as dependent on dependents.oid = dependent.oid
    inner join pg_class as ours on refobjid = ours.oid
    where
        ours.relnamespace::regnamespace::text = any(%(schemas)s)
        and dependent.relnamespace::regnamespace::text <> all(%(schemas)s)
    union
    select 'marts.' || tablename
    from pg_tables
    where schemaname = 'marts' and tablename not in (select table_name from operations.published_marts)
    order by 1
"""
_REFUSE_OTHER_COUNT = "do $$ begin assert (select count(*) from {place}) = {rows}, '{place} lacks rows'; end $$"
_NEW_SETTING = b"SET transaction_timeout"
_HEAD_BYTES = 4_096


@dataclass(frozen=True)
class DumpedMarts:
    """What a dump holds: the rows of each mart, the roles that could read them, and how they were published."""

    rows: dict[str, int]
    readers: list[str]
    is_pseudonymous: bool


def dump_marts(server: Server, target: Path) -> DumpedMarts | None:
    """Writes Headwater's schemas to a file, as of one moment; readers read on. None if nothing was ever published."""
    with closing(server.connect()) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            schemas = _list_schemas(cursor)
            if "marts" not in schemas:
                return None
            cursor.execute("select pg_export_snapshot()")
            (snapshot,) = cursor.fetchone() or ("",)
            chosen = [f"--schema={name}" for name in schemas]
            # The snapshot is valid as long as this transaction.
            _run("pg_dump", server, "--format=custom", f"--snapshot={snapshot}", f"--file={target}", *chosen)
            rows = _count_rows(cursor)
            cursor.execute(_READERS)
            return DumpedMarts(rows, [name for (name,) in cursor.fetchall()], is_pseudonymous(server))


def refuse_restore(server: Server, dumped: DumpedMarts, *, is_forced: bool) -> None:
    """Raises HeadwaterError if a restore would replace marts unasked, reveal names, or drop what others made."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        if "marts" not in _list_schemas(cursor):
            return
        if not is_forced:
            raise HeadwaterError(f"Postgres at {server.host} holds marts already. To replace them, add --force.")
        if is_pseudonymous(server) and not dumped.is_pseudonymous:
            raise HeadwaterError(
                f"Postgres at {server.host} is published pseudonymously, and this backup holds names. Restore it into"
                " another database."
            )
        cursor.execute(_DEPENDENTS, {"schemas": _SCHEMAS})
        if dependents := [name for (name,) in cursor.fetchall()]:
            raise HeadwaterError(
                f"{', '.join(dependents)} in Postgres would be lost with the marts. Move or drop it, restore, then make"
                " it again."
            )


def restore_marts(server: Server, source: Path, dumped: DumpedMarts, wait_seconds: float) -> None:
    """Replaces Headwater's schemas by those of a dump, in one transaction: readers see the old marts or the new ones.

    Waits so long for readers. Those who could read the marts then, and those who can now, can read the restored ones.
    Raises HeadwaterError if Postgres refuses; then nothing has changed.
    """
    wait_for_readers(server, "marts", wait_seconds)
    script = source.with_suffix(".sql")
    _run("pg_restore", None, "--no-owner", "--no-privileges", f"--file={script}", str(source))
    _leave_out_new_setting(script)
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        before = [
            "set client_min_messages = warning",
            f"set lock_timeout = '{round(wait_seconds * 1000) or 1}ms'",
            *(each.as_string(connection) for each in _drop_all(cursor)),
        ]
        after = [each.as_string(connection) for each in _complete(cursor, dumped)]
    _run(
        "psql", server, "--no-psqlrc", "--quiet", "--output=/dev/null", "--set=ON_ERROR_STOP=1", "--single-transaction",
        *(f"--command={command}" for command in before), f"--file={script}",
        *(f"--command={command}" for command in after),
    )  # fmt: skip


def _drop_all(cursor: Any) -> Iterator[sql.Composable]:
    """Not `cascade`: what else depends on them is someone's work, and Postgres then refuses."""
    cursor.execute("select schemaname, tablename from pg_tables where schemaname = any(%s)", [_SCHEMAS])
    if tables := [sql.Identifier(*table) for table in cursor.fetchall()]:
        yield sql.SQL("drop table {}").format(sql.SQL(", ").join(tables))
    for schema in _SCHEMAS:
        yield sql.SQL("drop schema if exists {}").format(sql.Identifier(schema))


def _complete(cursor: Any, dumped: DumpedMarts) -> Iterator[sql.Composable]:
    """Checks the rows and grants the marts. The dump leaves search_path empty."""
    cursor.execute(_READERS)
    now = [name for (name,) in cursor.fetchall()]
    cursor.execute("select rolname from pg_roles where rolname = any(%s) order by 1", [[*dumped.readers, *now]])
    readers = [sql.Identifier(name) for (name,) in cursor.fetchall()]
    for mart, rows in dumped.rows.items():
        place = sql.Identifier("marts", mart)
        yield sql.SQL(_REFUSE_OTHER_COUNT).format(place=place, rows=sql.Literal(rows))
        for reader in readers:
            yield sql.SQL("grant select on {} to {}").format(place, reader)
    for reader in readers:
        yield sql.SQL("grant usage on schema marts to {}").format(reader)


def _leave_out_new_setting(script: Path) -> None:
    """Leaves out a setting that servers before Postgres 17 do not know."""
    with script.open("r+b") as file:
        place = file.read(_HEAD_BYTES).find(_NEW_SETTING)
        if place >= 0:
            file.seek(place)
            file.write(b"-- ")


def list_missing_readers(server: Server, dumped: DumpedMarts) -> list[str]:
    """A sentence for each role that could read the dumped marts and does not exist here. Makes the project's own."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select rolname from pg_roles where rolname = any(%s)", [dumped.readers])
        known = {name for (name,) in cursor.fetchall()}
    return [note for name in dumped.readers if name not in known and (note := _miss(server, name))]


def _miss(server: Server, name: str) -> str | None:
    if name != READER:
        return f"{name} could read the marts and is no role here: `headwater postgres grant {name}` makes it."
    try:
        grant_marts(server, name)
    except HeadwaterError as error:
        return str(error)
    return None


def _list_schemas(cursor: Any) -> list[str]:
    cursor.execute("select nspname from pg_namespace where nspname = any(%s) order by 1", [_SCHEMAS])
    return [name for (name,) in cursor.fetchall()]


def _count_rows(cursor: Any) -> dict[str, int]:
    cursor.execute("select tablename from pg_tables where schemaname = 'marts' order by 1")
    rows = {}
    for (name,) in cursor.fetchall():
        cursor.execute(sql.SQL("select count(*) from marts.{}").format(sql.Identifier(name)))
        rows[name] = int(cursor.fetchone()[0])
    return rows


def _run(program: str, server: Server | None, *arguments: str) -> None:
    """Runs a program of Postgres. Raises HeadwaterError with the first error that it prints."""
    where = [f"--dbname={server.connection_string}"] if server else []
    command: Sequence[str] = [str(find_program(program)), *where, *arguments]
    finished = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, text=True
    )
    if finished.returncode != 0:
        lines = finished.stderr.strip().splitlines() or [f"status {finished.returncode}"]
        said = next((line for line in lines if "error" in line.lower()), lines[0])
        raise HeadwaterError(f"{program} failed: {said.strip().rstrip('.')}.")

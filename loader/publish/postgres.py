"""Postgres: the given server, or the embedded one."""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import psycopg2.errors
from psycopg2.extensions import connection as postgres_connection

from loader.base.errors import HeadwaterError, TemporaryError
from loader.base.settings import Settings, read_settings
from loader.publish.embedded import find_package, start

# The role that reads the marts and nothing else; each publication makes sure of it.
READER = "headwater_reader"
_HOLDERS = """
    select string_agg(format(
        'process %%s (%%s, %%s)', pid, coalesce(usename, backend_type), coalesce(state, 'at work')
    ), ', ' order by pid)
    from pg_stat_activity
    where
        datname = current_database()
        and pid in (select pid from pg_locks where granted and relation = any(%s::regclass[]::oid[]))
"""
_CONNECT_SECONDS = 10


@dataclass(frozen=True)
class Server:
    """How to reach a Postgres server. The password stays in libpq's own places (PGPASSWORD, ~/.pgpass)."""

    host: str
    port: str
    user: str
    database: str
    is_embedded: bool

    @property
    def connection_string(self) -> str:
        """For libpq, without a password."""
        parts = {"host": self.host, "port": self.port, "user": self.user, "dbname": self.database}
        return " ".join(f"{key}={_quote(value)}" for key, value in parts.items())

    @property
    def url(self) -> str:
        """For `psql` and other clients, without a password."""
        if self.host.startswith("/"):
            return f"postgresql://{self.user}@/{self.database}?host={self.host}&port={self.port}"
        return f"postgresql://{self.user}@{self.host}:{self.port}/{self.database}"

    def as_reader(self) -> "Server":
        """The same server, as the role that reads the marts and nothing else."""
        return replace(self, user=READER)

    def connect(self) -> postgres_connection:
        """Opens a connection. Raises HeadwaterError when the server does not answer."""
        try:
            return psycopg2.connect(self.connection_string, connect_timeout=_CONNECT_SECONDS)
        except psycopg2.OperationalError as error:
            raise TemporaryError(
                f"Postgres at {self.host} port {self.port} cannot be used:"
                f" {_describe_refusal(error)}."
                + (" Start it with `headwater postgres start`." if self.is_embedded else " Check PGHOST and PGPORT.")
            ) from error


def find_server(settings: Settings, environment: Mapping[str, str] = os.environ) -> Server:
    """The server that PGHOST, PGPORT, PGUSER and PGDATABASE name, or without PGHOST the embedded one."""
    if host := environment.get("PGHOST"):
        return Server(
            host=host,
            port=environment.get("PGPORT") or "5432",
            user=environment.get("PGUSER") or "postgres",
            database=environment.get("PGDATABASE") or "postgres",
            is_embedded=False,
        )
    return Server(str(settings.postgres_socket), "5432", "postgres", "postgres", is_embedded=True)


def describe_ignored(environment: Mapping[str, str] = os.environ) -> str | None:
    """One line about libpq's variables that are set without PGHOST, if there are any: the embedded server is used."""
    ignored = [name for name in ("PGPORT", "PGUSER", "PGDATABASE", "PGPASSWORD") if environment.get(name)]
    if environment.get("PGHOST") or not ignored:
        return None
    verb = "is" if len(ignored) == 1 else "are"
    return f"{', '.join(ignored)} {verb} ignored without PGHOST: the embedded Postgres server is used."


def ensure_server() -> Server:
    """The server; the embedded one is started if it is down. Raises HeadwaterError when it does not answer."""
    settings = read_settings()
    server = find_server(settings)
    if server.is_embedded:
        start(settings)
    server.connect().close()
    return server


def may_have_marts(settings: Settings) -> bool:
    """Whether there is a server to look for marts on: not an embedded one that was never started."""
    return not find_server(settings).is_embedded or (settings.postgres_data / "PG_VERSION").exists()


def require_marts_server() -> Server:
    """As `ensure_server`, but makes no embedded server: what is new there holds nothing. Raises HeadwaterError."""
    if not may_have_marts(read_settings()):
        raise HeadwaterError("Nothing is published yet. Run `headwater run` first.")
    return ensure_server()


def wait_for_readers(server: Server, schema: str, wait_seconds: float) -> None:
    """Waits until no session uses a table of the schema. Raises HeadwaterError that names those that do not end."""
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select pg_catalog.quote_ident(tablename) from pg_tables where schemaname = %s", [schema])
        tables = [f"{schema}.{name}" for (name,) in cursor.fetchall()]
        if not tables:
            return
        cursor.execute("select set_config('lock_timeout', %s, true)", [f"{round(wait_seconds * 1000) or 1}ms"])
        try:
            cursor.execute(f"lock table {', '.join(tables)} in access exclusive mode")
        except psycopg2.errors.LockNotAvailable as error:
            connection.rollback()
            cursor.execute(_HOLDERS, [tables])
            (holders,) = cursor.fetchone() or (None,)
            raise HeadwaterError(
                f"{holders or 'a session that came and went'} held tables of schema {schema} for {wait_seconds:g}"
                " seconds. End it or wait for it."
            ) from error
        except psycopg2.Error as error:
            raise HeadwaterError(f"Postgres at {server.host}: {' '.join(str(error).split())}.") from error


def find_duckdb_extension() -> Path:
    """DuckDB's postgres extension, in its wheel: nothing is downloaded or copied."""
    folder = find_package("duckdb_extension_postgres_scanner") / "extensions" / f"v{version('duckdb')}"
    return folder / "postgres_scanner.duckdb_extension"


def _describe_refusal(error: psycopg2.OperationalError) -> str:
    """What libpq says of each address that it tried, without its questions, which are indented."""
    lines = [line.strip().rstrip(".") for line in str(error).splitlines() if not line.startswith("\t")]
    return "; ".join(filter(None, lines))


def _quote(value: str) -> str:
    """A value of a libpq connection string; in quotes if it needs them."""
    if value and not set(value) & set(" '\\"):
        return value
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

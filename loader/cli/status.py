"""`headwater status`: what the warehouse holds, how fresh it is, and whether Postgres holds the same."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loader.base.errors import HeadwaterError
from loader.base.settings import Settings
from loader.publish.embedded import is_running
from loader.publish.marts import MartState, compare_marts, is_pseudonymous
from loader.publish.postgres import find_server
from loader.publish.privacy import PSEUDONYMOUS
from loader.publish.readers import describe_missing_reader
from loader.raw.pipelines import name_raw_schema
from loader.raw.rejects import list_open
from loader.raw.warehouse import RawSchema, open_warehouse
from loader.raw.warehouse_format import describe_upgrade
from loader.runs.report import read_last_report
from loader.sources import find_sources


@dataclass(frozen=True)
class SourceState:
    """One source's raw schema: when it was last loaded (UTC), how many rejected records are pending."""

    name: str
    last_loaded_at: datetime | None
    rejected: int


@dataclass(frozen=True)
class MissingState:
    """Somebody or something that the user named and a source does not know, and when it was last looked for (UTC)."""

    source: str
    identifier: str
    name: str | None
    checked_at: str


@dataclass(frozen=True)
class Status:
    """The state of the warehouse. `postgres` is its address, or why it cannot be read.

    `is_same` is None if the marts cannot be compared: without Postgres, or after a pseudonymous publication.
    """

    warehouse: str
    sources: list[SourceState]
    marts: list[MartState]
    postgres: str
    is_postgres_used: bool
    is_postgres_reachable: bool
    missing_reader: str | None
    is_same: bool | None
    is_pseudonymous: bool
    is_to_be_pseudonymous: bool
    not_found: list[MissingState]
    last_run_id: str | None
    last_run_started_at: datetime | None
    last_run_seconds: float | None
    last_run_error: str | None
    # What to do with a warehouse of an older version.
    upgrade: str | None

    @property
    def is_well(self) -> bool:
        """Whether the last run was successful, and Postgres, once it was used, answers with the same marts as DuckDB.

        A pseudonymous publication differs by design.
        """
        differs = self.is_same is False or (self.is_to_be_pseudonymous and self.has_names)
        is_missing = self.is_postgres_used and not self.is_postgres_reachable
        return self.last_run_error is None and not is_missing and not differs

    @property
    def has_names(self) -> bool:
        """Whether Postgres holds marts with names."""
        return not self.is_pseudonymous and any(mart.postgres_rows is not None for mart in self.marts)

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: plain values, times as ISO 8601."""
        plain = asdict(self)
        for source in plain["sources"]:
            at = source["last_loaded_at"]
            source["last_loaded_at"] = at.isoformat() if at else None
        started_at = plain["last_run_started_at"]
        plain["last_run_started_at"] = started_at.isoformat() if started_at else None
        return plain


def read_status(settings: Settings) -> Status:
    """Reads the status. Raises HeadwaterError when there is no warehouse, or when it is held."""
    if not settings.warehouse.exists():
        demo = settings.data / "demo"
        hint = f" (The demo's: HEADWATER_DATA={os.path.relpath(demo)} headwater status)" if demo.exists() else ""
        raise HeadwaterError(f"There is no warehouse at {settings.warehouse} yet. `headwater run` makes one.{hint}")
    server = find_server(settings)
    postgres = server.url
    reachable = None
    if server.is_embedded and not is_running(settings):
        postgres = "not running (headwater postgres start)"
    else:
        try:
            server.connect().close()
            reachable = server
        except HeadwaterError as error:
            postgres = str(error)
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        sources = [_read_source(connection, source.name) for source in find_sources(None)]
        not_found = _read_not_found(connection)
        marts = compare_marts(connection, reachable)
        upgrade = describe_upgrade(connection)
    compared = [mart for mart in marts if not mart.is_left_over]
    pseudonymous = reachable is not None and is_pseudonymous(reachable)
    last = read_last_report(settings)
    return Status(
        warehouse=str(settings.warehouse),
        sources=sources,
        marts=marts,
        postgres=postgres,
        is_postgres_used=not server.is_embedded or (settings.postgres_data / "PG_VERSION").exists(),
        is_postgres_reachable=reachable is not None,
        missing_reader=describe_missing_reader(reachable) if reachable else None,
        is_same=all(mart.is_equal for mart in compared) if reachable and compared and not pseudonymous else None,
        is_pseudonymous=pseudonymous,
        is_to_be_pseudonymous=settings.privacy == PSEUDONYMOUS,
        not_found=not_found,
        last_run_id=last.run_id if last else None,
        last_run_started_at=datetime.fromisoformat(last.started_at) if last else None,
        last_run_seconds=last.seconds if last else None,
        last_run_error=last.failure if last else None,
        upgrade=upgrade,
    )


def print_status(status: Status, console: Console) -> None:
    """The status for a person."""
    console.print(f"Warehouse  {status.warehouse}", soft_wrap=True)
    console.print(f"Postgres   {escape(status.postgres)}", soft_wrap=True)
    if status.upgrade:
        console.print(f"[yellow]Note:[/yellow] {escape(status.upgrade)} `headwater run` does the rest.", soft_wrap=True)
    if status.last_run_id:
        outcome = "[red]failed[/red]" if status.last_run_error else "successful"
        times = f"{status.last_run_started_at:%Y-%m-%d %H:%M:%S} UTC, {status.last_run_seconds:.0f} s"
        console.print(f"Last run   {outcome}: {status.last_run_id} ({times})", highlight=False)
    if status.last_run_error:
        console.print(f"           {escape(status.last_run_error)}", soft_wrap=True, highlight=False)
    sources = Table(title="Sources", title_justify="left")
    sources.add_column("source")
    sources.add_column("last loaded (UTC)")
    sources.add_column("rejected records", justify="right")
    for source in status.sources:
        at = source.last_loaded_at
        sources.add_row(source.name, f"{at:%Y-%m-%d %H:%M:%S}" if at else "never", f"{source.rejected:,}")
    console.print(sources)
    _print_not_found(status.not_found, console)
    marts = Table(title="Marts", title_justify="left")
    marts.add_column("mart")
    marts.add_column("rows in DuckDB", justify="right")
    marts.add_column("rows in Postgres", justify="right")
    marts.add_column("same")
    for mart in status.marts:
        same = {True: "yes", False: "[red]no[/red]", None: "?"}[mart.is_equal]
        if mart.is_left_over or (status.is_pseudonymous and not mart.is_equal):
            same = "–"
        marts.add_row(mart.name, _show_count(mart.duckdb_rows), _show_count(mart.postgres_rows), same)
    console.print(marts)
    for mart in status.marts:
        if mart.is_left_over:
            console.print(
                f"The project no longer has the mart {mart.name}; DuckDB keeps its table until you drop it.",
                highlight=False,
            )
    if status.missing_reader:
        console.print(f"[yellow]Warning:[/yellow] {escape(status.missing_reader)}", soft_wrap=True, highlight=False)
    if status.is_pseudonymous:
        console.print("Postgres was published pseudonymously: it holds groups where DuckDB has people, if it has any.")
    elif status.is_to_be_pseudonymous and status.has_names:
        console.print("[red]Postgres holds marts with names.[/red] `headwater run` replaces them by pseudonymous ones.")
    elif status.is_same is not None:
        console.print(
            "DuckDB and Postgres hold the same marts."
            if status.is_same
            else "[red]DuckDB and Postgres differ.[/red] `headwater run` brings Postgres up to date."
        )


def _print_not_found(missing: Sequence[MissingState], console: Console) -> None:
    if not missing:
        return
    table = Table(title="Not found at the source", title_justify="left")
    for heading in ("source", "identifier", "name", "last looked for (UTC)"):
        table.add_column(heading, overflow="fold")
    for each in missing:
        table.add_row(each.source, escape(each.identifier), escape(each.name or "–"), each.checked_at)
    console.print(table)


def _read_not_found(connection: duckdb.DuckDBPyConnection) -> list[MissingState]:
    return [
        MissingState(source.name, each.identifier, each.name, f"{each.checked_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}")
        for source in find_sources(None)
        for each in source.read_not_found(RawSchema(connection, name_raw_schema(source.name)))
    ]


def _show_count(rows: int | None) -> str:
    return "–" if rows is None else f"{rows:,}"


def _read_source(connection: duckdb.DuckDBPyConnection, name: str) -> SourceState:
    raw = RawSchema(connection, name_raw_schema(name))
    if not raw.has_table("_dlt_loads"):
        return SourceState(name, None, 0)
    sql = f"select max(inserted_at) from {raw.name}._dlt_loads where status = 0"
    (loaded_at,) = connection.execute(sql).fetchone() or (None,)
    return SourceState(name, loaded_at, len(list_open(raw)))

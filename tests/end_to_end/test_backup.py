"""A backup is restored on another machine, whole or not at all, and holds no secret."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from loader.base.errors import HeadwaterError
from loader.runs import backup as backups
from tests.support.publishing import execute
from tests.support.sample import Sample, serve_sample
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace

_TABLES = "select table_schema || '.' || table_name from information_schema.tables order by 1"
_HISTORY = "from snapshots.authors_snapshot order by all"
_PAPERS = "select * from marts.fct_papers order by paper_id, author_id"
_PLANTED = ("planted-key-2b6e", "planted-password-90ac")


@dataclass(frozen=True)
class BackedUp:
    """A workspace, its backup, what the command printed, and what was in both engines then."""

    workspace: Workspace
    path: Path
    printed: str
    tables: list[tuple[object, ...]]
    history: list[tuple[object, ...]]
    papers: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def backed_up(published: Workspace, tmp_path_factory: pytest.TempPathFactory) -> BackedUp:
    published.run_well("headwater", "postgres", "grant", "analyst")
    path = tmp_path_factory.mktemp("backup") / "office.tar.gz"
    # A reader in the middle of a transaction is in nobody's way.
    with published.server.as_reader().connect() as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from marts.fct_papers")
        with serve_sample(published, Sample(published)):
            printed = published.run_well("headwater", "backup", str(path))
    with published.open_duckdb() as connection:
        tables, history = connection.execute(_TABLES).fetchall(), connection.execute(_HISTORY).fetchall()
    return BackedUp(published, path, printed, tables, history, published.query_postgres(_PAPERS))


@pytest.fixture(scope="module")
def machine(backed_up: BackedUp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, str]]:
    """Another machine, on which the backup was restored, and what the command printed."""
    with Workspace(tmp_path_factory.mktemp("other")) as workspace:
        yield workspace, workspace.run_well("headwater", "restore", str(backed_up.path))


@pytest.fixture
def other(backed_up: BackedUp, machine: tuple[Workspace, str]) -> Workspace:
    """The other machine, as it was restored."""
    workspace, _ = machine
    if list_marks(workspace):
        workspace.run_well("headwater", "restore", str(backed_up.path), "--force")
    return workspace


def restore(workspace: Workspace, path: Path, **extra: str) -> str:
    """Restores with --force, which must fail; returns what it printed."""
    finished = workspace.run("headwater", "restore", str(path), "--force", extra=extra)
    assert finished.status == 1, finished.output
    assert "Traceback" not in finished.output
    return finished.output


def read_history(workspace: Workspace) -> list[tuple[object, ...]]:
    with workspace.open_duckdb() as connection:
        return connection.execute(_HISTORY).fetchall()


def mark(workspace: Workspace) -> None:
    """Tells this warehouse and these marts from those of the backup."""
    with duckdb.connect(str(workspace.settings.warehouse)) as connection:
        connection.execute("create schema if not exists of_today; create or replace table of_today.mark as select 1")
    (workspace.settings.state / "dlt" / "mark").touch()
    execute(workspace, "comment on table marts.fct_papers is 'of today'")


def list_marks(workspace: Workspace) -> set[str]:
    """Where the mark still is."""
    with workspace.open_duckdb() as connection:
        found = {"duckdb"} if ("of_today.mark",) in connection.execute(_TABLES).fetchall() else set()
    if (workspace.settings.state / "dlt" / "mark").exists():
        found.add("state")
    if workspace.query_postgres("select obj_description('marts.fct_papers'::regclass)") == [("of today",)]:
        found.add("postgres")
    return found


EVERYWHERE = {"duckdb", "state", "postgres"}


def test_a_backup_is_restored_on_another_machine(
    backed_up: BackedUp, other: Workspace, machine: tuple[Workspace, str]
) -> None:
    assert "marts of Postgres, state and configuration." in backed_up.printed
    assert "Note: analyst could read the marts and is no role here" in machine[1]
    with other.open_duckdb() as connection:
        assert connection.execute(_TABLES).fetchall() == backed_up.tables
    assert read_history(other) == backed_up.history
    assert other.query_postgres(_PAPERS) == backed_up.papers
    with other.server.as_reader().connect() as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from marts.fct_papers")
        assert cursor.fetchone() == (len(backed_up.papers),)
    assert "DuckDB and Postgres hold the same" in other.run_well("headwater", "status")
    with serve_sample(other, Sample(other)):
        ran = other.run_well("headwater", "run")
    assert "0 records new or changed" in ran
    assert "up to date" in ran
    roster = other.settings.state / "configuration" / "roster.csv"
    assert roster.read_text() == Path(Sample(backed_up.workspace).roster).read_text()


def test_what_cannot_be_restored_replaces_nothing(backed_up: BackedUp, other: Workspace, tmp_path: Path) -> None:
    mark(other)
    refused = other.run("headwater", "restore", str(backed_up.path))
    assert (refused.status, "add --force" in refused.output) == (1, True)
    whole = backed_up.path.read_bytes()
    for name, content in {
        "short": whole[: len(whole) // 2],
        "flipped": whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :],
        "other": b"something else",
    }.items():
        damaged = tmp_path / f"{name}.tar.gz"
        damaged.write_bytes(content)
        assert "is no whole backup, and nothing was replaced" in restore(other, damaged)
    with duckdb.connect(str(other.settings.warehouse)):
        assert "is held by process" in restore(other, backed_up.path)
    execute(other, "create view public.mine as select * from marts.dim_topics")
    assert "mine in Postgres would be lost with the marts" in restore(other, backed_up.path)
    execute(other, "drop view public.mine")
    execute(other, "comment on schema marts is 'Published pseudonymously'")
    assert "this backup holds names" in restore(other, backed_up.path)
    execute(other, "comment on schema marts is null")
    # Postgres alone refuses, when the files are in place.
    with other.server.connect() as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from marts.fct_papers")
        assert "held tables of schema marts" in restore(other, backed_up.path)
    assert list_marks(other) == EVERYWHERE
    assert not list(other.settings.data.glob(".restore-*"))


def test_a_restore_that_is_killed_is_given_again(backed_up: BackedUp, other: Workspace) -> None:
    mark(other)
    old = other.settings.warehouse.stat().st_ino
    with other.server.connect() as reader, reader.cursor() as cursor:
        cursor.execute("select count(*) from marts.fct_papers")
        waiting = other.start(
            "headwater", "restore", str(backed_up.path), "--force", extra={"HEADWATER_LOCK_WAIT_SECONDS": "60"}
        )
        assert wait_until(lambda: other.settings.warehouse.stat().st_ino != old, waiting)
        waiting.kill()
    assert list_marks(other) == {"postgres"}
    assert read_history(other) == backed_up.history, "the warehouse is whole"
    other.run_well("headwater", "restore", str(backed_up.path), "--force")
    assert list_marks(other) == set()
    assert other.query_postgres(_PAPERS) == backed_up.papers
    assert not list(other.settings.data.glob(".restore-*")), "what the killed one left is removed"


def test_a_backup_appears_whole_or_not_at_all(backed_up: BackedUp, tmp_path: Path) -> None:
    path = tmp_path / "backup.tar.gz"
    with duckdb.connect(str(backed_up.workspace.settings.warehouse)):
        held = backed_up.workspace.run("headwater", "backup", str(path))
    assert (held.status, "is held by process" in held.output) == (1, True)
    assert not list(tmp_path.iterdir())
    again = backed_up.workspace.run("headwater", "backup", str(backed_up.path))
    assert (again.status, "exists already" in again.output) == (1, True)


def test_a_backup_holds_no_secret_and_a_warehouse_without_marts_has_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, password = _PLANTED
    dlt_folder = tmp_path / ".dlt"
    dlt_folder.mkdir()
    (dlt_folder / "secrets.toml").write_text(f'[sources.openalex]\napi_key = "{key}"\n')
    (dlt_folder / "local.config.toml").write_text(
        f'# {key}\ndomains = ["academic"]\n[sources.openalex]\nroster = "people.csv"\napi_key = "{key}"\n'
        f'base_url = "https://me:{password}@proxy.example/openalex"\n[alerts]\nurls = ["mailtos://me:{password}@example.org"]\n'
        f'[publication]\nprivacy_key = "{key}"\n'
    )
    monkeypatch.setattr(backups, "ROOT", tmp_path)
    workspace.settings.data.mkdir()
    with duckdb.connect(str(workspace.settings.warehouse)) as connection:
        connection.execute("create table one as select 1")
    path, console = tmp_path / "backup.tar.gz", Console(file=StringIO())
    manifest = backups.write_backup(workspace.settings, path, [], console)
    assert (manifest.tables, manifest.marts) == ({"main.one": 1}, None)
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    files = [file for file in (tmp_path / "unpacked").rglob("*") if file.is_file()]
    assert not [file for file in files if any(secret.encode() in file.read_bytes() for secret in _PLANTED)]
    kept = (tmp_path / "unpacked" / "configuration" / "local.config.toml").read_text()
    assert 'roster = "people.csv"' in kept
    assert 'base_url = "https://proxy.example/openalex"' in kept
    workspace.settings.warehouse.unlink()
    backups.restore_backup(workspace.settings, path, console, is_forced=False)
    with workspace.open_duckdb() as connection:
        assert connection.execute("from one").fetchall() == [(1,)]
    # A file that is no warehouse any more can be replaced, too.
    workspace.settings.warehouse.write_bytes(b"damaged")
    backups.restore_backup(workspace.settings, path, console, is_forced=True)
    with workspace.open_duckdb() as connection:
        assert connection.execute("from one").fetchall() == [(1,)]

    monkeypatch.setattr(backups.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(HeadwaterError, match=r"A backup needs about .* and 0 MB are free"):
        backups.write_backup(workspace.settings, tmp_path / "another.tar.gz", [], console)

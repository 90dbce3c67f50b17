"""Backups: the warehouse, its state, the configuration without secrets and the marts of Postgres, as one file."""

import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomlkit
from rich.console import Console

from loader.base.errors import HeadwaterError, TemporaryError
from loader.base.settings import CONFIG, LOCAL_CONFIG, ROOT, Settings
from loader.publish.dump import DumpedMarts, dump_marts, list_missing_readers, refuse_restore, restore_marts
from loader.publish.postgres import Server, ensure_server, may_have_marts
from loader.raw.warehouse import open_warehouse
from loader.runs.archive import CONFIGURATION, MARTS, STATE, WAREHOUSE, Manifest, describe_folder, pack, unpack

_STATE_FOLDERS = ("dlt", "runs")
_SECRET_NAME = re.compile(r"key|password|secret|token|credential|^urls$", re.IGNORECASE)
_USER_IN_ADDRESS = re.compile(r"(?<=://)[^/@\s]+@")
_MEGABYTE = 1_000_000


def name_backup(settings: Settings) -> Path:
    """`data/backups/warehouse-2026-11-28T021003Z.tar.gz`."""
    return settings.data / "backups" / f"{settings.warehouse.stem}-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.tar.gz"


def write_backup(settings: Settings, target: Path, files: Sequence[Path], console: Console) -> Manifest:
    """Writes a backup, checks it, and only then gives it its name. `files` are the user's own that settings name.

    The warehouse is held until all is copied. Raises HeadwaterError if another process holds it, if the target exists,
    or if there is no room.
    """
    if not settings.warehouse.exists():
        raise HeadwaterError(f"There is no warehouse at {settings.warehouse}.")
    if target.exists():
        raise HeadwaterError(f"{target} exists already. Name another file.")
    target.parent.mkdir(parents=True, exist_ok=True)
    # A copy, the archive, and the archive unpacked again.
    _require_room(target.parent, 3 * settings.warehouse.stat().st_size)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as temporary:
        folder = Path(temporary) / "content"
        folder.mkdir()
        created_at = datetime.now(UTC).isoformat(timespec="seconds")
        with (
            open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds) as connection,
            _step("Copying the warehouse", console),
        ):
            connection.execute("checkpoint")
            # By another process: this one would give up DuckDB's lock on the file by closing it.
            subprocess.run(["cp", str(settings.warehouse), str(folder / WAREHOUSE)], check=True)
            _copy_state(settings, folder / STATE)
            marts = _dump(settings, folder / MARTS)
        _copy_configuration(folder / CONFIGURATION, files)
        with _step("Packing and checking", console):
            manifest = describe_folder(folder, marts, created_at)
            partial = Path(temporary) / "partial"
            pack(folder, manifest, partial)
            if unpack(partial, Path(temporary) / "check") != manifest:
                raise HeadwaterError("The backup does not hold what was to be written, and was not kept. Try again.")
        partial.rename(target)
    return manifest


def restore_backup(
    settings: Settings, source: Path, console: Console, *, is_forced: bool
) -> tuple[Manifest, list[str]]:
    """Puts a backup in the place of the warehouse, its state and the marts; returns also what the user should know.

    Everything is checked before anything is replaced, and what is replaced is kept until Postgres has the marts: if
    Postgres refuses, all is as before. Raises HeadwaterError then, if the archive is damaged, and if there is a
    warehouse or marts already and `is_forced` is not set.
    """
    if settings.warehouse.exists() and not is_forced:
        raise HeadwaterError(f"There is a warehouse at {settings.warehouse} already. To replace it, add --force.")
    parent = settings.warehouse.parent
    parent.mkdir(parents=True, exist_ok=True)
    left_over = [path for path in parent.glob(".restore-*") if path.is_dir()]
    with tempfile.TemporaryDirectory(dir=parent, prefix=".restore-") as temporary:
        folder, replaced = Path(temporary) / "content", Path(temporary) / "replaced"
        with _step("Checking the backup", console):
            manifest = unpack(source, folder)
        server = ensure_server() if manifest.marts else None
        if server and manifest.marts:
            refuse_restore(server, manifest.marts, is_forced=is_forced)
        with _hold(settings), _step("Restoring", console):
            _replace(settings, folder, replaced, manifest, server)
    for path in left_over:  # of restores that were killed
        shutil.rmtree(path)
    return manifest, list_missing_readers(server, manifest.marts) if server and manifest.marts else []


def _replace(settings: Settings, folder: Path, replaced: Path, manifest: Manifest, server: Server | None) -> None:
    """Puts the new in place, the warehouse at last and then the marts; puts the old back if anything fails."""
    places = {
        **{folder / STATE / name: settings.state / name for name in (*_STATE_FOLDERS, settings.request_counts.name)},
        folder / CONFIGURATION: settings.state / CONFIGURATION,
    }
    replaced.mkdir()
    settings.state.mkdir(parents=True, exist_ok=True)
    log = settings.warehouse.with_name(f"{settings.warehouse.name}.wal")
    kept = {place: replaced / place.name for place in (*places.values(), log) if place.exists()}
    kept_warehouse = replaced / settings.warehouse.name
    if settings.warehouse.exists():
        kept_warehouse.hardlink_to(settings.warehouse)  # so that there is a warehouse at every moment
    try:
        for place, keeping in kept.items():
            place.rename(keeping)
        for new, place in places.items():
            if new.exists():
                new.rename(place)
        (folder / WAREHOUSE).replace(settings.warehouse)
        if server and manifest.marts:
            restore_marts(server, folder / MARTS, manifest.marts, settings.lock_wait_seconds)
    except BaseException:
        for place in places.values():
            if place.exists():
                place.rename(replaced / f"new-{place.name}")
        for place, keeping in kept.items():
            if keeping.exists():
                keeping.rename(place)
        if kept_warehouse.exists():
            kept_warehouse.replace(settings.warehouse)
        else:
            settings.warehouse.unlink(missing_ok=True)
        raise


@contextmanager
def _hold(settings: Settings) -> Iterator[None]:
    """Keeps others from the warehouse that is replaced, if there is one that can be opened: a damaged one cannot."""
    with ExitStack() as held:
        if settings.warehouse.exists():
            try:
                held.enter_context(open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds))
            except TemporaryError:  # another process has it
                raise
            except HeadwaterError:
                pass
        yield


def _copy_state(settings: Settings, folder: Path) -> None:
    """Dlt's state, the reports of runs and the counts of requests; not what dbt makes again."""
    folder.mkdir()
    for name in _STATE_FOLDERS:
        if (settings.state / name).exists():
            shutil.copytree(settings.state / name, folder / name)
    if settings.request_counts.exists():
        with (
            closing(sqlite3.connect(settings.request_counts)) as counts,
            closing(sqlite3.connect(folder / settings.request_counts.name)) as copy,
        ):
            counts.backup(copy)


def _dump(settings: Settings, target: Path) -> DumpedMarts | None:
    return dump_marts(ensure_server(), target) if may_have_marts(settings) else None


def _copy_configuration(folder: Path, files: Sequence[Path]) -> None:
    """The files of `.dlt` without secrets, and the user's own."""
    folder.mkdir()
    for name in (CONFIG, LOCAL_CONFIG):
        if (path := ROOT / ".dlt" / name).exists():
            written = tomlkit.parse(path.read_text(encoding="utf-8")).unwrap()
            (folder / name).write_text(tomlkit.dumps(_leave_out_secrets(written)), encoding="utf-8")
    for path in files:
        if path.is_file():
            shutil.copyfile(path, folder / path.name)


def _leave_out_secrets(value: Any) -> Any:
    """The same without what has the name of a secret, and without users and passwords in addresses."""
    if isinstance(value, dict):
        return {name: _leave_out_secrets(each) for name, each in value.items() if not _SECRET_NAME.search(name)}
    if isinstance(value, list):
        return [_leave_out_secrets(each) for each in value]
    return _USER_IN_ADDRESS.sub("", value) if isinstance(value, str) else value


def _require_room(folder: Path, size: int) -> None:
    if (free := shutil.disk_usage(folder).free) < size:
        raise HeadwaterError(
            f"A backup needs about {size / _MEGABYTE:,.0f} MB beside {folder}, and {free / _MEGABYTE:,.0f} MB are free."
            " Free some, or name a file on another disk."
        )


@contextmanager
def _step(label: str, console: Console) -> Iterator[None]:
    if not console.is_terminal:
        console.print(f"{label} …")
    with console.status(f"{label} …"):
        yield

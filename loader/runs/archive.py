"""A backup as a file: a `.tar.gz` that begins with a manifest, by which everything in it is checked."""

import gzip
import hashlib
import json
import os
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from loader.base.errors import HeadwaterError
from loader.publish.dump import DumpedMarts

MANIFEST, WAREHOUSE, STATE, CONFIGURATION, MARTS = (
    "manifest.json", "warehouse.duckdb", "state", "configuration", "postgres.dump",
)  # fmt: skip
_FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: the SHA-256 of each file, the rows of each table (`schema.table` in DuckDB), the marts.

    `marts` is None if nothing was ever published. `created_at` is in UTC.
    """

    created_at: str
    files: dict[str, str]
    tables: dict[str, int]
    marts: DumpedMarts | None
    format: int = _FORMAT

    def describe(self) -> str:
        """For a person, without a full stop."""
        marts = f"{len(self.marts.rows)} marts of Postgres" if self.marts else "no marts of Postgres"
        return f"{len(self.tables)} tables with {sum(self.tables.values()):,} rows, {marts}, state and configuration"


def describe_folder(folder: Path, marts: DumpedMarts | None, created_at: str) -> Manifest:
    """The manifest of what is in a folder."""
    files = {str(path.relative_to(folder)): _hash(path) for path in _list_files(folder)}
    return Manifest(created_at, files, _count_rows(folder / WAREHOUSE), marts)


def pack(folder: Path, manifest: Manifest, target: Path) -> None:
    """Writes the manifest and the files that it names to an archive, and waits until the disk has it."""
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2), encoding="utf-8")
    with target.open("wb") as file:
        # Level 3: most of it is compressed already.
        with (
            gzip.GzipFile(fileobj=file, mode="wb", compresslevel=3) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            for name in (MANIFEST, *manifest.files):
                archive.add(folder / name, name)
        file.flush()
        os.fsync(file.fileno())


def unpack(source: Path, folder: Path) -> Manifest:
    """Unpacks an archive and holds every file and table against the manifest.

    Raises HeadwaterError if there is no such file, if anything differs, or if a newer version wrote it.
    """
    if not source.is_file():
        raise HeadwaterError(f"There is no backup at {source}.")
    try:
        with tarfile.open(source, "r:gz") as archive:
            archive.extractall(folder, filter="data")
        manifest = _read_manifest(folder / MANIFEST, source)
        _check(folder, manifest)
    except (tarfile.TarError, zlib.error, gzip.BadGzipFile, EOFError, FileNotFoundError, ValueError, KeyError,
            TypeError, duckdb.Error) as error:  # fmt: skip
        reason = " ".join(str(error).split()).rstrip(".")
        raise HeadwaterError(f"{source} is no whole backup, and nothing was replaced: {reason}.") from error
    return manifest


def _check(folder: Path, manifest: Manifest) -> None:
    """Raises ValueError if the folder holds anything else than the manifest says."""
    found = {str(path.relative_to(folder)): _hash(path) for path in _list_files(folder)}
    found.pop(MANIFEST)
    if differing := sorted({name for name, _ in found.items() ^ manifest.files.items()}):
        raise ValueError(f"{differing[0]} is not as it was written")
    if _count_rows(folder / WAREHOUSE) != manifest.tables:
        raise ValueError("its tables do not hold the rows that they held")


def _read_manifest(path: Path, source: Path) -> Manifest:
    written: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if written["format"] > _FORMAT:
        raise HeadwaterError(f"{source} was written by a newer version of Headwater. Restore it with that version.")
    marts = written.pop("marts")
    return Manifest(**written, marts=DumpedMarts(**marts) if marts else None)


def _count_rows(warehouse: Path) -> dict[str, int]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database() order by all"
        ).fetchall()
        counts = {}
        for schema, table in tables:
            (count,) = connection.execute(f'select count(*) from "{schema}"."{table}"').fetchone() or (0,)
            counts[f"{schema}.{table}"] = int(count)
    return counts


def _list_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

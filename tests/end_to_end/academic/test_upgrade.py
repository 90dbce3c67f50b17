"""A warehouse that the previous version made is loaded, built and published by this one, and keeps its history.

`tests/fixtures/previous_version` is what the version before the latest change of format made of a small sample
(tests/support/export_version.py).
"""

import gzip
import json
import subprocess
from collections.abc import Iterator
from importlib.metadata import version

import duckdb
import pytest

from loader.base.settings import ROOT
from loader.publish import embedded
from loader.raw.warehouse_format import FORMAT
from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace

PREVIOUS = ROOT / "tests" / "fixtures" / "previous_version"
_HISTORY = "select author_id, dbt_valid_from, dbt_valid_to from snapshots.authors_snapshot"


@pytest.fixture(scope="module")
def previous(module_workspace: Workspace) -> Iterator[Workspace]:
    """A workspace with a warehouse and a Postgres of the previous version, and what its source says today."""
    workspace = module_workspace
    workspace.settings.data.mkdir(parents=True)
    with duckdb.connect(str(workspace.settings.warehouse)) as connection:
        connection.execute((PREVIOUS / "warehouse" / "schema.sql").read_text())
        connection.execute((PREVIOUS / "warehouse" / "load.sql").read_text().format(folder=PREVIOUS / "warehouse"))
    workspace.run_well("headwater", "postgres", "start")
    dump = gzip.decompress((PREVIOUS / "postgres.sql.gz").read_bytes())
    psql = [embedded._find_binaries() / "psql", "--quiet", "--set=ON_ERROR_STOP=1", workspace.server.url]
    subprocess.run(psql, input=b"create role headwater_reader login;" + dump, check=True, stdout=subprocess.DEVNULL)
    # Else the second run brings the years of some more coauthors, which is news.
    workspace.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = "0"
    with serve_sample(workspace, Sample(workspace, roster_size=3, work_count=20)):
        yield workspace


def test_it_is_loaded_built_and_published_and_keeps_its_history(previous: Workspace) -> None:
    with previous.open_duckdb() as connection:
        history = set(connection.execute(_HISTORY).fetchall())
        (works,) = connection.execute("select count(*) from raw_openalex.works").fetchone() or (0,)
    assert history
    assert works
    assert "Note: The warehouse is of an older version" in previous.run("headwater", "status").output
    output = previous.run_well("headwater", "run")
    assert "Note: The warehouse is of an older version: settings that you changed in .dlt/config.toml" in output
    with previous.open_duckdb() as connection:
        assert history <= set(connection.execute(_HISTORY).fetchall())
        assert connection.execute("select count(*) from raw_openalex.works").fetchone() == (works,)
        noted = connection.execute("select format, headwater_version from operations.warehouse_format").fetchall()
    assert noted == [(FORMAT, version("headwater"))]
    assert "DuckDB and Postgres hold the same marts." in previous.run_well("headwater", "status")
    again = previous.run_well("headwater", "run")
    assert "older version" not in again
    assert "up to date" in again
    runs = json.loads(previous.run_well("headwater", "runs", "--json"))
    assert [run["outcome"] for run in runs] == ["successful", "successful"]

"""What a kill leaves in dlt's folders in the moments that chance seldom meets (tests/chaos meets the others)."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt
import duckdb
import pytest

from loader.base.console import build_console
from loader.base.settings import Settings, read_settings
from loader.raw.pipelines import pipeline_for
from loader.raw.warehouse import RawSchema, open_warehouse
from loader.runs.runner import prepare_run, run_sources
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources import find_sources
from loader.sources.contract import RunOptions, build_dlt_source
from tests.support.progress import SilentProgress


@contextmanager
def serve(folder: Path, day: int) -> Iterator[Settings]:
    """A warehouse in `folder`, while OpenAlex is at that day."""
    write_roster(folder / "roster.csv", roster_size=8)
    catalogue = generate_catalogue(day=day, roster_size=8, work_count=150)
    with OpenAlexServer(catalogue) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCES__OPENALEX__ROSTER", str(folder / "roster.csv"))
        patch.setenv("SOURCES__OPENALEX__REQUESTS_PER_SECOND", "1000")
        patch.setenv("SOURCES__OPENALEX__COAUTHOR_CREDITS", "0")
        patch.setenv("SOURCES__OPENALEX__BASE_URL", server.url)
        yield read_settings({"HEADWATER_DATA": str(folder / "data")})


@pytest.fixture(scope="module")
def after_first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a warehouse that has loaded day 1, to be copied."""
    with serve(tmp_path_factory.mktemp("first-day"), day=1) as settings:
        load(settings)
    return settings.data


@pytest.fixture
def settings(tmp_path: Path, after_first_day: Path) -> Iterator[Settings]:
    """A warehouse that has loaded day 1; OpenAlex is at day 2."""
    shutil.copytree(after_first_day, tmp_path / "data")
    with serve(tmp_path, day=2) as settings:
        yield settings


def load(settings: Settings) -> None:
    (finished,) = run_sources(find_sources("openalex"), settings, build_console())
    assert finished.error is None


def find_package(settings: Settings, place: str) -> Path:
    (package,) = (settings.state / "dlt" / "pipelines" / "openalex" / place).iterdir()
    return package


def fetch(settings: Settings) -> Path:
    """Extracts and normalises day 2, as a run does that is killed before it loads; returns the package."""
    with open_warehouse(settings.warehouse, wait_seconds=0) as connection:
        pipeline = extract(settings, connection)
        pipeline.normalize()
    return find_package(settings, "load/normalized")


def extract(settings: Settings, connection: duckdb.DuckDBPyConnection) -> dlt.Pipeline:
    """Extracts day 2."""
    pipeline = pipeline_for("openalex", settings, connection)
    (source,) = find_sources("openalex")
    raw, progress = RawSchema(connection, "raw_openalex"), SilentProgress()
    run = prepare_run(source, raw, progress, RunOptions(), settings)
    batch = next(source.plan(run))
    assert "works" in batch.resources
    pipeline.extract(build_dlt_source(source, batch, raw, progress), loader_file_format="parquet")
    return pipeline


def check_each_work_once(settings: Settings) -> None:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        sql = "select count(*) > 100, count(*) - count(distinct id) from raw_openalex.works"
        assert connection.execute(sql).fetchone() == (True, 0)
        sql = "select count(*) - count(distinct (_dlt_load_id, resource)) from raw_openalex.load_counts"
        assert connection.execute(sql).fetchone() == (0,)


@pytest.mark.parametrize("missing", ["load", "load/normalized"])
def test_a_kill_before_dlt_has_made_all_of_its_folders(settings: Settings, missing: str) -> None:
    settings.warehouse.unlink()  # as in a first run
    shutil.rmtree(settings.state)
    with open_warehouse(settings.warehouse, wait_seconds=0) as connection:
        extract(settings, connection)
    folder = settings.state / "dlt" / "pipelines" / "openalex"
    (folder / "load").mkdir(exist_ok=True)
    shutil.rmtree(folder / missing, ignore_errors=True)
    load(settings)
    check_each_work_once(settings)
    assert not list((folder / "normalize" / "extracted").iterdir())


@pytest.mark.parametrize("left", [["schema.json"], ["schema.json", "new_jobs", "load_package_state.json"]])
def test_a_kill_while_dlt_removes_what_it_normalised(settings: Settings, left: list[str]) -> None:
    package = fetch(settings)
    remains = settings.state / "dlt" / "pipelines" / "openalex" / "normalize" / "extracted" / package.name
    shutil.copytree(
        package, remains, ignore=lambda folder, names: set(names) - set(left) if folder == str(package) else set()
    )
    load(settings)
    check_each_work_once(settings)
    assert not remains.exists()


def test_a_kill_between_the_copy_to_staging_and_dlts_note_of_it(settings: Settings) -> None:
    package = fetch(settings)
    # dlt has emptied its staging tables, and begins to fill them.
    (package / "schema_updates.json").rename(package / "applied_schema_updates.json")
    with duckdb.connect(str(settings.warehouse)) as connection:
        for job in (package / "new_jobs").glob("*.parquet"):
            table = f"raw_openalex_staging.{job.name.split('.')[0]}"
            connection.execute(f"truncate {table}")
            connection.execute(f"insert into {table} by name select * from read_parquet('{job}')")
            job.rename(package / "started_jobs" / job.name)
    load(settings)
    check_each_work_once(settings)

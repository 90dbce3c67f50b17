"""What a person adds to a copy of the checkout: the worked example of docs/adding-a-source.md, which works as it
stands, and what `headwater new-source` writes.
"""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest

from loader.base.settings import ROOT
from tests.support.checkout import Checkout
from tests.support.worked_example import add_worked_example, count_lines, serve_stories

# New sources, one of them with the longest names, in a domain that exists.
LONG = "a_name_that_is_as_long_as_it_m"
NEW_SOURCES = [("air_quality", "stations", "weather"), (LONG, "sources", "academic")]
CACHES = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
FOLDERS = [
    *(f"dbt_project/models/{layer}/discussions" for layer in ("staging", "transform", "marts")),
    "dbt_project/models/staging/weather",
]
# Nothing of the domain that is not enabled may be seen anywhere.
ACADEMIC = ("academic", "openalex", "semantic_scholar", "roster", "paper", "author")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with Checkout(tmp_path_factory.mktemp("discussions"), domains=("discussions",)) as made:
        add_worked_example(made.root)
        made.replace(".dlt/config.toml", 'roster = "loader/sources/openalex/example_roster.csv"\n', "")
        before = set(list_files(made.root))
        written: set[str] = set()
        for name, resource, domain in NEW_SOURCES:
            printed = made.run_well("headwater", "new-source", name, resource, "--domain", domain)
            written |= set(printed.partition("\n\nNext:\n")[0].splitlines())
        assert len(LONG) == 30
        assert set(list_files(made.root)) - before == written - {"dbt_project/dbt_project.yml"}
        yield made


@pytest.fixture(scope="module")
def server(checkout: Checkout) -> Iterator[Any]:
    with serve_stories(checkout) as made:
        yield made


@pytest.fixture(scope="module")
def report(checkout: Checkout, server: Any) -> str:
    """What `headwater run` printed."""
    return checkout.run_well("headwater", "run")


def list_files(root: Path) -> dict[str, bytes]:
    """Every file of a copy that is not in a cache."""
    paths = {path: path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for path, name in paths.items() if CACHES.isdisjoint(name.parts)}


def describe(story: dict[str, Any]) -> tuple[object, ...]:
    """The row of fct_stories that a record of the stand-in leads to."""
    site = urlsplit(story["url"]).hostname.removeprefix("www.") if "url" in story else None
    day = datetime.fromtimestamp(story["created_at_i"], UTC).date()
    return (story["objectID"], story["title"], story.get("url"), site, story["points"], story["num_comments"], day)


def mentions(text: str) -> list[str]:
    return [word for word in ACADEMIC if word in text.lower()]


def test_it_takes_no_more_lines_than_the_page_promises() -> None:
    assert 60 <= count_lines("python") <= 120
    assert 30 <= count_lines("sql") <= 60
    assert 40 <= count_lines("yaml", "toml") <= 80


@pytest.mark.usefixtures("report")
def test_what_is_published_is_what_the_api_served(checkout: Checkout, server: Any) -> None:
    expected = sorted(map(describe, server.stories))
    sql = "select story_id, title, url, site_name, point_count, comment_count, posted_date from marts.fct_stories"
    assert sorted(checkout.query_postgres(sql)) == expected
    with checkout.open_duckdb() as connection:
        assert sorted(connection.execute(sql).fetchall()) == expected
    days = {row[0] for row in checkout.query_postgres("select date_day from marts.dim_dates")}
    assert {row[-1] for row in expected} <= days
    keys = "select count(*) from pg_constraint where conrelid = 'marts.fct_stories'::regclass and contype in ('p', 'f')"
    assert checkout.query_postgres(keys) == [(2,)]


def test_a_second_run_finds_no_news_and_a_later_one_publishes_what_changed(
    checkout: Checkout, server: Any, report: str
) -> None:
    checkout.run_well("headwater", "run")  # another test may have built in between
    assert "up to date" in checkout.run_well("headwater", "run")
    story = server.stories[5]
    server.stories[5] = story | {"points": 1_000, "updated_at": "2026-02-03T04:05:06Z"}
    try:
        checkout.run_well("headwater", "run")
        sql = f"select point_count from marts.fct_stories where story_id = '{story['objectID']}'"
        assert checkout.query_postgres(sql) == [(1_000,)]
    finally:
        server.stories[5] = story | {"updated_at": "2026-02-04T04:05:06Z"}
        checkout.run_well("headwater", "run")


def test_the_domain_that_is_not_enabled_leaves_no_trace(checkout: Checkout, report: str) -> None:
    assert mentions(report) == []
    tables = "select string_agg(table_schema || '.' || table_name, ' ') from information_schema.tables"
    ((in_postgres,),) = checkout.query_postgres(
        f"{tables} where table_schema not in ('pg_catalog', 'information_schema')"
    )
    with checkout.open_duckdb() as connection:
        ((in_duckdb,),) = connection.execute(tables).fetchall()
    assert "fct_stories" in in_postgres
    assert (mentions(str(in_postgres)), mentions(in_duckdb)) == ([], [])
    listed = checkout.run_well("dbt", "ls", "--quiet", "--resource-types", "all")
    assert "fct_stories" in listed
    assert mentions(listed) == []
    checkout.run_well("headwater", "docs")
    manifest = json.loads((checkout.settings.find_dbt_artifacts() / "manifest.json").read_text())
    # dbt keeps the tests of disabled models there, disabled.
    nodes = [name for name, node in manifest["nodes"].items() if node["config"]["enabled"]]
    shown = [*nodes, *manifest["sources"], *manifest["exposures"], *manifest["unit_tests"]]
    assert "model.headwater.fct_stories" in shown
    assert mentions(" ".join(shown)) == []
    assert mentions(manifest["docs"]["doc.headwater.__overview__"]["block_contents"]) == []


@pytest.mark.usefixtures("report")
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dlt pipeline hn_search run --dry-run", "hn_search"),
        ("headwater status", "fct_stories"),
        ("dbt build", "Completed successfully"),
        ("dbt source freshness", "Done."),
        ("dbt build --select tag:discussions", "Completed successfully"),
    ],
)
def test_the_commands_of_every_domain_take_this_one(checkout: Checkout, command: str, expected: str) -> None:
    printed = checkout.run_well(*command.split())
    assert expected in printed
    assert mentions(printed) == []


def test_what_was_added_passes_the_conventions_and_its_own_tests(checkout: Checkout) -> None:
    # As .dlt/config.toml names them by now.
    enabled = {"HEADWATER_DOMAINS": "academic,discussions,weather"}
    sources = ["hn_search", *(name for name, _, _ in NEW_SOURCES)]
    tests = [f"tests/loader/sources/test_{name}.py" for name in sources]
    finished = checkout.run_pytest("tests/project", *tests, extra=enabled)
    assert finished.status == 0, finished.output


@pytest.mark.parametrize(
    "command",
    ["ruff check .", "ruff format --check .", "mypy", f"sqlfluff lint --disable-progress-bar {' '.join(FOLDERS)}"],
)
def test_what_was_added_passes_the_linters(checkout: Checkout, command: str) -> None:
    cache = ROOT / ".mypy_cache"
    if command == "mypy" and cache.exists():  # else it checks every library first
        shutil.copytree(cache, checkout.root / cache.name)
    checkout.run_well(*command.split())


def test_what_new_source_writes_can_be_loaded_and_built(checkout: Checkout) -> None:
    weather = {"HEADWATER_DOMAINS": "weather", "HEADWATER_WAREHOUSE": "weather.duckdb"}
    with checkout.serve_stand_in("air_quality"):
        loaded = checkout.run("dlt", "pipeline", "air_quality", "run", extra=weather)
        assert loaded.status == 0, loaded.output
        assert "250" in loaded.output
        built = checkout.run("dbt", "build", "--select", "tag:weather", extra=weather)
    assert built.status == 0, built.output
    assert "Completed successfully" in built.output
    with duckdb.connect(str(checkout.settings.data / "weather.duckdb"), read_only=True) as connection:
        counted = connection.execute("select count(*), count(title) from staging.stg_air_quality__stations")
        assert counted.fetchall() == [(250, 250)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("air_quality stations --domain weather", "loader/sources/air_quality.py exists already. Nothing was written."),
        ("openalex works --domain academic", "loader/sources/openalex exists already. Nothing was written."),
        ("settings works --domain academic", "loader/sources/settings.py exists already. Nothing was written."),
        ("AirQuality stations --domain weather", "'AirQuality' cannot name a source"),
        ("../escape stations --domain weather", "'../escape' cannot name a source"),
        ("air__quality stations --domain weather", "'air__quality' cannot name a source"),
        (f"{LONG}x stations --domain weather", "cannot name a source"),
        ("noise class --domain weather", "'class' cannot name a resource"),
        ("noise levels --domain shared", "'shared' cannot name a domain"),
        ("noise levels --domain no", "'no' cannot name a domain"),
        ("noise levels", "Name the domain: --domain NAME. Enabled are: academic, weather."),
    ],
)
def test_a_name_that_cannot_be_used_is_one_line_and_writes_nothing(
    checkout: Checkout, arguments: str, error: str
) -> None:
    before = list_files(checkout.root)
    enabled = {"HEADWATER_DOMAINS": "academic,weather"}
    finished = checkout.run("headwater", "new-source", *arguments.split(), extra=enabled)
    assert finished.status == 1
    assert finished.output.startswith("Error: ")
    assert error in finished.output
    assert len(finished.output.splitlines()) == 1
    assert list_files(checkout.root) == before

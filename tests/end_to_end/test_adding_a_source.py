"""The worked example of docs/adding-a-source.md in a copy of the checkout: what the page says works as it stands."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.checkout import Checkout
from tests.support.worked_example import add_worked_example, count_lines, serve_stories

FOLDERS = [f"dbt_project/models/{layer}/discussions" for layer in ("staging", "transform", "marts")]
# Nothing of the domain that is not enabled may be seen anywhere.
ACADEMIC = ("academic", "openalex", "semantic_scholar", "roster", "paper", "author")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with Checkout(tmp_path_factory.mktemp("discussions"), domains=("discussions",)) as made:
        add_worked_example(made.root)
        made.replace(".dlt/config.toml", 'roster = "loader/sources/openalex/example_roster.csv"\n', "")
        yield made


@pytest.fixture(scope="module")
def server(checkout: Checkout) -> Iterator[Any]:
    with serve_stories(checkout) as made:
        yield made


@pytest.fixture(scope="module")
def report(checkout: Checkout, server: Any) -> str:
    """What `headwater run` printed."""
    return checkout.run_well("headwater", "run")


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


def test_its_own_test_and_the_conventions_pass(checkout: Checkout) -> None:
    # As .dlt/config.toml names them by now.
    both = {"HEADWATER_DOMAINS": "academic,discussions"}
    finished = checkout.run_pytest("tests/loader/sources/test_hn_search.py", "tests/project", extra=both)
    assert finished.status == 0, finished.output


@pytest.mark.parametrize(
    "command",
    ["ruff check .", "ruff format --check .", "mypy", f"sqlfluff lint --disable-progress-bar {' '.join(FOLDERS)}"],
)
def test_it_passes_the_linters(checkout: Checkout, command: str) -> None:
    checkout.run_well(*command.split())

"""Domains are loaded, built and published apart: what fails or has no news leaves the others alone."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import duckdb

from tests.support.checkout import Checkout
from tests.support.publishing import execute

FORUMS, DISCUSSIONS = "fct_threads", "fct_stories"


def find_table(checkout: Checkout, mart: str) -> object:
    """What tells a published version of a mart from the next: its oid."""
    ((oid,),) = checkout.query_postgres(f"select 'marts.{mart}'::regclass::oid")
    return oid


def list_days_keys(checkout: Checkout) -> dict[object, object]:
    """How many valid foreign keys each mart has to dim_dates as readers see it."""
    return dict(
        checkout.query_postgres(
            "select conrelid::regclass::text, count(*) from pg_constraint"
            " where confrelid = 'marts.dim_dates'::regclass and convalidated"
            " and connamespace = 'marts'::regnamespace group by 1"
        )
    )


def read_states(output: str) -> dict[str, str]:
    """The state of each domain in a run's report."""
    rows = [line.strip("│ ").split("│") for line in output.splitlines() if line.startswith("│")]
    states = {"published", "up to date", "held back"}
    return {row[0].strip(): row[1].strip() for row in rows if len(row) == 2 and row[1].strip() in states}


@contextmanager
def changed(checkout: Checkout, sql: str, undo: str) -> Iterator[None]:
    """Changes raw by hand, and back."""
    path = str(checkout.settings.warehouse)
    with duckdb.connect(path) as connection:
        connection.execute(sql)
    try:
        yield
    finally:
        with duckdb.connect(path) as connection:
            connection.execute(undo)


def break_ledger(source: str) -> tuple[str, str]:
    """Statements that let the test of a source's raw tables fail, and pass again."""
    table = f"raw_{source}.load_counts"
    # of the first load: a run that comes meanwhile adds its own
    row = f"where _dlt_load_id = (select min(_dlt_load_id) from {table})"
    return (
        f"update {table} set extracted_count = extracted_count + 1 {row}",
        f"update {table} set extracted_count = extracted_count - 1 {row}",
    )


def test_news_in_one_domain_build_and_publish_that_one_alone(academic_and_stories: tuple[Checkout, Any]) -> None:
    checkout, stories = academic_and_stories
    before = find_table(checkout, "fct_papers"), find_table(checkout, "dim_dates")
    keys = list_days_keys(checkout)
    in_1999 = int(datetime(1999, 5, 1, tzinfo=UTC).timestamp())
    stories.stories.append({**stories.stories[0], "objectID": "1", "created_at_i": in_1999})
    output = checkout.run_well("headwater", "run")
    assert read_states(output) == {"academic": "up to date", "discussions": "published"}
    assert "raw_hn_search.stories changed" in output
    # The marts of the other domain and the calendar that they refer to stay, and the calendar has the new days.
    assert (find_table(checkout, "fct_papers"), find_table(checkout, "dim_dates")) == before
    assert list_days_keys(checkout) == keys
    assert checkout.query_postgres("select count(*) from marts.dim_dates where year_number = 1999") == [(365,)]
    assert checkout.query_postgres(
        "select count(*) from marts.fct_stories join marts.dim_dates on posted_date = date_day where year_number = 1999"
    ) == [(1,)]


def test_unit_tests_run_until_they_pass_with_the_code_as_it_is(two_domains: Checkout) -> None:
    def count_tests() -> int:
        run = ("headwater", "run", "--domain", "discussions", "--force")
        finished = two_domains.run(*run, extra={"DBT_EXCLUDE_RESOURCE_TYPES": ""})
        assert finished.status == 0, finished.output
        return int(re.findall(r"(\d+) tests passed in DuckDB", finished.output)[0])

    with_unit_tests, without = count_tests(), count_tests()
    assert with_unit_tests - without == 2  # those of int_dates
    path = two_domains.root / "dbt_project" / "models" / "staging" / "discussions" / "hn_search"
    model = path / "stg_hn_search__stories.sql"
    model.write_text(model.read_text() + "-- changed\n")
    assert count_tests() == with_unit_tests


def test_a_test_that_fails_holds_back_its_own_domain(two_domains: Checkout) -> None:
    marts = {"forums": FORUMS, "discussions": DISCUSSIONS}
    keys = list_days_keys(two_domains)
    # Either is held back once, while the other is published.
    for failing, well, source in (("forums", "discussions", "forum_search"), ("discussions", "forums", "hn_search")):
        before = {domain: find_table(two_domains, mart) for domain, mart in marts.items()}
        with changed(two_domains, *break_ledger(source)):
            finished = two_domains.run("headwater", "run", "--force")
        assert finished.status == 1
        assert read_states(finished.output) == {failing: "held back", well: "published"}
        assert f"Error: {failing} is held back: " in finished.output
        assert "Postgres still serves the previous marts of what is held back." in finished.output
        assert "Change what the error names, then run the same command again." in finished.output
        assert f"source_expect_sound_documents_{source}_" in finished.output
        assert find_table(two_domains, marts[failing]) == before[failing]
        assert find_table(two_domains, marts[well]) != before[well]
        assert list_days_keys(two_domains) == keys
    # So it is with dbt's own commands: the handoff takes what is successful, and says what is not.
    handed_off = two_domains.run("dbt", "run-operation", "handoff")
    assert handed_off.status == 1
    assert "of forums to Postgres" in handed_off.output
    assert "discussions was not handed off" in handed_off.output

    assert read_states(two_domains.run_well("headwater", "run")) == {
        "forums": "up to date",
        "discussions": "published",
    }
    assert "DuckDB and Postgres hold the same marts." in two_domains.run_well("headwater", "status")


def test_a_source_that_fails_holds_back_its_own_domain(two_domains: Checkout) -> None:
    before = find_table(two_domains, FORUMS), find_table(two_domains, DISCUSSIONS)
    # A required setting that is wrong: nothing is requested.
    wrong = {"SOURCES__HN_SEARCH__REQUESTS_PER_SECOND": "0"}
    finished = two_domains.run("headwater", "run", "--force", extra=wrong)
    assert finished.status == 1
    assert read_states(finished.output) == {"forums": "published", "discussions": "held back"}
    assert "Error: discussions is held back: hn_search: sources.hn_search.requests_per_second is 0" in finished.output
    assert find_table(two_domains, FORUMS) != before[0]
    assert find_table(two_domains, DISCUSSIONS) == before[1]
    assert "held back" not in two_domains.run_well("headwater", "run", "--domain", "discussions")


def test_a_mart_that_fails_in_postgres_holds_back_its_own_domain(two_domains: Checkout) -> None:
    two_domains.run_well("dbt", "run-operation", "handoff")
    execute(two_domains, "update transform.int_stories_dated set story_id = 'the same'")
    before = find_table(two_domains, FORUMS), find_table(two_domains, DISCUSSIONS)
    finished = two_domains.run("dbt", "build", "--target", "postgres")
    assert finished.status == 1
    assert "Published 2 marts of forums." in finished.output
    (report,) = json.loads(two_domains.run_well("headwater", "runs", "--json", "--limit", "1"))
    assert (report["kind"], report["outcome"]) == ("publish", "failed")
    assert "models or tests failed, first " in report["failure"]
    assert "models or tests of discussions did not pass. Readers still see its previous marts" in finished.output
    assert find_table(two_domains, FORUMS) != before[0]
    assert find_table(two_domains, DISCUSSIONS) == before[1]
    assert set(list_days_keys(two_domains)) >= {"marts.fct_threads", "marts.fct_stories"}

    # One domain by its tag, from handoff to publication.
    two_domains.run_well("dbt", "run-operation", "handoff", "--args", "{domain: discussions}")
    output = two_domains.run_well("dbt", "build", "--target", "postgres", "--select", "tag:discussions")
    assert "Published 2 marts of discussions." in output
    assert find_table(two_domains, DISCUSSIONS) != before[1]


def test_marts_of_a_domain_that_is_disabled_stay_published(two_domains: Checkout) -> None:
    forums_alone = {"HEADWATER_DOMAINS": "forums"}
    before = find_table(two_domains, FORUMS), find_table(two_domains, DISCUSSIONS)
    keys = list_days_keys(two_domains)
    published = two_domains.run("headwater", "run", "--force", extra=forums_alone)
    assert published.status == 0, published.output
    assert read_states(published.output) == {"forums": "published"}
    assert "hn_search" not in published.output
    assert find_table(two_domains, FORUMS) != before[0]
    assert find_table(two_domains, DISCUSSIONS) == before[1]
    assert list_days_keys(two_domains) == keys
    unknown = two_domains.run("headwater", "run", "--domain", "discussions", extra=forums_alone)
    assert unknown.status == 1
    assert "The domain 'discussions' is not enabled. Enabled are: forums" in unknown.output
    assert "still serves" not in unknown.output


def test_a_domain_that_was_never_loaded_is_named_and_the_other_is_built(two_domains: Checkout) -> None:
    fresh = {"HEADWATER_WAREHOUSE": "fresh.duckdb", "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test"}
    nothing = two_domains.run("dbt", "build", extra=fresh)
    assert nothing.status != 0
    assert "Nothing was built: " in nothing.output
    loaded = two_domains.run("dlt", "pipeline", "hn_search", "run", extra=fresh)
    assert loaded.status == 0, loaded.output
    built = two_domains.run("dbt", "build", extra=fresh)
    assert built.status == 1
    assert (
        "forums cannot be built: forum_search is not loaded yet. Run `dlt pipeline forum_search run` first."
        in built.output
    )
    with duckdb.connect(str(two_domains.settings.data / "fresh.duckdb"), read_only=True) as connection:
        assert connection.execute("select domain from operations.domain_builds").fetchall() == [("discussions",)]

"""One work dated 2035 and an unfinished year: no answer breaks on them, and the work is kept, marked and counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from loader.publish.dbt import run_dbt
from loader.publish.outcomes import describe_warnings
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.demo import ANSWERS
from loader.samples.openalex.server import OpenAlexServer
from tests.support.answers import read_exposures, read_sql
from tests.support.answers_truth import AnswersTruth
from tests.support.sample import Sample
from tests.support.truth import KEPT_TYPES, AcademicTruth, list_authors
from tests.support.workspace import Workspace

FUTURE = "https://openalex.org/W7999999999"
UNFINISHED = "https://openalex.org/W7999999998"
WARNING = "assert_no_work_is_dated_after_the_load"
RECOUNTS = (
    "assert_author_years_have_no_gap", "assert_author_years_agree_with_papers",
    "assert_h_index_to_date_ends_at_that_of_the_papers", "assert_coauthorships_recount_from_their_papers",
    "assert_coauthorship_papers_are_kept", "assert_nobody_publishes_before_the_first_year",
)  # fmt: skip


@dataclass(frozen=True)
class Loaded:
    """A sample with both works, loaded and built, and what the build printed."""

    workspace: Workspace
    truth: AcademicTruth
    answers: AnswersTruth
    built: str


@pytest.fixture(scope="module")
def loaded(published: Workspace) -> Loaded:
    sample = Sample(published)
    today = datetime.now(UTC).date()
    works = sample.catalogue.works + list(write_works(sample, today))
    catalogue = Catalogue.from_works(works)
    # first years are not given
    members = sorted(sample.author_ids)
    departments = {author: f"Department {place % 3}" for place, author in enumerate(members)}
    memberships = {author: [(name, "", "")] for author, name in departments.items()}
    # One has moved, and with two periods the department of today is the second.
    moved = members[0]
    last_day, first_day = f"{today.year - 3}-06-30", f"{today.year - 3}-07-01"
    memberships[moved] = [("Department 9", "", last_day), (departments[moved], first_day, "")]
    lines = [
        "openalex_id,department,member_from,member_until",
        *(",".join((author, *period)) for author, periods in memberships.items() for period in periods),
    ]
    with OpenAlexServer(catalogue) as server:
        published.serve(server.url, published.write_roster(*lines))
        published.run_well("dlt", "pipeline", "openalex", "run")
    printed = published.run_well(
        "dbt", "--no-use-colors", "build", "--exclude-resource-type", "unit_test", "--indirect-selection", "empty",
        "--select", "resource_type:model", "resource_type:seed", "resource_type:snapshot", WARNING, *RECOUNTS,
    )  # fmt: skip
    of_roster = [work for work in works if list_authors(work) & set(members)]
    eligible = [
        work
        for work in of_roster
        if work["doi"] and work["title"] and work["publication_date"] and work["type"] in KEPT_TYPES
    ]
    with published.open_duckdb() as connection:
        names = dict(connection.execute("select author_id, author_name from marts.dim_authors").fetchall())
        years: dict[str, set[int]] = {}
        for author, year in connection.execute(
            "select id, cast(unnest(document -> '$.answer.group_by[*].key') as integer)"
            " from raw_openalex.coauthor_years"
        ).fetchall():
            years.setdefault(author, set()).add(year)
    truth = AcademicTruth(of_roster, eligible, set(members), years, today)
    countries = {record["id"]: record["country_code"] for record in catalogue.institutions}
    return Loaded(published, truth, AnswersTruth(truth, today, names, departments, memberships, countries), printed)


def write_works(sample: Sample, today: date) -> Iterator[dict[str, Any]]:
    """Two works of roster authors: one dated 2035, and one of the first day of this year."""
    copied = [work for work in sample.roster_works.values() if work["doi"] and work["title"]][:2]
    later = f"{today.year + 1}-01-01T00:00:00"
    for work, key, day in zip(copied, (FUTURE, UNFINISHED), ("2035-06-01", f"{today.year}-01-01"), strict=True):
        own = {"id": key, "doi": f"https://doi.org/10.5555/{key[-4:]}", "title": f"Dated {day}", "type": "article"}
        yield {**work, **own, "publication_year": int(day[:4]), "publication_date": day, "updated_date": later}


@pytest.mark.parametrize("name", list(read_exposures()))
def test_every_answer_is_that_of_plain_python(loaded: Loaded, name: str) -> None:
    with loaded.workspace.open_duckdb() as connection:
        rows = connection.execute(read_sql(name)).fetchall()
    expected = loaded.answers.answer(name)
    assert len(rows) == len(expected) > 1
    for found, wanted in zip(rows, expected, strict=True):
        # Answers are rounded to a tenth.
        assert [float(value) if isinstance(value, Decimal) else value for value in found] == [
            pytest.approx(value, abs=0.051) if isinstance(value, float) else value for value in wanted
        ]


def test_the_work_is_kept_marked_and_counted_by_a_warning(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"Warning in test {WARNING}" in loaded.built
    settings = loaded.workspace.settings
    for name, value in loaded.workspace.environment.items():
        monkeypatch.setenv(name, value)
    run = run_dbt(["test", "--select", WARNING], settings, Console(file=StringIO()), "Testing")
    # what `headwater run` prints
    assert describe_warnings(run.results) == [f"The test {WARNING} warns: Got 1 result, configured to warn if != 0."]
    with loaded.workspace.open_duckdb() as connection:
        marked = connection.execute(
            "select distinct paper_id, is_future_dated from marts.fct_papers"
            " where paper_id in (?, ?) or is_future_dated",
            [FUTURE, UNFINISHED],
        ).fetchall()
    assert set(marked) == {(FUTURE, True), (UNFINISHED, False)}


def test_careers_last_years_and_coauthors_are_those_of_plain_python(loaded: Loaded) -> None:
    with loaded.workspace.open_duckdb() as connection:
        years = connection.execute(
            "select author_id, publication_year, paper_count, h_index_to_date from marts.fct_author_years"
        ).fetchall()
        authors = connection.execute("select author_id, last_publication_year from marts.dim_authors").fetchall()
        shared = connection.execute("from marts.bridge_coauthorship_papers").fetchall()
        institutions = connection.execute(
            "select author_id, last_known_institution_id from marts.dim_authors"
            " where last_institution_source = 'newest_work'"
        ).fetchall()
    assert set(years) == {(row[0], row[1], row[3], row[14]) for row in loaded.truth.list_author_years()}
    assert 2035 in {year for _, year, *_ in years}
    assert dict(authors) == {row[0]: row[3] for row in loaded.truth.list_authors()}
    assert set(shared) == set(loaded.truth.list_coauthorship_papers())
    newest = loaded.truth.find_newest_institutions()
    assert len(institutions) > 100
    assert all(newest[author] == institution for author, institution in institutions)


def test_the_answers_of_the_demo_speak_of_finished_years(loaded: Loaded) -> None:
    finished = loaded.answers.last_finished_year
    answers = []
    with loaded.workspace.open_duckdb() as connection:
        for _, sql in ANSWERS:
            result = connection.execute(sql)
            columns = [column[0] for column in result.description or ()]
            answers.append([dict(zip(columns, row, strict=True)) for row in result.fetchall()])
        papers = dict(
            connection.execute(
                "select department, count(distinct paper_id) from marts.fct_papers inner join marts.dim_authors"
                f" using (author_id) where publication_year between 2015 and {finished} group by department"
            ).fetchall()
        )
    strongest, departments, careers = answers
    assert strongest
    assert careers
    assert all(finished - 4 <= row["since"] <= finished for row in strongest)
    assert {row["department"]: row["papers"] for row in departments} == papers
    assert {"mean_fwci", "mean_percentile_in_field"} <= departments[0].keys()

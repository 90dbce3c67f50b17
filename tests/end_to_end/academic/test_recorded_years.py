"""Works recorded in 2024, 2025 and 2026, and other entities since 2023, load and build side by side."""

from collections import Counter
from typing import Any

import orjson
import pytest

from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex import SOURCE
from tests.support.recorded import needs_recorded_pages
from tests.support.recorded_years import Record, RecordedYears
from tests.support.truth import list_authors
from tests.support.workspace import Workspace

pytestmark = needs_recorded_pages

# Of the thousands of works recorded in 2024, so many; of the later years all.
_WORKS_OF_2024 = 150


@pytest.fixture(scope="module")
def years() -> RecordedYears:
    return RecordedYears()


@pytest.fixture(scope="module")
def records(years: RecordedYears) -> list[Record]:
    return [*years.works[2024][:_WORKS_OF_2024], *years.works[2025], *years.works[2026]]


@pytest.fixture(scope="module")
def roster(records: list[Record], years: RecordedYears) -> set[str]:
    """An author of every work that has any, and whose own record was recorded."""
    return {min(authors) for work in records if (authors := _list_named(work))} | {
        author["id"] for author in years.others["authors"]
    }


@pytest.fixture(scope="module")
def built(module_workspace: Workspace, years: RecordedYears, records: list[Record], roster: set[str]) -> Workspace:
    """The warehouse after a load and a build of staging, where years may differ, with its tests."""
    with OpenAlexServer(years.build_catalogue(records)) as server:
        module_workspace.serve(server.url, module_workspace.write_roster("openalex_id", *sorted(roster)))
        module_workspace.run_well("dlt", "pipeline", "openalex", "run")
    module_workspace.run_well(
        "dbt", "build", "--select", "path:models/staging/academic/openalex", "--indirect-selection", "cautious"
    )
    return module_workspace


def test_no_record_of_any_year_is_rejected(years: RecordedYears) -> None:
    recorded = {f"works of {year}": ("works", works) for year, works in years.works.items()}
    recorded |= {entity: (entity, records) for entity, records in years.others.items()}
    assert {name: len(records) for name, (_, records) in recorded.items()} == {
        "works of 2024": 5600,
        "works of 2025": 118,
        "works of 2026": 250,
        "authors": 80,
        "institutions": 781,
        "topics": 1,
    }
    for entity, records in recorded.values():
        for record in records:
            assert SOURCE.models[entity].read(orjson.dumps(record)).key == record["id"]


def test_the_works_of_all_years_stand_side_by_side_each_in_its_newest_version(
    built: Workspace, records: list[Record]
) -> None:
    expected = {key: work["updated_date"] for key, work in _pick_newest(records).items()}
    assert Counter(date[:4] for date in expected.values()) == {"2024": 151, "2025": 178, "2026": 117}
    with built.open_duckdb() as connection:
        found = connection.execute("select id, document ->> '$.updated_date' from raw_openalex.works").fetchall()
        rejects = connection.execute("select resource, reason from raw_openalex.rejected_records").fetchall()
        rejected = connection.execute("select sum(rejected_count) from raw_openalex.load_counts").fetchall()
    assert dict(found) == expected
    assert (rejects, rejected) == ([], [(0,)])


def test_staging_reads_the_same_of_every_year(built: Workspace, records: list[Record]) -> None:
    newest = _pick_newest(records)
    with built.open_duckdb() as connection:
        rows = connection.execute(
            "select work_id, title, work_type, language, publication_year, cited_by_count, is_open_access,"
            " journal_name, source_type, primary_topic_id, referenced_works_count, abstract is not null"
            " from staging.stg_openalex__works"
        ).fetchall()
        authorships = connection.execute("select count(*) from staging.stg_openalex__authorships").fetchall()
    assert {row[0]: row[1:] for row in rows} == {key: _describe(work) for key, work in newest.items()}
    assert authorships == [(sum(len(work["authorships"]) for work in newest.values()),)]


def test_an_author_recorded_in_2023_stands_beside_later_ones(built: Workspace) -> None:
    with built.open_duckdb() as connection:
        found = connection.execute("select distinct year(updated_at) from staging.stg_openalex__authors").fetchall()
    assert {(2023,), (2025,)} <= set(found)


def _list_named(work: Record) -> set[str]:
    return list_authors(work) - {None}


def _pick_newest(records: list[Record]) -> dict[str, Record]:
    """The works that name an author; of the copies of one the newest, and of equally new ones the first."""
    newest: dict[str, Record] = {}
    for work in records:
        known = newest.get(work["id"])
        if _list_named(work) and (known is None or work["updated_date"] > known["updated_date"]):
            newest[work["id"]] = work
    return newest


def _describe(work: Record) -> tuple[Any, ...]:
    source = (work["primary_location"] or {}).get("source") or {}
    return (
        work["title"],
        work["type"],
        work["language"],
        work["publication_year"],
        work["cited_by_count"],
        work["open_access"]["is_oa"],
        source.get("display_name"),
        source.get("type"),
        (work["primary_topic"] or {}).get("id"),
        work["referenced_works_count"],
        bool(work["abstract_inverted_index"]),
    )

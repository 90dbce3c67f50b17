"""Taxi trips from sample files to both engines: held against plain Python, on two days."""

import os
import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loader.publish.postgres import find_server
from loader.samples.taxi.files import generate_files
from loader.samples.taxi.server import TaxiServer
from tests.support.answers import Answer, ask_all, find_page, read_exposures, read_sql, render_page
from tests.support.taxi_truth import TaxiTruth, read_truth
from tests.support.workspace import BUILD_WITHOUT_TESTS, Workspace

TRIPS = (
    "select pickup_zone_id, dropoff_zone_id, colour, pickup_time, dropoff_time, passenger_count, distance_miles,"
    " fare_amount, tip_amount, total_amount from marts.fct_trips"
)
HOURS = (
    "select pickup_zone_id, hour_start, trip_count, passenger_count, revenue_amount,"
    " round(cast(median_fare_amount as numeric), 2), round(cast(median_duration_minutes as numeric), 3)"
    " from marts.fct_zone_hours"
)
QUALITY = "select file_name, reason, trip_count from marts.fct_trip_quality where trip_count > 0"
YEARS = "select relation_name, year_number from operations.years_in_use"
KEYS = "select cast(trip_key as varchar) from marts.fct_trips"
BAD = {
    "yellow_tripdata_2023-03.parquet": "Parquet",
    "yellow_tripdata_2023-04.parquet": "has columns that are not known: driver_mood, weather",
}
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Days:
    """What both days brought: the truth, DuckDB's rows by query, and Postgres's and its answers of the first day."""

    workspace: Workspace
    truths: tuple[TaxiTruth, TaxiTruth]
    duckdb: tuple[dict[str, Rows], dict[str, Rows]]
    postgres: dict[str, Rows]
    answers: dict[str, Answer]
    printed: tuple[str, str, str]


@pytest.fixture(scope="module")
def days(module_workspace: Workspace) -> Days:
    workspace = module_workspace
    workspace.environment["HEADWATER_DOMAINS"] = "taxi"
    queries = [TRIPS, HOURS, QUALITY, KEYS, YEARS, "select file_name, _dlt_load_id from raw_taxi.trips"]
    queries += [f"select {name} from marts.fct_trip_files" for name in ("file_name, status, reason",)]
    queries += [read_sql(name, "taxi") for name in read_exposures("taxi")]

    def read_duckdb() -> dict[str, Rows]:
        with workspace.open_duckdb() as connection:
            return {query: connection.execute(query).fetchall() for query in queries}

    with TaxiServer(generate_files(1)) as server:
        workspace.environment |= {
            "SOURCES__TAXI__FILES": server.addresses,
            "SOURCES__TAXI__ZONES": server.zones_address,
        }
        first = workspace.run_well("headwater", "run")
        status = workspace.run_well("headwater", "status")
        before = read_duckdb()
        with closing(find_server(workspace.settings, {}).as_reader().connect()) as connection:
            answers = ask_all(connection, "taxi")
        postgres = {query: workspace.query_postgres(query) for query in (TRIPS, HOURS, QUALITY)}
        server.files = generate_files(2)
        workspace.environment["SOURCES__TAXI__FILES"] = server.addresses
        second = workspace.run_well("dlt", "pipeline", "taxi", "run")
        workspace.run_well(*BUILD_WITHOUT_TESTS)
        after = read_duckdb()
    truths = read_truth(generate_files(1)), read_truth(generate_files(2))
    return Days(workspace, truths, (before, after), postgres, answers, (first, status, second))


def list_trips(truth: TaxiTruth) -> Counter[tuple[Any, ...]]:
    names = ("from", "to", "colour", "pickup", "dropoff", "passengers", "miles", "fare", "tip", "total")
    return Counter(tuple(trip[name] for name in names) for trip in truth.kept)


@pytest.mark.parametrize("day", [0, 1])
def test_trips_are_those_that_plain_python_keeps(days: Days, day: int) -> None:
    expected = list_trips(days.truths[day])
    assert Counter(days.duckdb[day][TRIPS]) == expected
    assert sum(row[7] for row in days.duckdb[day][TRIPS]) == sum(trip["fare"] for trip in days.truths[day].kept)


@pytest.mark.parametrize("day", [0, 1])
def test_every_other_trip_is_counted_by_its_file_and_reason(days: Days, day: int) -> None:
    counted = {(name, reason): count for name, reason, count in days.duckdb[day][QUALITY]}
    assert counted == dict(days.truths[day].count_reasons())
    assert {reason for _, reason in counted} == {
        "copied", "voided", "dropped_off_before_pickup", "outside_month", "longer_than_24_hours",
        "faster_than_100_mph", "zero_distance", "unknown_zone", "negative_fare", "wrong_total",
    }  # fmt: skip
    # Some are copies of trips in a file of another format.
    assert counted["yellow_tripdata_2017-06_again.parquet", "copied"] == 25


@pytest.mark.parametrize("day", [0, 1])
def test_zone_hours_are_those_of_plain_python(days: Days, day: int) -> None:
    found = {tuple(map(str, row[:5])): row[5:] for row in days.duckdb[day][HOURS]}
    expected = {tuple(map(str, row[:5])): row[5:] for row in days.truths[day].list_zone_hours()}
    assert found.keys() == expected.keys()
    for key, medians in expected.items():
        # Half a cent is rounded up or down.
        assert [float(value) for value in found[key]] == pytest.approx(medians, abs=0.0051)


def test_readers_of_postgres_have_the_same(days: Days) -> None:
    assert Counter(days.postgres[TRIPS]) == list_trips(days.truths[0])
    assert Counter(days.postgres[QUALITY]) == Counter(days.duckdb[0][QUALITY])
    assert len(days.postgres[HOURS]) == len(days.duckdb[0][HOURS])
    assert "DuckDB and Postgres hold the same marts." in days.printed[1]


def test_a_bad_file_is_rejected_with_its_reason_and_the_others_are_loaded(days: Days) -> None:
    (files,) = (rows for query, rows in days.duckdb[0].items() if "file_name, status, reason" in query)
    rejected = {name: reason for name, status, reason in files if status == "rejected"}
    assert rejected.keys() == BAD.keys()
    for name, reason in BAD.items():
        assert reason in rejected[name]
    assert len(files) == len(generate_files(1)) - 1  # but for the zones


def test_a_month_that_changed_is_loaded_again_alone(days: Days) -> None:
    query = "select file_name, _dlt_load_id from raw_taxi.trips"
    loads = [dict(day[query]) for day in days.duckdb]
    changed = {name for name in loads[1] if loads[0].get(name) != loads[1][name]}
    assert changed == {"yellow_tripdata_2025-01.parquet", "yellow_tripdata_2025-02.parquet"}
    for day, truth in zip(days.duckdb, days.truths, strict=True):
        assert Counter(name for name, _ in day[query]) == Counter(
            {name: len(trips) for name, trips in truth.trips.items() if trips}
        )


def test_keys_stay_the_same_when_a_file_is_loaded_again(days: Days) -> None:
    keys = [{key for (key,) in day[KEYS]} for day in days.duckdb]
    trips = [list_trips(truth) for truth in days.truths]
    assert len(keys[0] - keys[1]) == sum((trips[0] - trips[1]).values())
    assert len(keys[1] - keys[0]) == sum((trips[1] - trips[0]).values())
    assert len(keys[0] & keys[1]) > 2000


def test_unit_tests_of_its_models_pass(days: Days) -> None:
    unit_tests = ("--no-use-colors", "test", "--select", "test_type:unit,path:models/transform/taxi")
    finished = days.workspace.run("dbt", *unit_tests, extra={"DBT_EXCLUDE_RESOURCE_TYPES": ""})
    assert finished.status == 0, finished.output
    assert len(re.findall(r"\d+ of \d+ PASS", finished.output)) == 3


def test_questions_have_the_same_answer_in_both_engines(days: Days) -> None:
    assert len(days.answers) == 4
    for name, answer in days.answers.items():
        rows = days.duckdb[0][read_sql(name, "taxi")]
        assert len(rows) == len(answer.rows) > 0
        for here, there in zip(rows, answer.rows, strict=True):
            # DuckDB divides in binary, Postgres in decimal: the last digit of a half may be rounded either way
            assert [value if isinstance(value, str) else pytest.approx(float(value), abs=0.11) for value in here] == [
                value if isinstance(value, str) else float(value) for value in there
            ]


def test_the_answers_add_up(days: Days) -> None:
    kept, counted = days.truths[0].kept, days.truths[0].count_reasons()
    assert sum(days.answers["speed_by_hour"].list_values("trips")) == len(kept)
    assert sum(days.answers["trips_set_aside"].list_values("trips")) == counted.total()
    paid = sum(trip["payment"] == 1 for trip in kept)
    assert sum(days.answers["tips_by_borough"].list_values("trips_paid_by_card")) == paid
    busiest = Counter(trip["from"] for trip in kept).most_common(1)
    assert days.answers["busiest_zones"].list_values("trips")[0] == busiest[0][1]


def test_the_page_of_answers_shows_what_the_samples_answer(days: Days) -> None:
    page, fresh = find_page("taxi"), render_page(days.answers, "taxi")
    if os.environ.get("HEADWATER_WRITE_ANSWERS"):
        page.write_text(fresh)
    assert page.read_text() == fresh, "HEADWATER_WRITE_ANSWERS=1 and this test write docs/answers-taxi.md anew"


def test_nothing_stays_of_the_downloads(days: Days) -> None:
    assert list((Path(days.workspace.settings.state) / "downloads").iterdir()) == []


def test_the_calendar_of_a_pseudonymous_publication_has_the_years_of_trips_too(days: Days) -> None:
    noted = days.duckdb[0][YEARS]
    years = {trip["pickup"].year for trip in days.truths[0].kept}
    assert {year for name, year in noted if name == "pseudonymous.fct_zone_hours"} == years
    assert {year for name, year in noted if name == "marts.fct_zone_hours"} == years

"""A roster of more than a hundred is requested in groups: a fault of one does not affect the others."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loader.base.interrupts import stop_on_signals
from loader.base.settings import read_settings
from loader.samples.faults import Answer, Fault, Request, answer_status
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from tests.support.openalex import Loader

ROSTER_SIZE = 120

Raw = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def large() -> Catalogue:
    return generate_catalogue(roster_size=ROSTER_SIZE, work_count=300)


@contextmanager
def serve(folder: Path, catalogue: Catalogue, **arguments: Any) -> Iterator[tuple[OpenAlexServer, Loader]]:
    folder.mkdir(exist_ok=True)
    write_roster(folder / "roster.csv", roster_size=ROSTER_SIZE)
    with OpenAlexServer(catalogue, **arguments) as server:
        yield server, Loader(read_settings({"HEADWATER_DATA": str(folder)}), server, folder / "roster.csv")


@pytest.fixture(scope="module")
def after_first_day(large: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the first day is loaded, to be copied."""
    folder = tmp_path_factory.mktemp("first-day")
    with serve(folder, large) as (_, loader):
        assert loader.load().error is None
    return folder


@pytest.fixture(scope="module")
def undisturbed(large: Catalogue, after_first_day: Path) -> Raw:
    with serve(after_first_day, large) as (_, loader):
        return loader.read_raw()


def refuse_for(wanted_id: str, status: int = 400, message: str = "Not today.") -> Fault:
    """Refuses lists whose filter names this author or work, and no other."""

    def fail(request: Request, answer: Answer) -> Answer:
        if wanted_id in request.parameters.get("filter", ""):
            return answer_status(status, {"error": "Failed", "message": message})(request, answer)
        return answer

    return fail


def apply_both(first: Fault, second: Fault) -> Fault:
    """Each for the requests that it is meant for."""
    return lambda request, answer: second(request, first(request, answer))


def read_rows(loader: Loader, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(loader.settings.warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def list_groups(server: OpenAlexServer, first: int = 0) -> list[str]:
    """The requested filters by author, in order and each once."""
    filters = [request.parameters.get("filter", "") for request in server.requests[first:]]
    return list(dict.fromkeys(text for text in filters if text.startswith("author.id:")))


@pytest.fixture(scope="module")
def changed_ids(large: Catalogue, undisturbed: Raw) -> tuple[str, str]:
    """A work of the first group alone, and one of the second alone."""
    roster = [row[0] for row in undisturbed["roster"]]
    first, second = set(roster[:100]), set(roster[100:])
    authors = {work["id"]: {each["author"]["id"] for each in work["authorships"]} for work in large.works}
    of_first = next(key for key, ids in authors.items() if ids & first and not ids & second)
    of_second = next(key for key, ids in authors.items() if ids & second and not ids & first)
    return of_first, of_second


@pytest.fixture(scope="module")
def next_day(large: Catalogue, changed_ids: tuple[str, str]) -> Catalogue:
    """The catalogue with a change in each group."""
    changed = {"cited_by_count": 1234, "updated_date": "2026-12-31T00:00:00"}
    return replace(large, works=[work | changed if work["id"] in changed_ids else work for work in large.works])


@pytest.fixture(scope="module")
def brought_up_to_date(next_day: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Raw:
    with serve(tmp_path_factory.mktemp("next_day"), next_day) as (_, loader):
        assert loader.load().error is None
        return loader.read_raw()


def list_fetches(server: OpenAlexServer) -> list[str]:
    """The filters by which single works were requested."""
    filters = [request.parameters["filter"] for request in server.requests if request.path == "/works"]
    return [text for text in filters if text.startswith("openalex:")]


@pytest.fixture
def loaded(tmp_path: Path, after_first_day: Path) -> Path:
    """A folder in which the first day is loaded."""
    return shutil.copytree(after_first_day, tmp_path / "data")


@pytest.mark.parametrize("is_first_run", [True, False])
def test_a_group_that_fails_stops_no_other_and_comes_first_next_time(
    tmp_path: Path, large: Catalogue, after_first_day: Path, undisturbed: Raw, is_first_run: bool
) -> None:
    author_id = undisturbed["roster"][0][0]
    statuses = "select count(*) from raw_openalex.sync_status where error is {} null"
    if not is_first_run:
        shutil.copytree(after_first_day, tmp_path / "data")
    with serve(tmp_path / "data", large) as (server, loader):
        server.fail_next(*[refuse_for(author_id)] * 20, path="/works")
        error = loader.load().error or ""
        assert "The works of 100 members could not be brought up to date; they come first next time." in error
        assert "Not today." in error
        failed, other = list_groups(server)
        assert author_id in failed
        assert (loader.ask(statuses.format("not")), loader.ask(statuses.format(""))) == (100, 20)
    with serve(tmp_path / "data", large) as (server, loader):
        assert loader.load().error is None
        assert list_groups(server) == [failed, other]
        assert loader.ask(statuses.format("not")) == 0
        assert loader.read_raw() == undisturbed


def test_a_run_that_ends_with_the_budget_keeps_whole_groups_and_the_next_begins_with_the_others(
    tmp_path: Path, large: Catalogue, undisturbed: Raw
) -> None:
    now = [datetime(2026, 6, 15, 22, 30, tzinfo=UTC)]
    with serve(tmp_path / "data", large, daily_credits=6, clock=lambda: now[0]) as (server, loader):
        load = loader.load()
        assert "OpenAlex's budget for today is used up" in (load.error or "")
        assert {resource.resource for resource in load.resources} == {"roster", "authors", "works"}
        assert len(server.requests) == 6, "a list that cannot be paid for is not asked for"
        assert loader.ask("select count(*) from raw_openalex.sync_status") == 100
        first, *_ = list_groups(server)
        now[0] += timedelta(hours=2)
        loader.load()
        assert next(iter(list_groups(server, first=6))) != first
        assert loader.ask("select count(*) from raw_openalex.sync_status") == ROSTER_SIZE
    with serve(tmp_path / "data", large) as (_, loader):
        assert loader.load().error is None
        assert loader.read_raw() == undisturbed


FAILED_AND_NO_BUDGET = re.compile(
    r"The works of 100 members could not be brought up to date; they come first next time\. .*Not today\."
    r" OpenAlex's budget for today is used up; .*"
)


@pytest.mark.parametrize("is_first_run", [True, False])
def test_a_group_that_failed_before_the_budget_ended_is_reported_and_comes_first_next_time(
    tmp_path: Path, large: Catalogue, after_first_day: Path, undisturbed: Raw, is_first_run: bool
) -> None:
    first_author, last_author = undisturbed["roster"][0][0], undisturbed["roster"][-1][0]
    synced = "select count(*), max(last_synced_at) from raw_openalex.sync_status where last_synced_at is not null"
    data = tmp_path / "data"
    if not is_first_run:
        shutil.copytree(after_first_day, data)
    with serve(data, large) as (server, loader):
        before = (0, None) if is_first_run else read_rows(loader, synced)[0]
        fault = apply_both(refuse_for(first_author), refuse_for(last_author, 429, "Insufficient budget."))
        server.fail_next(*[fault] * 20, path="/works")
        assert FAILED_AND_NO_BUDGET.fullmatch(loader.load().error or "")
        failed, other = list_groups(server)
        assert first_author in failed
        assert loader.ask("select count(*) from raw_openalex.sync_status where error like '%Not today.'") == 100
        assert read_rows(loader, synced)[0] == before, "nobody is through"
    with serve(data, large) as (server, loader):
        assert loader.load().error is None
        assert list_groups(server) == [failed, other]
        assert loader.ask("select count(*) from raw_openalex.sync_status where error is not null") == 0
        assert loader.read_raw() == undisturbed


def test_a_group_that_failed_is_reported_where_the_budget_ends_after_the_works(
    tmp_path: Path, large: Catalogue, undisturbed: Raw
) -> None:
    with serve(tmp_path / "data", large) as (server, loader):
        server.fail_next(*[refuse_for(undisturbed["roster"][0][0])] * 20, path="/works")
        server.fail_next(answer_status(429, {"error": "Failed", "message": "Insufficient budget."}), path="/topics")
        assert FAILED_AND_NO_BUDGET.fullmatch(loader.load().error or "")
        statuses = "select count(*), count(error), count(last_synced_at) from raw_openalex.sync_status"
        assert read_rows(loader, statuses) == [(ROSTER_SIZE, 100, 20)]


def test_an_interrupt_after_a_group_that_failed_ends_the_run_at_once(
    tmp_path: Path, large: Catalogue, undisturbed: Raw
) -> None:
    first_author, last_author = undisturbed["roster"][0][0], undisturbed["roster"][-1][0]

    def interrupt(request: Request, answer: Answer) -> Answer:
        if last_author in request.parameters.get("filter", ""):
            os.kill(os.getpid(), signal.SIGINT)
        return refuse_for(last_author, 429, "Insufficient budget.")(request, answer)

    with serve(tmp_path / "data", large) as (server, loader):
        server.fail_next(*[apply_both(refuse_for(first_author), interrupt)] * 20, path="/works")
        with pytest.raises(KeyboardInterrupt), stop_on_signals():
            loader.load()
        assert len(list_groups(server)) == 2
        tables = "select count(*) from duckdb_tables() where table_name = 'sync_status'"
        assert loader.ask(tables) == 0, "nothing was written down"


def test_works_that_changed_in_several_groups_are_fetched_in_one_list(
    loaded: Path, next_day: Catalogue, changed_ids: tuple[str, str], brought_up_to_date: Raw
) -> None:
    with serve(loaded, next_day) as (server, loader):
        assert loader.load().error is None
        (fetch,) = list_fetches(server)
        assert set(fetch.removeprefix("openalex:").split("|")) == set(changed_ids)
        assert loader.read_raw() == brought_up_to_date


def test_a_work_that_cannot_be_had_holds_up_its_own_group_alone_from_the_next_run_on(
    loaded: Path, next_day: Catalogue, changed_ids: tuple[str, str], brought_up_to_date: Raw
) -> None:
    refused, other = changed_ids
    failed = "select count(*) from raw_openalex.sync_status where error is not null"
    count = "select document ->> '$.cited_by_count' from raw_openalex.works where id = '{}'"
    with serve(loaded, next_day) as (server, loader):
        server.fail_next(*[refuse_for(refused)] * 20, path="/works")
        assert "The works of 120 members could not be brought up to date" in (loader.load().error or "")
        assert loader.ask(failed) == 120
        server.fail_next(*[refuse_for(refused)] * 20, path="/works")
        assert "The works of 100 members could not be brought up to date" in (loader.load().error or "")
        assert (loader.ask(failed), loader.ask(count.format(other))) == (100, "1234")
    with serve(loaded, next_day) as (_, loader):
        assert loader.load().error is None
        assert loader.ask(failed) == 0
        assert loader.read_raw() == brought_up_to_date


def test_groups_that_wait_for_their_works_when_the_budget_ends_are_swept_again(
    loaded: Path, next_day: Catalogue, undisturbed: Raw, brought_up_to_date: Raw
) -> None:
    synced = "select max(last_synced_at) from raw_openalex.sync_status"
    last_author = undisturbed["roster"][-1][0]
    with serve(loaded, next_day) as (server, loader):
        before = loader.ask(synced)
        server.fail_next(*[refuse_for(last_author, 429, "Insufficient budget.")] * 20, path="/works")
        assert "budget for today is used up" in (loader.load().error or "")
        assert len(list_groups(server)) == 2
        assert loader.ask(synced) == before, "nobody is through"
    with serve(loaded, next_day) as (_, loader):
        assert loader.load().error is None
        assert loader.read_raw() == brought_up_to_date


def test_a_work_that_came_with_another_group_calls_for_the_records_of_all_its_authors(
    loaded: Path, large: Catalogue, undisturbed: Raw
) -> None:
    roster = [row[0] for row in undisturbed["roster"]]
    first, second = set(roster[:100]), set(roster[100:])
    authors = {work["id"]: {each["author"]["id"] for each in work["authorships"]} for work in large.works}
    shared = next(key for key, ids in authors.items() if ids & first and ids & second)
    changed = {"cited_by_count": 1234, "updated_date": "2026-12-31T00:00:00"}
    next_day = replace(large, works=[work | changed if work["id"] == shared else work for work in large.works])
    with serve(loaded, next_day) as (server, loader):
        server.fail_next(*[refuse_for(min(second))] * 20, path="/works")
        assert "The works of 20 members could not be brought up to date" in (loader.load().error or "")
        (asked,) = [request.parameters["filter"] for request in server.requests if request.path == "/authors"]
        assert set(asked.removeprefix("openalex:").split("|")) == authors[shared] & {*roster}

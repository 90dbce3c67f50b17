"""A roster of more than a hundred is asked for in groups: what one of them meets does not touch the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from loader.samples.catalogue import Catalogue
from loader.samples.http_faults import Answer, Fault, Request, answer_status
from loader.samples.institution import generate_catalogue, write_roster
from loader.samples.openalex_server import OpenAlexServer
from loader.settings import read_settings
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
def undisturbed(large: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Raw:
    with serve(tmp_path_factory.mktemp("undisturbed"), large) as (_, loader):
        assert loader.load().error is None
        return loader.read_raw()


def refuse_for(author_id: str) -> Fault:
    """Refuses the works of the group that holds this author, and nobody else's."""

    def fail(request: Request, answer: Answer) -> Answer:
        if author_id in request.parameters.get("filter", ""):
            return answer_status(400, {"error": "Failed", "message": "Not today."})(request, answer)
        return answer

    return fail


def list_groups(server: OpenAlexServer, first: int = 0) -> list[str]:
    """The filters by author that were asked for, in order and each once."""
    filters = [request.parameters.get("filter", "") for request in server.requests[first:]]
    return list(dict.fromkeys(text for text in filters if text.startswith("author.id:")))


@pytest.mark.parametrize("is_first_run", [True, False])
def test_a_group_that_fails_stops_no_other_and_comes_first_next_time(
    tmp_path: Path, large: Catalogue, undisturbed: Raw, is_first_run: bool
) -> None:
    author_id = undisturbed["roster"][0][0]
    statuses = "select count(*) from raw_openalex.sync_status where error is {} null"
    with serve(tmp_path / "data", large) as (server, loader):
        if not is_first_run:
            assert loader.load().error is None
        before = len(server.requests)
        server.fail_next(*[refuse_for(author_id)] * 20, path="/works")
        error = loader.load().error or ""
        assert "The works of 100 authors could not be brought up to date; they come first next time." in error
        assert "Not today." in error
        failed, other = list_groups(server, before)
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

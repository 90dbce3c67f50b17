"""Whatever OpenAlex answers, raw ends as after an undisturbed load, or the load stops and says why."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.samples.faults import (
    Answer,
    Fault,
    Request,
    answer_html,
    answer_status,
    cut_body,
    cut_chunks,
    cut_gzip,
    empty_page,
    loop_cursor,
    repeat_page,
    shift_record,
    truncate_json,
)
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.client import OpenAlexClient
from tests.support.openalex import Loader
from tests.support.scripted import ScriptedServer, give

Raw = dict[str, list[tuple[Any, ...]]]

EXPIRED = answer_status(400, {"error": "Pagination error.", "message": "Cursor value is invalid."})
TOO_FAST = answer_status(
    429,
    {
        "error": "Rate limit exceeded",
        "message": "Rate limit exceeded: 10 requests per second. Upgrade your plan for more.",
    },
    headers={"Retry-After": "0"},
)
ERROR_IN_A_LIST = answer_status(200, {"meta": {"count": 0}, "results": [], "error": "Failed"})


def leave_alone(_: Any, answer: Any) -> Any:
    return answer


@pytest.fixture(scope="module")
def undisturbed(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Raw:
    folder = tmp_path_factory.mktemp("undisturbed")
    write_roster(folder / "roster.csv", roster_size=12)
    with OpenAlexServer(catalogue) as server:
        loader = Loader(read_settings({"HEADWATER_DATA": str(folder)}), server, folder / "roster.csv")
        assert loader.load().error is None
        return loader.read_raw()


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([TOO_FAST, answer_status(500), answer_status(503)], id="refusals that pass"),
        pytest.param([cut_body(), cut_chunks(), cut_gzip()], id="connections cut in the body"),
        pytest.param([answer_html(), answer_status(200, {"error": "Failed"}), ERROR_IN_A_LIST], id="no data in a 200"),
        pytest.param([truncate_json(), answer_status(200, []), answer_status(200)], id="less than the data in a 200"),
    ],
)
def test_a_passing_fault_leaves_no_trace(
    loader: Loader, server: OpenAlexServer, undisturbed: Raw, faults: Sequence[Fault]
) -> None:
    for fault in faults:  # one for each page: after each comes the true answer
        server.fail_next(fault, leave_alone, path="/works")
    load = loader.load()
    assert load.error is None
    assert sum(resource.counts.repeated for resource in load.resources) == 0
    assert loader.read_raw() == undisturbed


def test_passing_faults_of_every_list_leave_no_trace(loader: Loader, server: OpenAlexServer, undisturbed: Raw) -> None:
    server.fail_next(answer_status(503), leave_alone, answer_html(), path="/authors")
    server.fail_next(cut_body(), path="/works")
    server.fail_next(truncate_json(), path="/institutions")
    server.fail_next(answer_status(504, {"reason": "query_timeout"}), path="/topics")
    assert loader.load().error is None
    assert loader.read_raw() == undisturbed


def twice(fault: Fault) -> list[Fault]:
    return [fault, fault]


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        pytest.param(lambda: [empty_page()], "ended after 270 of 370 records", id="an empty page at the start"),
        pytest.param(
            lambda: [leave_alone, empty_page()], "ended after 270 of 370 records", id="an empty page in the middle"
        ),
        pytest.param(lambda: [leave_alone] * 3 + [empty_page()], "leads back to a page already read", id="at the end"),
        pytest.param(lambda: [empty_page()] * 3, "has 3 empty pages in a row", id="empty pages in a row"),
        pytest.param(
            lambda: [leave_alone, loop_cursor()], "leads back to a page already read", id="a cursor that loops"
        ),
        pytest.param(
            lambda: [leave_alone, EXPIRED], "cannot be continued after 100 of 370 records", id="a cursor expires"
        ),
        pytest.param(
            lambda: twice(repeat_page()), "ended after 270 of 370 records", id="a page in the place of another"
        ),
        pytest.param(lambda: twice(shift_record()), "ended after 369 of 370 records", id="a record that moves"),
        pytest.param(
            lambda: [loop_cursor(), leave_alone, EXPIRED],
            "cannot be continued after 100 of 370 records",
            id="one thing after another",
        ),
    ],
)
def test_a_list_that_goes_wrong_is_read_again(
    loader: Loader,
    server: OpenAlexServer,
    undisturbed: Raw,
    faults: Callable[[], Sequence[Fault]],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server.fail_next(*faults(), path="/works")
    load = loader.load()
    assert load.error is None
    assert f"OpenAlex's list of works {told}; it is read again from its start." in capsys.readouterr().out
    assert loader.read_raw() == undisturbed
    (works,) = [resource.counts for resource in load.resources if resource.resource == "works"]
    assert (works.new, works.extracted) == (370, 370 + works.repeated)


@pytest.mark.parametrize(
    ("fault", "told", "requests"),
    [
        pytest.param(loop_cursor(), "leads back to a page already read", 3, id="a loop"),
        pytest.param(empty_page(), "has 3 empty pages in a row", 9, id="empty pages"),
    ],
)
def test_a_list_that_goes_wrong_each_time_ends_the_load(
    loader: Loader, server: OpenAlexServer, undisturbed: Raw, fault: Fault, told: str, requests: int
) -> None:
    server.fail_next(*[fault] * requests, path="/works")
    error = loader.load().error or ""
    assert f"OpenAlex's list of works {told}, and was read 3 times. Try again later" in error
    assert count_requests(server, "/works") == requests
    assert loader.load().error is None
    assert loader.read_raw() == undisturbed


def test_a_list_that_goes_on_without_end_is_left() -> None:
    def serve(request: Request) -> Answer:
        meta = {"count": 2, "next_cursor": request.parameters["cursor"] + "*"}
        return give({"meta": meta, "results": [{"id": "W1"}, {"id": "W2"}]})(request)

    notes: list[str] = []
    with ScriptedServer(serve) as server:
        client = OpenAlexClient(server.url, None, 1000.0, None, notes.append)
        with pytest.raises(HeadwaterError, match="continues after 106 records, of 2, and was read 3 times"):
            list(client.list_by("works", "author.id", ["A1"]))
        assert len(server.requests) == 3 * 53
    assert len(notes) == 2


def test_a_server_that_always_fails_is_asked_five_times(loader: Loader, server: OpenAlexServer) -> None:
    server.fail_next(*[answer_status(503)] * 100)
    assert "/authors answered 503 (tried 5 times)" in (loader.load().error or "")
    assert len(server.requests) == 5


def test_records_that_openalex_counts_twice_are_accepted(
    catalogue: Catalogue, tmp_path: Path, undisturbed: Raw, capsys: pytest.CaptureFixture[str]
) -> None:
    doubled = Catalogue.from_works([*catalogue.works, *catalogue.works[:30]])
    write_roster(tmp_path / "roster.csv", roster_size=12)
    with OpenAlexServer(doubled) as server:
        loader = Loader(read_settings({"HEADWATER_DATA": str(tmp_path)}), server, tmp_path / "roster.csv")
        load = loader.load()
    assert load.error is None
    assert "some came more than once" in capsys.readouterr().out
    assert loader.read_raw()["works"] == undisturbed["works"]


def test_a_plan_that_does_not_allow_it_stops_at_once(loader: Loader, server: OpenAlexServer) -> None:
    body = {"error": "Plan upgrade required", "message": "from_updated_date is not for you."}
    server.fail_next(answer_status(429, body), path="/works")
    error = loader.load().error or ""
    assert "requires a paid plan for this request; the key in sources.openalex.api_key must have one" in error
    assert count_requests(server, "/works") == 1


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        pytest.param({"retryAfter": 5400}, {}, id="in the answer"),
        pytest.param({}, {"Retry-After": "5400"}, id="in Retry-After"),
        pytest.param({}, {"X-RateLimit-Reset": "5400", "Retry-After": "soon"}, id="in X-RateLimit-Reset"),
    ],
)
def test_a_budget_that_is_used_up_stops_at_once_and_says_when_it_is_full_again(
    loader: Loader, server: OpenAlexServer, fields: dict[str, int], headers: dict[str, str]
) -> None:
    body = {"error": "Rate limit exceeded", "message": "Insufficient budget. This request costs $0.0001.", **fields}
    server.fail_next(answer_status(429, body, headers=headers), path="/works")
    before = datetime.now(UTC)
    error = loader.load().error or ""
    told = error.partition("it is full again at ")[2].partition(" UTC")[0]
    reset = datetime.strptime(told, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    assert timedelta(minutes=89) < reset - before
    assert reset - datetime.now(UTC) < timedelta(minutes=91)
    assert count_requests(server, "/works") == 1


def test_what_was_loaded_before_the_budget_ended_stays_and_the_next_day_brings_the_rest(
    catalogue: Catalogue, tmp_path: Path, undisturbed: Raw
) -> None:
    now = [datetime(2026, 6, 15, 22, 30, tzinfo=UTC)]
    write_roster(tmp_path / "roster.csv", roster_size=12)
    with OpenAlexServer(catalogue, daily_credits=20, clock=lambda: now[0]) as server:
        for _ in range(12):  # somebody else's
            requests.get(f"{server.url}/topics", timeout=60)
        loader = Loader(read_settings({"HEADWATER_DATA": str(tmp_path)}), server, tmp_path / "roster.csv")
        load = loader.load()
        assert "budget for today is used up" in (load.error or "")
        assert {resource.resource for resource in load.resources} == {"roster", "authors", "works"}
        assert loader.ask("select count(*) from raw_openalex.works") == len(undisturbed["works"])
        now[0] += timedelta(hours=2)
        assert loader.load().error is None
        assert loader.read_raw() == undisturbed


def count_requests(server: OpenAlexServer, path: str) -> int:
    return len([request for request in server.requests if request.path == path])

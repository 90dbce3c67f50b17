"""A run that nobody watches: it tries again, says nothing, tells people, and its history can be read."""

import json
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from loader.samples.faults import Fault, Request, answer_status, delay
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.roster import read_roster
from tests.loader.raw.test_warehouse import hold
from tests.support.sample import Sample, serve_sample
from tests.support.scripted import ScriptedServer, give
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace

# The session does not wait for an hour: the source fails at once.
DOWN = answer_status(503, headers={"Retry-After": "3600"})
RETRY = ("--retries", "2", "--retry-wait", "0")


@pytest.fixture(scope="module")
def served(published: Workspace) -> Iterator[tuple[Workspace, OpenAlexServer]]:
    published.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = "0"
    with serve_sample(published, Sample(published)) as server:
        published.run_well("headwater", "run")
        yield published, server


def fail_next(server: OpenAlexServer, *faults: Fault) -> None:
    server.fail_next(*faults, path="/works")


def list_runs(workspace: Workspace, limit: int = 20) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = json.loads(workspace.run_well("headwater", "runs", "--json", "--limit", str(limit)))
    return runs


def test_a_source_that_answers_later_is_tried_again(served: tuple[Workspace, OpenAlexServer]) -> None:
    workspace, server = served
    fail_next(server, DOWN)
    output = workspace.run_well("headwater", "run", *RETRY)
    assert output.count("Trying academic again in 0 seconds.") == 1
    assert "up to date" in output
    (run,) = list_runs(workspace, 1)
    assert (run["kind"], run["outcome"], run["failure"]) == ("run", "successful", None)


def test_a_run_is_narrowed_and_refreshed_as_a_load_is(served: tuple[Workspace, OpenAlexServer]) -> None:
    workspace, server = served
    entry = next(each for each in read_roster(workspace.folder / "roster.csv") if each.author_id and each.orcid)
    before = len(server.requests)
    output = workspace.run_well("headwater", "run", "--author", entry.orcid or "", "--full-refresh")
    assert "up to date" in output
    works = [request for request in server.requests[before:] if request.path == "/works"]
    assert {request.parameters["filter"] for request in works} == {f"author.id:{entry.author_id}"}
    assert all("select" not in request.parameters for request in works), "requested in full"


def test_only_what_failed_is_tried_again_and_not_without_end(served: tuple[Workspace, OpenAlexServer]) -> None:
    workspace, server = served
    before = len(server.requests)
    workspace.run_well("headwater", "run")
    of_one_run = len(server.requests) - before
    papers = ScriptedServer(give({}, 503, Retry_After="3600"))
    variables = {
        "SOURCES__SEMANTIC_SCHOLAR__ENABLED": "true",
        "SOURCES__SEMANTIC_SCHOLAR__BASE_URL": papers.url,
        "SOURCES__SEMANTIC_SCHOLAR__REQUESTS_PER_SECOND": "1000",
    }
    with papers:
        finished = workspace.run("headwater", "run", *RETRY, extra=variables)
    assert finished.status == 1
    assert finished.output.count("Trying academic again") == 2
    assert len(server.requests) - before == 2 * of_one_run
    assert papers.requests


def test_what_waiting_does_not_mend_is_not_tried_again(served: tuple[Workspace, OpenAlexServer]) -> None:
    workspace, _ = served
    for variables in ({"SOURCES__OPENALEX__ROSTER": "nowhere.csv"}, {"HEADWATER_DOMAINS": "txai"}):
        finished = workspace.run("headwater", "run", *RETRY, extra=variables)
        assert finished.status == 1
        assert "Trying" not in finished.output


def test_a_quiet_run_prints_nothing_but_what_failed(served: tuple[Workspace, OpenAlexServer]) -> None:
    workspace, server = served
    assert workspace.run_well("headwater", "run", "--quiet") == ""
    fail_next(server, DOWN)
    failed = workspace.run("headwater", "run", "--quiet")
    assert failed.status == 1
    assert failed.output.startswith("Error: academic is held back: openalex: ")
    assert len(failed.output.splitlines()) == 2


def read_titles(requests: Sequence[Request]) -> list[str]:
    return [json.loads(request.body)["title"] for request in requests]


def test_people_hear_of_a_failure_of_its_end_and_if_they_want_of_each_run(
    served: tuple[Workspace, OpenAlexServer],
) -> None:
    workspace, server = served
    workspace.run_well("headwater", "run")
    with ScriptedServer(give({})) as inbox:
        address = inbox.url.replace("http://", "json://reader:very-secret@")
        variables = {"ALERTS__URLS": f"{address} nonsense"}
        fail_next(server, DOWN)
        failed = workspace.run("headwater", "run", extra=variables)
        assert failed.status == 1
        assert "address 2 of alerts.urls is none that apprise knows" in failed.output
        for more in ({}, {}, {"ALERTS__SUMMARY": "true"}):
            assert workspace.run("headwater", "run", extra=variables | more).status == 0
        assert read_titles(inbox.requests) == [
            "Headwater: a run failed",
            "Headwater: successful again",
            "Headwater: a run was successful",
        ]
        assert "503" in json.loads(inbox.requests[0].body)["message"]
        inbox.fail_next(answer_status(500))
        unsent = workspace.run("headwater", "run", extra=variables | {"ALERTS__SUMMARY": "true"})
    assert unsent.status == 0
    assert "Note: the alert could not be sent to json://" in unsent.output
    assert "very-secret" not in failed.output + unsent.output


def test_a_run_that_was_killed_is_in_the_history(served: tuple[Workspace, OpenAlexServer]) -> None:
    workspace, server = served
    before = len(server.requests)
    fail_next(server, delay(600))
    running = workspace.start("headwater", "run")
    try:
        assert wait_until(lambda: any(each.path == "/works" for each in server.requests[before:]), running)
        assert list_runs(workspace, 1)[0]["outcome"] == "running"
    finally:
        running.send(signal.SIGKILL)
        running.kill()
    (run,) = list_runs(workspace, 1)
    assert (run["outcome"], run["seconds"]) == ("killed", None)
    assert "killed" in workspace.run_well("headwater", "runs")
    workspace.run_well("headwater", "run")


@pytest.mark.parametrize(
    ("kind", "command", "selection"),
    [
        ("load", ("dlt", "pipeline", "openalex", "run"), ()),
        # Nothing to do: what is built stays complete for the other tests.
        ("build", ("dbt", "build"), ("--select", "nothing")),
        ("handoff", ("dbt", "run-operation", "handoff"), ()),
        ("publish", ("dbt", "build", "--target", "postgres"), ()),
    ],
)
def test_a_single_command_leaves_a_report_like_the_whole(
    served: tuple[Workspace, OpenAlexServer], kind: str, command: tuple[str, ...], selection: tuple[str, ...]
) -> None:
    workspace, _ = served
    before = len(list_runs(workspace, 100))
    workspace.run_well(*command, *selection)
    with hold(workspace.settings.warehouse):
        failed = workspace.run(*command, extra={"PGHOST": "127.0.0.1", "PGPORT": "9"})
    assert failed.status != 0
    later, earlier = list_runs(workspace, 2)
    assert len(list_runs(workspace, 100)) == before + 2
    assert (earlier["kind"], earlier["outcome"], earlier["failure"]) == (kind, "successful", None)
    assert (later["kind"], later["outcome"]) == (kind, "failed")
    assert later["failure"]

"""What a user is told of people and settings that OpenAlex does not accept."""

import json
from collections.abc import Iterator

import pytest

from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.roster import read_roster
from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace

_NOBODY = "https://openalex.org/A5999999998"


@pytest.fixture
def server(workspace: Workspace) -> Iterator[OpenAlexServer]:
    sample = Sample(workspace)
    (known, *_) = [entry.author_id for entry in read_roster(sample.roster) if entry.author_id]
    workspace.write_roster("openalex_id,display_name", f"{known},Known", f"{_NOBODY},Nobody")
    with serve_sample(workspace, sample) as made:
        yield made


@pytest.mark.usefixtures("server")
def test_status_lists_people_whom_openalex_does_not_know(workspace: Workspace) -> None:
    workspace.run_well("dlt", "pipeline", "openalex", "run")
    told = workspace.run("headwater", "status").output
    (line,) = [line for line in told.splitlines() if _NOBODY in line]
    assert "openalex" in line
    assert "Nobody" in line
    plain = workspace.run("headwater", "status", "--json").output
    (person,) = json.loads(plain)["not_found"]
    assert (person["identifier"], person["name"]) == (_NOBODY, "Nobody")


def test_a_run_that_needs_a_change_does_not_say_that_it_continues(workspace: Workspace, server: OpenAlexServer) -> None:
    workspace.environment["SOURCES__OPENALEX__BASE_URL"] = f"{server.url}/wrong"
    failed = workspace.run("headwater", "run")
    assert failed.status == 1
    assert "The base URL looks wrong" in failed.output
    assert "Change what the error names, then run the same command again." in failed.output
    assert "to continue" not in failed.output

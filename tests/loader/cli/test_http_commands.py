"""What a user of the command line sees of limits, of Ctrl-C while waiting, and of a server that lies."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from loader.base.settings import ROOT
from loader.samples.faults import Answer, Fault, Request, answer_status, cut_body, delay, shift_record
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from tests.loader.fetch.test_allowance import move_to_yesterday
from tests.support.workspace import SCRIPTS, Workspace

KEY = "sk-5ecret-c0ffee"
DEADLINE_SECONDS = 180.0


@pytest.fixture
def server(workspace: Workspace) -> Iterator[OpenAlexServer]:
    write_roster(workspace.folder / "roster.csv", roster_size=4)
    with OpenAlexServer(generate_catalogue(roster_size=4, work_count=120)) as made:
        workspace.serve(made.url, workspace.folder / "roster.csv")
        yield made


def test_runs_share_the_requests_of_a_day(workspace: Workspace, server: OpenAlexServer) -> None:
    began = datetime.now(UTC).date()
    workspace.environment["SOURCES__OPENALEX__REQUESTS_PER_DAY"] = "1000"
    workspace.run_well("dlt", "pipeline", "run")
    allowed = len(server.requests) + 2
    workspace.environment["SOURCES__OPENALEX__REQUESTS_PER_DAY"] = str(allowed)
    finished = workspace.run("dlt", "pipeline", "openalex", "run", "--full-refresh")
    if datetime.now(UTC).date() != began:
        pytest.skip("a new day began meanwhile")
    assert finished.status == 1
    assert len(server.requests) == allowed
    (line,) = [line for line in finished.output.splitlines() if "Error" in line]
    assert f"The {allowed} requests a day that sources.openalex.requests_per_day allows are used up" in line
    move_to_yesterday(workspace.settings.request_counts, "openalex")
    workspace.run_well("dlt", "pipeline", "run")


def test_faults_of_one_run_leave_what_a_run_without_them_leaves(workspace: Workspace, server: OpenAlexServer) -> None:
    hashes = "select 'w', id, record_hash from {0}.works union all select 'a', id, record_hash from {0}.authors"
    shift = shift_record()
    server.fail_next(cut_body(), path="/authors")
    server.fail_next(answer_status(429, headers={"Retry-After": "1"}), shift, shift, path="/works")
    output = workspace.run_well("dlt", "pipeline", "run")
    assert "it is read again from its start" in output
    with workspace.open_duckdb() as connection:
        disturbed = connection.execute(hashes.format("raw_openalex") + " order by all").fetchall()
    workspace.environment["HEADWATER_WAREHOUSE"] = "undisturbed.duckdb"
    workspace.run_well("dlt", "pipeline", "run")
    with workspace.open_duckdb() as connection:
        assert connection.execute(hashes.format("raw_openalex") + " order by all").fetchall() == disturbed


@pytest.mark.parametrize(
    ("faults", "pace"),
    [
        pytest.param([answer_status(503, headers={"Retry-After": "250"})], "1000", id="until it may ask again"),
        pytest.param([], "0.001", id="for its pace"),
        pytest.param([delay(600.0)], "1000", id="for an answer"),
    ],
)
def test_ctrl_c_ends_a_run_that_waits(
    workspace: Workspace, server: OpenAlexServer, faults: list[Fault], pace: str
) -> None:
    server.fail_next(*faults)
    environment = {**os.environ, **workspace.environment, "SOURCES__OPENALEX__REQUESTS_PER_SECOND": pace}
    with subprocess.Popen(
        [str(SCRIPTS / "dlt"), "pipeline", "run"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not server.requests:
            assert time.monotonic() < deadline, "the run asks for nothing"
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        # The wait that it ends would be longer than this.
        output, _ = process.communicate(timeout=DEADLINE_SECONDS / 2)
    assert process.returncode == 130
    assert "Interrupted." in output
    assert "Traceback" not in output
    assert len(server.requests) == 1


def test_a_key_that_the_server_sends_back_is_shown_and_kept_nowhere(
    workspace: Workspace, server: OpenAlexServer
) -> None:
    def echo(request: Request, _: Answer) -> Answer:
        return Answer(400, f'{{"message": "You said {request.headers["authorization"]}"}}'.encode())

    workspace.environment["SOURCES__OPENALEX__API_KEY"] = KEY
    server.fail_next(echo, path="/works")
    finished = workspace.run("dlt", "pipeline", "run")
    assert finished.status == 1
    assert "You said ***" in finished.output
    assert KEY not in finished.output
    for path in workspace.folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path

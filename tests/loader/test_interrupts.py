"""SIGTERM, as a container or a service manager sends it: the command ends at once, whole, and goes on next time."""

import os
import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest

from loader.samples.http_faults import delay
from loader.settings import ROOT
from tests.support.sample import Sample, serve_sample
from tests.support.waiting import wait_until
from tests.support.workspace import SCRIPTS, Workspace


@pytest.fixture
def sample(workspace: Workspace) -> Sample:
    return Sample(workspace)


def start(workspace: Workspace, *command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [str(SCRIPTS / command[0]), *command[1:]],
        cwd=ROOT,
        env={**os.environ, **workspace.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def terminate(process: "subprocess.Popen[str]", when: Callable[[], object]) -> str:
    wait_until(when)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM, output
    assert "Traceback" not in output
    return output


def test_a_load_that_waits_for_an_answer_ends_and_goes_on(workspace: Workspace, sample: Sample) -> None:
    with serve_sample(workspace, sample) as server:
        server.fail_next(delay(600), path="/works")
        process = start(workspace, "dlt", "pipeline", "run")
        output = terminate(process, lambda: any(request.path == "/works" for request in server.requests))
        assert "the same command goes on from there" in output
        workspace.run_well("dlt", "pipeline", "run")
    with workspace.open_duckdb() as connection:
        works = connection.execute("select id from raw_openalex.works order by id").fetchall()
    assert works == [(key,) for key in sorted(sample.roster_works)]


def test_a_whole_run_ends_with_the_dbt_that_it_started(workspace: Workspace, sample: Sample) -> None:
    def find_dbt() -> list[psutil.Process]:
        return [child for child in psutil.Process(process.pid).children() if "build" in child.cmdline()]

    with serve_sample(workspace, sample):
        process = start(workspace, "headwater", "run")
        wait_until(find_dbt)
        (dbt,) = find_dbt()
        output = terminate(process, find_dbt)
    assert "The same command, run again, goes on from here" in output
    assert not dbt.is_running()

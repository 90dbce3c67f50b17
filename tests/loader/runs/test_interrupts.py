"""SIGTERM, as a service manager sends it: the command and its processes end at once, and the next run continues."""

import os
import signal
from collections.abc import Callable

import psutil
import pytest

from loader.base.interrupts import postpone_signals, stop_on_signals
from loader.samples.faults import delay
from tests.support.sample import Sample, serve_sample
from tests.support.waiting import wait_until
from tests.support.workspace import SCRIPTS, Running, Workspace

_WITH_A_THREAD_THAT_DOES_NOT_END = """
import runpy, sys, threading
threading.Thread(target=threading.Event().wait).start()
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture
def sample(workspace: Workspace) -> Sample:
    return Sample(workspace)


def terminate(running: Running, when: Callable[[], object]) -> str:
    try:
        assert wait_until(when, running)
        os.kill(running.pid, signal.SIGTERM)
        finished = running.wait(30)
    finally:
        running.kill()
    assert finished.status == 128 + signal.SIGTERM, finished.output
    assert "Traceback" not in finished.output
    return finished.output


def test_a_load_that_waits_for_an_answer_ends_and_goes_on(workspace: Workspace, sample: Sample) -> None:
    with serve_sample(workspace, sample) as server:
        server.fail_next(delay(600), path="/works")
        running = workspace.start("dlt", "pipeline", "run")
        output = terminate(running, lambda: any(request.path == "/works" for request in server.requests))
        assert "run the same command again to continue" in output
        workspace.run_well("dlt", "pipeline", "run")
    with workspace.open_duckdb() as connection:
        works = connection.execute("select id from raw_openalex.works order by id").fetchall()
    assert works == [(key,) for key in sorted(sample.roster_works)]


@pytest.mark.parametrize("command", [("dlt", "pipeline", "run"), ("headwater", "run")])
def test_a_load_ends_though_a_thread_of_its_own_does_not(
    workspace: Workspace, sample: Sample, command: tuple[str, ...]
) -> None:
    script, *arguments = command
    with serve_sample(workspace, sample) as server:
        server.fail_next(delay(600), path="/works")
        running = workspace.start("python", "-c", _WITH_A_THREAD_THAT_DOES_NOT_END, str(SCRIPTS / script), *arguments)
        output = terminate(running, lambda: any(request.path == "/works" for request in server.requests))
    assert "the same command again to continue" in output


def test_a_whole_run_ends_with_the_dbt_that_it_started(workspace: Workspace, sample: Sample) -> None:
    def find_dbt() -> list[psutil.Process]:
        children = psutil.Process(running.pid).children()
        # One that has ended stays until the run looks after it.
        return [child for child in children if "build" in (child.as_dict(["cmdline"])["cmdline"] or [])]

    with serve_sample(workspace, sample):
        running = workspace.start("headwater", "run")
        assert wait_until(find_dbt, running)
        (dbt,) = find_dbt()
        output = terminate(running, find_dbt)
    assert "Run the same command again to continue" in output
    assert not dbt.is_running()


def test_a_signal_while_a_process_is_started_acts_when_the_process_is_known() -> None:
    known: list[str] = []

    def start() -> None:
        with stop_on_signals():
            with postpone_signals():
                os.kill(os.getpid(), signal.SIGTERM)
                known.append("dbt")
            known.append("the block goes on")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert known == ["dbt"]

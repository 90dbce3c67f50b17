"""Runs console commands in processes that need not import dbt and dlt first: each is forked from one that has.

It is a process like any other, with its own environment, output and exit status, and runs the very script in `bin/`;
what it lacks is two seconds of imports. Commands that a test kills or interrupts are started in the plain way.

usage: python -m tests.support.warm SOCKET_NUMBER
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import loader.startup
from loader.base.settings import ROOT

# Names the folder of dbt's parsed projects (parsed_project.py), for all processes of a run of pytest.
PARSED_PROJECTS = "HEADWATER_TEST_PARSED_PROJECTS"
_LONGEST_REQUEST_BYTES = 1_000_000
# What commands import late, by the names of their modules.
_IMPORTS = (
    "dbt.adapters.duckdb",
    "dbt.adapters.postgres",
    "dbt.cli.main",
    "dbt.task.build",
    "dbt.task.list",
    "dbt.task.run_operation",
    "dlt._workspace.cli._dlt",
    "loader.cli.dlt_pipeline",
    "loader.cli.headwater",
    "loader.publish.dbt_plugin",
    "loader.publish.marts",
    "loader.runs.full_run",
    "tests.support.parsed_project",
)


def run_warm(script: str, arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[int, str]:
    """Runs a console script to its end; returns its exit status (negative: the signal that ended it) and its output."""
    request = json.dumps({"arguments": [script, *arguments], "environment": dict(environment)}).encode()
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile() as output, os.fdopen(read_end) as status:
        socket.send_fds(_start_server(), [request], [output.fileno(), write_end])
        os.close(write_end)
        ended_with = int(status.read())
        output.seek(0)
        return ended_with, output.read().decode()


@cache
def _start_server() -> socket.socket:
    """Starts this test process's server, which ends when its socket is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, "-m", "tests.support.warm", str(theirs.fileno())]
    subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
    theirs.close()
    return ours


def _serve(requests: socket.socket) -> None:
    for name in _IMPORTS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    # The kernel reaps who waits for a command.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST_BYTES, 2)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _answer(json.loads(request), *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _answer(request: dict[str, Any], output: int, status: int) -> NoReturn:
    """Starts the command, waits for it and writes how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command = os.fork()
    if command == 0:
        os.close(status)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        _run(**request)
    _, ended_with = os.waitpid(command, 0)
    os.write(status, str(os.waitstatus_to_exitcode(ended_with)).encode())
    os._exit(0)


def _run(arguments: list[str], environment: dict[str, str]) -> NoReturn:
    """Does what Python does between its start and its end."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments
    sys.orig_argv = [sys.executable, *arguments]
    tempfile.tempdir = None
    ended_with: object = 0
    try:
        importlib.reload(loader.startup)  # as headwater.pth does
        with _parsed_projects():
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        ended_with = end.code
    except BaseException as error:
        traceback.print_exc()
        ended_with = 130 if isinstance(error, KeyboardInterrupt) else 1
    if not isinstance(ended_with, int | None):
        sys.stderr.write(f"{ended_with}\n")
        ended_with = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended_with or 0)


@contextmanager
def _parsed_projects() -> Iterator[None]:
    from tests.support.parsed_project import find_parsed_projects

    folder = os.environ.get(PARSED_PROJECTS)
    projects = find_parsed_projects(Path(folder)) if folder else []
    for project in projects:
        project.place()
    times = [project.read_time() for project in projects]
    try:
        yield
    finally:
        for project, time in zip(projects, times, strict=True):
            if project.read_time() != time:
                project.keep()


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given:
        _serve(given)

"""Runs console commands in processes that need not import dbt and dlt first: each is forked from one that has.

It is a process like any other, with its own environment, output and exit status, and runs the very script in `bin/`;
what it lacks is three seconds of imports, of what dbt generates at its first parse, and of compiling macros. A dbt that
it starts itself is forked, too: its process hands over to one (offline/sitecustomize.py). Not so if a test may kill the
command: its dbt is then in its process group.

usage: python -m tests.support.warm LISTENER LIFELINE MODULE ...
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, NoReturn

import loader.startup
from loader.base.settings import ROOT

# Names the folder of dbt's parsed projects (parsed_project.py), for all processes of a run of pytest.
PARSED_PROJECTS = "HEADWATER_TEST_PARSED_PROJECTS"
# Names the socket of the process that forks commands, for the commands that it has forked.
FORKED_BY = "HEADWATER_TEST_FORKED_BY"
_LONGEST_REQUEST_BYTES = 1_000_000
_LONGEST_ANSWER_BYTES = 20
# What commands import late, by the names of their modules.
_LIBRARIES = (
    "dbt.adapters.duckdb",
    "dbt.adapters.postgres",
    "dbt.cli.main",
    "dbt.task.build",
    "dbt.task.list",
    "dbt.task.run_operation",
    "dlt._workspace.cli._dlt",
    "dlt.destinations",
    "psycopg2",
    "pyarrow.parquet",
    "pydantic",
    "requests",
    "rich.console",
)
_OURS = (
    "loader.cli.dlt_pipeline",
    "loader.cli.headwater",
    "loader.publish.dbt_plugin",
    "loader.publish.marts",
    "loader.runs.full_run",
    "tests.support.parsed_project",
)
_SMALL_PROJECT = ROOT / "tests" / "support" / "small_project"


class WarmProcess:
    """A forked command, with what tests need of `subprocess.Popen`."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._status: int | None = None
        self.pid = int(server.recv(_LONGEST_ANSWER_BYTES))

    def poll(self) -> int | None:
        """The exit status, if the command has ended."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status (negative: the signal that ended it). Raises TimeoutExpired after so many seconds."""
        if self._status is None:
            if not select.select([self._server], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
            self._status = int(self._server.recv(_LONGEST_ANSWER_BYTES))
            self._server.close()
        return self._status


def start_warm(
    script: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    root: Path,
    output: IO[bytes],
    *,
    is_alone: bool = False,
) -> WarmProcess:
    """Starts a console script of the checkout in `root`.

    `is_alone`: in a process group of its own, as in a terminal, with any dbt that it starts.
    """
    request = {"arguments": [script, *arguments], "environment": dict(environment), "is_alone": is_alone}
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.connect(start_server(root))
    with Path(os.devnull).open() as nothing:
        socket.send_fds(server, [json.dumps(request).encode()], [nothing.fileno(), output.fileno(), output.fileno()])
    return WarmProcess(server)


def run_warm(
    script: str, arguments: Sequence[str], environment: Mapping[str, str], root: Path = ROOT
) -> tuple[int, str]:
    """Runs a console script of the checkout in `root` to its end; returns its exit status and its output."""
    with tempfile.TemporaryFile() as output:
        status = start_warm(script, arguments, environment, root, output).wait()
        output.seek(0)
        return status, output.read().decode()


@cache
def start_server(root: Path) -> str:
    """Starts this test process's server for a checkout, which ends with this process; returns its socket's path.

    A dbt that has this path in FORKED_BY is forked, too, whoever starts it.
    """
    path = Path(tempfile.mkdtemp(prefix="headwater-")) / "socket"
    # Tests change the code of a copy: there each command imports it anew.
    modules = (*_LIBRARIES, *_OURS) if root == ROOT else _LIBRARIES
    end_of_life, _ = os.pipe()  # the other end is closed when this process ends
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        descriptors = [listener.fileno(), end_of_life]
        subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm", *map(str, descriptors), *modules],
            cwd=root,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]),
                # Killed commands leave some, which end with this process.
                "PYTHONWARNINGS": "ignore:resource_tracker",
            },
            pass_fds=descriptors,
        )
    os.close(end_of_life)
    return str(path)


def _serve(listener: socket.socket, lifeline: int, modules: Sequence[str]) -> None:
    for name in modules:
        importlib.import_module(name)
    _parse()
    gc.collect()
    gc.freeze()
    # From Python 3.12 on. The other threads are idle ones of numpy and pyarrow.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    # The kernel reaps who waits for a command.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    path = listener.getsockname()
    while lifeline not in select.select([listener, lifeline], [], [])[0]:
        client, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _answer(client, path)
        client.close()
    shutil.rmtree(Path(path).parent)


def _parse() -> None:
    """Lets dbt parse a small project, read what it has parsed, and compile all macros, so that no command has to."""
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.clients.jinja import template_cache

    environment = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DBT_PROJECT_DIR": str(_SMALL_PROJECT), "DBT_TARGET_PATH": folder, "DBT_LOG_PATH": folder}
        for _ in range(2):
            # The static parser has threads, which a forked process would lack; so does what the project leaves out.
            parsed = dbtRunner().invoke(["--quiet", "--no-static-parser", "parse"])
            assert isinstance(parsed.result, Manifest), parsed.exception
    os.environ.clear()
    os.environ.update(environment)
    for macro in parsed.result.macros.values():
        template_cache.get_node_template(macro)


def _answer(client: socket.socket, path: str) -> NoReturn:
    """Starts the command, waits for it and reports how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    request, descriptors, _, _ = socket.recv_fds(client, _LONGEST_REQUEST_BYTES, 3)
    given = json.loads(request)
    command = os.fork()
    if command == 0:
        client.close()
        for number, descriptor in enumerate(descriptors):
            os.dup2(descriptor, number)
            os.close(descriptor)
        started_by = {} if given["is_alone"] else {FORKED_BY: path}
        _run(given["arguments"], {**given["environment"], **started_by})
    if given["is_alone"]:
        os.setpgid(command, command)  # before the test knows it, and may kill the group
    client.send(str(command).encode())
    _, ended_with = os.waitpid(command, 0)
    client.send(str(os.waitstatus_to_exitcode(ended_with)).encode())
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
        _serve(given, int(sys.argv[2]), sys.argv[3:])

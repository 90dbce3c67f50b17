"""Runs Headwater's commands as a user would: in a process, from the repository's root, with a home of their own."""

import os
import signal
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import duckdb

from loader.base.settings import ROOT, Settings, read_settings
from loader.publish import embedded, postgres
from tests.support.warm import WarmProcess, run_warm, start_warm

SCRIPTS = Path(sysconfig.get_path("scripts"))
RECORDED = ROOT.parent / "shared" / "data"
BENCH = ROOT.parent / "shared" / "bench"
_WARM = ("dbt", "dlt", "headwater")
BUILD_WITHOUT_TESTS = ("dbt", "build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    status: int
    output: str


class Running:
    """A command that runs, with the processes that it starts in one group, as a terminal does it."""

    def __init__(self, process: "subprocess.Popen[bytes] | WarmProcess", output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def has_ended(self) -> bool:
        """Whether the command is over."""
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        """The number of the command's own process, and of its group."""
        return self._process.pid

    def kill(self) -> None:
        """Ends the whole group at once with SIGKILL, as a lack of memory would."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Sends the whole group a signal; harmless when it has ended."""
        if not self.has_ended:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def wait(self, seconds: float) -> Finished:
        """Waits for the end, which must come within `seconds`."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"still there after {seconds} seconds: {self._output.read_text()}") from None
        return Finished(status, self._output.read_text())


class Workspace:
    """A data folder of its own; its embedded server is stopped at the end.

    dbt leaves its unit tests out: they bring their own rows, so that they are the same in every workspace.
    """

    root = ROOT

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.environment: dict[str, str] = {
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "HEADWATER_DATA": str(folder / "data"),
            "HEADWATER_LOCK_WAIT_SECONDS": "0.5",
            "COLUMNS": "160",
            "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
            # Only who looks for secrets reads dbt's log of every statement.
            "DBT_LOG_LEVEL_FILE": "none",
            # A developer's own may be in their .dlt folder.
            "SOURCES__OPENALEX__INSTITUTION": "",
            # A request each: enough of them to be sure that they come with all else.
            "SOURCES__OPENALEX__COAUTHOR_CREDITS": "20",
            "SOURCES__OPENALEX__DEFER_COAUTHORS_UP_TO": "0",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        embedded.stop(self.settings)

    @property
    def settings(self) -> Settings:
        """As the commands of this workspace read them."""
        return read_settings(self.environment)

    def serve(self, url: str, roster: Path) -> None:
        """Points the commands at a stand-in OpenAlex."""
        self.environment |= {
            "SOURCES__OPENALEX__BASE_URL": url,
            "SOURCES__OPENALEX__ROSTER": str(roster),
            "SOURCES__OPENALEX__REQUESTS_PER_SECOND": "1000",
        }

    def serve_papers(self, url: str) -> None:
        """Points the commands at a stand-in Semantic Scholar, which is not asked by itself."""
        self.environment |= {
            "SOURCES__SEMANTIC_SCHOLAR__ENABLED": "true",
            "SOURCES__SEMANTIC_SCHOLAR__BASE_URL": url,
            "SOURCES__SEMANTIC_SCHOLAR__REQUESTS_PER_SECOND": "1000",
        }

    def write_roster(self, *lines: str) -> Path:
        """Writes a roster with these lines and returns its path."""
        path = self.folder / "roster.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def run(self, command: str, *arguments: str, extra: Mapping[str, str] | None = None) -> Finished:
        """Runs a command of the virtual environment to its end; one of ours in a process that has its imports."""
        program = str(SCRIPTS / command)
        if command in _WARM:
            return Finished(*run_warm(program, arguments, self._extend(extra), self.root))
        return self.run_program([program, *arguments], extra)

    def run_program(self, arguments: Sequence[str], extra: Mapping[str, str] | None = None) -> Finished:
        """Runs any program to its end, in this workspace's environment."""
        finished = subprocess.run(
            list(arguments),
            cwd=self.root,
            env=self._extend(extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Finished(finished.returncode, finished.stdout)

    def start(self, command: str, *arguments: str, extra: Mapping[str, str] | None = None) -> Running:
        """Starts a command of the virtual environment, in a process group of its own."""
        output = self.folder / "output.log"
        program = str(SCRIPTS / command)
        with output.open("wb") as file:
            if command in _WARM:
                environment = self._extend(extra)
                return Running(start_warm(program, arguments, environment, self.root, file, is_alone=True), output)
            process = subprocess.Popen(
                [program, *arguments],
                cwd=self.root,
                env=self._extend(extra),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Running(process, output)

    def _extend(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        return {**os.environ, **self.environment, **(extra or {})}

    def run_well(self, command: str, *arguments: str) -> str:
        """Runs a command that must succeed; returns what it printed."""
        finished = self.run(command, *arguments)
        assert finished.status == 0, finished.output
        return finished.output

    @contextmanager
    def open_duckdb(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, to read."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            yield connection

    @contextmanager
    def open_both(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, with Postgres attached as `postgres_server`."""
        from loader.publish.marts import attach_postgres

        with self.open_duckdb() as connection:
            attach_postgres(connection, self.server)
            yield connection

    @property
    def server(self) -> postgres.Server:
        """The embedded Postgres server of this workspace."""
        return postgres.find_server(self.settings, {})

    def query_postgres(self, sql: str) -> list[tuple[object, ...]]:
        """Asks Postgres."""
        with self.server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

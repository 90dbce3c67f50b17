"""A small institution whose OpenAlex moves on from week to week, and a warehouse that can be put back."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from loader.raw.warehouse import open_warehouse
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from tests.chaos.packages import Packages
from tests.support.sample import ROSTER_SIZE, WORK_COUNT
from tests.support.workspace import Workspace

# A process that was killed lets go of its file when the system has cleared it away.
_LET_GO_SECONDS = 10


class World:
    """The commands' workspace, a stand-in OpenAlex for each week, and saved states of the warehouse."""

    def __init__(self, workspace: Workspace, weeks: int) -> None:
        self.workspace = workspace
        # As users have it: readers, and what a kill has left, are waited for.
        workspace.environment.pop("HEADWATER_LOCK_WAIT_SECONDS", None)
        # Which coauthors are requested follows from the weeks in which runs ended.
        workspace.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = "0"
        self._roster = workspace.folder / "roster.csv"
        write_roster(self._roster, roster_size=ROSTER_SIZE)
        self._servers = {
            week: OpenAlexServer(
                generate_catalogue(day=1 + 7 * (week - 1), roster_size=ROSTER_SIZE, work_count=WORK_COUNT)
            )
            for week in range(1, weeks + 1)
        }
        self.serve(1)

    def stop(self) -> None:
        """Stops the servers."""
        for server in self._servers.values():
            server.stop()

    def serve(self, week: int) -> None:
        """Lets the commands that follow see OpenAlex as it is in that week."""
        self._week = week
        self.workspace.serve(self._servers[week].url, self._roster)

    def count_requests(self) -> int:
        """How many requests this week's OpenAlex has had."""
        return len(self._servers[self._week].requests)

    @property
    def packages(self) -> Packages:
        """Dlt's folders of load packages."""
        return Packages(self.workspace.settings.state / "dlt" / "pipelines" / "openalex")

    def save(self, name: str) -> None:
        """Keeps a copy of the warehouse and its state folder; Postgres stays as it is."""
        self._find_saved(name).mkdir(parents=True)
        for path in self._list_files():
            _copy(path, self._find_saved(name) / path.name)

    def restore(self, name: str) -> None:
        """Puts the copy of that name in the warehouse's place."""
        for path in self._list_files():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self._find_saved(name).iterdir():
            _copy(path, self.workspace.settings.data / path.name)

    @contextmanager
    def open_duckdb(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, to read, as soon as a killed process has let go of it."""
        with open_warehouse(self.workspace.settings.warehouse, wait_seconds=_LET_GO_SECONDS, read_only=True) as opened:
            yield opened

    def _list_files(self) -> list[Path]:
        return sorted(self.workspace.settings.data.glob("warehouse.*"))

    def _find_saved(self, name: str) -> Path:
        return self.workspace.folder / "saved" / name


@contextmanager
def make_world(workspace: Workspace, weeks: int) -> Iterator[World]:
    """A world of so many weeks, in the first of them."""
    world = World(workspace, weeks)
    try:
        yield world
    finally:
        world.stop()


def let_pass(seconds: float) -> None:
    """Lets a part of the time pass that a phase took when nothing was killed: this is the random moment itself."""
    time.sleep(seconds)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)

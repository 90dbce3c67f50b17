"""A small institution whose OpenAlex moves on from week to week, and a warehouse that can be put back."""

from collections.abc import Iterator
from contextlib import contextmanager

from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from tests.chaos.saved import ServedWarehouse
from tests.support.sample import ROSTER_SIZE, WORK_COUNT
from tests.support.workspace import Workspace


class World(ServedWarehouse):
    """The commands' workspace, a stand-in OpenAlex for each week, and saved states of the warehouse."""

    def __init__(self, workspace: Workspace, weeks: int) -> None:
        super().__init__(workspace, "openalex")
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


@contextmanager
def make_world(workspace: Workspace, weeks: int) -> Iterator[World]:
    """A world of so many weeks, in the first of them."""
    world = World(workspace, weeks)
    try:
        yield world
    finally:
        world.stop()

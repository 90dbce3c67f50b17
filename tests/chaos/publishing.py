"""The moments of a handoff and of a publication, as Postgres shows them to any session."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from random import Random

from psycopg2.extensions import connection as postgres_connection

from loader.publish.postgres import Server
from tests.chaos.saved import let_pass
from tests.chaos.world import World
from tests.support.publishing import HAND_OFF, PUBLISH
from tests.support.waiting import wait_until
from tests.support.workspace import Running

COMMANDS = {"handoff": HAND_OFF, "publish": PUBLISH}
# A kill in so many is kept for the moment at which the swap waits for a reader.
_ONE_SWAP_IN = 4
# The number of the server's first process, and that of a session of dbt's.
VICTIMS = {
    "server": "select split_part(pg_read_file('postmaster.pid'), chr(10), 1)",
    "backend": "select pid from pg_stat_activity where application_name = 'dbt' limit 1",
}
_PAPERS = "to_regclass('marts.fct_papers')"


class Watch:
    """What happens in Postgres since the watch began, seen through a connection of its own."""

    def __init__(self, connection: postgres_connection) -> None:
        self._connection = connection
        connection.autocommit = True
        self._next_before = self._find("to_regnamespace('marts_next')")
        self._papers_before = self._find(_PAPERS)

    def is_handing_off(self) -> bool:
        """Whether DuckDB is connected; it gives its connections no name."""
        return self._is_there(
            "select 1 from pg_stat_activity where backend_type = 'client backend' and usename = 'postgres'"
            " and application_name = ''"
        )

    def is_publishing(self) -> bool:
        """Whether `marts_next` was made."""
        return self._find("to_regnamespace('marts_next')") not in (None, self._next_before)

    def has_swapped(self) -> bool:
        """Whether the marts are others than before."""
        return self._find(_PAPERS) != self._papers_before

    def is_kept_waiting(self) -> bool:
        """Whether a session waits for a lock that another holds."""
        return self._is_there("select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0")

    def kill(self, victim: str) -> bool:
        """Kills a process of the server at once (one of VICTIMS); False if there is none."""
        with self._connection.cursor() as cursor:
            cursor.execute(VICTIMS[victim])
            found = cursor.fetchone()
        if found:
            os.kill(int(found[0]), signal.SIGKILL)
        return found is not None

    def _is_there(self, query: str) -> bool:
        with self._connection.cursor() as cursor:
            cursor.execute(f"{query} and pid != pg_backend_pid()")
            return cursor.fetchone() is not None

    def _find(self, oid: str) -> object:
        with self._connection.cursor() as cursor:
            cursor.execute(f"select {oid}::oid")
            (found,) = cursor.fetchone() or (None,)
        return found


@contextmanager
def watch(server: Server) -> Iterator[Watch]:
    """Watches Postgres until the end of the block."""
    with closing(server.connect()) as connection:
        yield Watch(connection)


@dataclass(frozen=True)
class PublicationMoment:
    """A moment of a handoff or a publication; or of the swap, while a reader of the marts keeps it waiting."""

    phase: str
    seconds_later: float
    is_swap: bool = False

    def wait(self, server: Server, watched: Watch, running: Running) -> bool:
        """Waits for it; False when the command ended first."""
        if self.is_swap:
            with _read_for_long(server):
                came = wait_until(watched.is_kept_waiting, running)
                # Killed while it waits: the reader lets go afterwards.
                running.kill()
            return came
        begun = watched.is_handing_off if self.phase == "handoff" else watched.is_publishing
        came = wait_until(begun, running)
        let_pass(self.seconds_later)
        return came and not running.has_ended


def draw_publication_moment(phase: str, seconds: float, chance: Random) -> PublicationMoment:
    """A moment at random in a phase that takes so many seconds."""
    if phase == "publish" and chance.randrange(_ONE_SWAP_IN) == 0:
        return PublicationMoment(phase, 0, is_swap=True)
    return PublicationMoment(phase, chance.random() * seconds)


def measure_publication(world: World, phase: str) -> float:
    """Runs the command undisturbed; the seconds from its first trace in Postgres to its last."""
    seen: list[float] = []
    with watch(world.workspace.server) as watched:
        running = world.workspace.start(*COMMANDS[phase])

        def look() -> bool:
            is_at_it = watched.is_handing_off() if phase == "handoff" else watched.is_publishing()
            if is_at_it and not watched.has_swapped():
                seen.append(time.monotonic())
            return False

        wait_until(look, running)
    finished = running.wait(0)
    assert finished.status == 0, finished.output
    return seen[-1] - seen[0]


@contextmanager
def _read_for_long(server: Server) -> Iterator[None]:
    """A reader whose transaction has read a mart and continues."""
    with closing(server.as_reader().connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from fct_papers")
        yield

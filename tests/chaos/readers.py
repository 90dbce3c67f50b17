"""Readers of the published marts, as they see them from outside while something publishes or is killed."""

from collections import Counter
from collections.abc import Sequence
from random import Random
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import (
    ISOLATION_LEVEL_READ_COMMITTED,
    ISOLATION_LEVEL_REPEATABLE_READ,
)
from psycopg2.extensions import connection as postgres_connection

from loader.base.errors import HeadwaterError
from loader.publish.postgres import Server
from tests.chaos.fingerprints import TIMES_OF_RUN

Version = tuple[tuple[str, int, int], ...]
"""Name, rows and fingerprint of every mart: equal where all rows of all marts are."""

# Leaves the two cores some time for what publishes.
_PAUSE_SECONDS = 0.1
_FINGERPRINT = f"""
    select count(*), coalesce(sum(hashtextextended((to_jsonb(mart) - array{list(TIMES_OF_RUN)})::text, 0)), 0)
    from marts.{{name}} as mart
"""


def read_version(connection: postgres_connection, marts: Sequence[str]) -> Version:
    """What the marts hold, read one after the other in one transaction."""
    found = []
    with connection, connection.cursor() as cursor:
        for name in marts:
            cursor.execute(sql.SQL(_FINGERPRINT).format(name=sql.Identifier(name)))
            rows, total = cursor.fetchone() or (0, 0)
            found.append((name, int(rows), int(total)))
    return tuple(sorted(found))


class Readers:
    """Two readers that poll until the end of the block, one READ COMMITTED and one REPEATABLE READ.

    Each poll is one transaction that reads all marts, in an order of chance: readers know of no right one.

    `versions` counts what the polls saw; `troubles` are the errors that they met. While a test kills the server,
    `may_lose_server` lets them connect again.
    """

    def __init__(self, server: Server, marts: Sequence[str], chance: Random, *, may_lose_server: bool = False) -> None:
        self.versions: Counter[Version] = Counter()
        self.troubles: list[str] = []
        self._server = server.as_reader()
        self._marts = marts
        self._may_lose_server = may_lose_server
        self._stop = Event()
        self._lock = Lock()
        self._threads = [
            Thread(target=self._poll, args=(level, Random(chance.random())))
            for level in (ISOLATION_LEVEL_READ_COMMITTED, ISOLATION_LEVEL_REPEATABLE_READ)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def polls(self) -> int:
        """How many polls read all marts."""
        return self.versions.total()

    def _poll(self, isolation_level: int, chance: Random) -> None:
        while not self._stop.is_set():
            connection = None
            try:
                connection = self._server.connect()
                connection.set_session(isolation_level=isolation_level)
                while not self._stop.wait(_PAUSE_SECONDS):
                    version = read_version(connection, chance.sample(self._marts, len(self._marts)))
                    with self._lock:
                        self.versions[version] += 1
                connection.close()
            except (HeadwaterError, psycopg2.Error) as error:
                is_lost = connection is None or connection.closed or "server closed the connection" in str(error)
                if not (self._may_lose_server and is_lost):
                    self.troubles.append(f"isolation level {isolation_level}: {type(error).__name__}: {error}")
                self._stop.wait(_PAUSE_SECONDS)

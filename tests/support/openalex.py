"""Loads from a stand-in OpenAlex into a warehouse of the test's own, in the test's process."""

from pathlib import Path
from typing import Any

import duckdb

from loader.base.settings import Settings
from loader.samples.openalex.server import OpenAlexServer
from tests.support.loading import SourceLoader

TABLES = ("roster", "authors", "works", "institutions", "topics")


class Loader(SourceLoader):
    """Loads from a server into a warehouse of the test's own."""

    def __init__(self, settings: Settings, server: OpenAlexServer, roster: Path) -> None:
        super().__init__(
            "openalex",
            settings,
            base_url=server.url,
            roster=roster,
            institution=None,
            api_key=None,
            requests_per_second=1000.0,
            requests_per_day=None,
            # One request each, which only the tests of them want.
            coauthor_credits=0,
            defer_coauthors_up_to=0,
        )

    def ask(self, sql: str) -> Any:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            (answer,) = connection.execute(sql).fetchone() or (None,)
        return answer

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def read_raw(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of raw but for the ids of loads."""
        columns = "id, updated_at::varchar, record_hash, document::varchar"
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return {
                table: connection.execute(f"select {columns} from raw_openalex.{table} order by all").fetchall()
                for table in TABLES
            }

"""Loads from a stand-in OpenAlex into a warehouse of the test's own, in the test's process."""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
from dlt.extract import DltSource

from loader.console import build_console
from loader.loads import SourceLoad, estimate_sources, load_source, run_sources
from loader.options import Estimate, LoadOptions
from loader.samples.openalex_server import OpenAlexServer
from loader.settings import Settings
from loader.sources import SOURCES, SourceEntry

TABLES = ("roster", "authors", "works", "institutions", "topics")


class Loader:
    """Loads from a server into a warehouse of the test's own."""

    def __init__(self, settings: Settings, server: OpenAlexServer, roster: Path) -> None:
        self.settings = settings
        self.arguments: dict[str, Any] = {
            "base_url": server.url,
            "roster": str(roster),
            "institution": None,
            "api_key": None,
            "requests_per_second": 1000.0,
            "requests_per_day": None,
            # One request each, which only the tests of them want.
            "coauthor_credits": 0,
        }

    def load(self, options: LoadOptions | None = None, **changed: Any) -> SourceLoad:
        job = partial(load_source, options=options or LoadOptions())
        (load,) = run_sources([self._change_entry(**changed)], self.settings, build_console(), job)
        return load

    def estimate(self, options: LoadOptions | None = None) -> list[Estimate]:
        entries = [self._change_entry()]
        ((_, estimates),) = estimate_sources(entries, self.settings, build_console(), options or LoadOptions())
        return estimates

    def _change_entry(self, **changed: Any) -> SourceEntry:
        entry = SOURCES["openalex"]

        def build(**given: Any) -> DltSource:
            return entry.build(**given, **{**self.arguments, **changed})

        return dataclasses.replace(entry, build=build)

    def ask(self, sql: str) -> Any:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            (answer,) = connection.execute(sql).fetchone() or (None,)
        return answer

    def read_raw(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of raw but for the ids of loads."""
        columns = "id, updated_at::varchar, record_hash, document::varchar"
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return {
                table: connection.execute(f"select {columns} from raw_openalex.{table} order by all").fetchall()
                for table in TABLES
            }

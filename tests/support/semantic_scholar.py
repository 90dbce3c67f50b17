"""Loads from a stand-in Semantic Scholar into the warehouse that a stand-in OpenAlex was loaded into."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from loader.base.settings import Settings
from loader.samples.semantic_scholar.server import SemanticScholarServer
from tests.support.loading import SourceLoader


class PaperLoader(SourceLoader):
    """Loads papers as `dlt pipeline semantic_scholar run` does, in the test's process."""

    def __init__(self, settings: Settings, server: SemanticScholarServer) -> None:
        super().__init__(
            "semantic_scholar",
            settings,
            base_url=server.url,
            api_key=None,
            requests_per_second=1000.0,
            refresh_after_days=30.0,
        )

    def ask(self, sql: str) -> Any:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def read_lookups(self) -> dict[str, tuple[str, str | None]]:
        """Status and paper of every DOI that was answered."""
        rows = self.ask(
            "select id, document ->> '$.status', document ->> '$.paper_id' from raw_semantic_scholar.lookups"
        )
        return {doi: (status, paper_id) for doi, status, paper_id in rows}

    def read_papers(self) -> dict[str, dict[str, Any]]:
        """The documents in raw, by their key."""
        return {key: json.loads(text) for key, text in self.ask("select id, document from raw_semantic_scholar.papers")}

    def age_lookups(self, status: str, days: float) -> None:
        """Makes the answers of a status as old as that."""
        at = datetime.now(UTC) - timedelta(days=days)
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            connection.execute(
                "update raw_semantic_scholar.lookups set updated_at = ? where document ->> '$.status' = ?",
                [at, status],
            )

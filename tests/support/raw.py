"""A DuckDB file whose raw schema is loaded page by page, in this process, as a source would."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import dlt
import duckdb
from dlt.extract import DltSource

from loader.base.settings import read_settings
from loader.fetch.pages import Page
from loader.raw.documents import document_resource, load_documents
from loader.raw.ledger import LoadCounts
from loader.raw.pipelines import pipeline_for
from loader.raw.record import Record
from loader.raw.replay import build_replay, plan_replays
from loader.raw.warehouse import RawSchema
from loader.runs.recovery import recover
from loader.sources.openalex.models import Work
from tests.support.progress import SilentProgress


def work(number: int, title: str = "A title", updated: str = "2026-01-01T00:00:00", **fields: Any) -> bytes:
    record = {"id": f"https://openalex.org/W{number}", "title": title, "updated_date": updated, **fields}
    return json.dumps(record, ensure_ascii=False).encode()


class Raw:
    """The warehouse in a folder, with a table of works; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.settings = read_settings({"HEADWATER_DATA": str(folder)})
        self.progress = SilentProgress()
        self.open()

    def open(self) -> None:
        """Opens the file that is there now, or a new one."""
        self.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect(str(self.settings.warehouse))
        self.connection.execute("set timezone = 'UTC'")
        self.schema = RawSchema(self.connection, "raw_openalex")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def load(self, *pages: list[bytes], model: type[Record] = Work) -> dict[str, int]:
        """Loads the pages in one load and returns the counts without the zeros."""
        return self._run(self.build_source(*pages, model=model))

    def build_source(self, *pages: list[bytes], model: type[Record] = Work) -> DltSource:
        """A source of these pages of works."""

        def rows() -> Iterator[Any]:
            yield from load_documents(
                [Page(page) for page in pages],
                resource="works",
                model=model,
                raw=self.schema,
                progress=self.progress,
            )

        return dlt.source(lambda: [document_resource("works", rows)], name="openalex")()

    def replay(self, model: type[Record] = Work) -> dict[str, int]:
        """Replays the rejected works and returns the counts without the zeros."""
        models = {"works": model}
        plans = plan_replays(self.schema, models)
        return self._run(build_replay("openalex", plans, models, self.schema, self.progress))

    def _run(self, source: DltSource) -> dict[str, int]:
        self.progress.counts.clear()
        pipeline = recover(pipeline_for("openalex", self.settings, self.connection), self.schema, self.progress)
        pipeline.run(source, loader_file_format="parquet")
        counts = self.progress.counts.get("works", LoadCounts())
        assert counts.is_balanced
        return {name: number for name, number in vars(counts).items() if number}

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks the warehouse."""
        return self.connection.cursor().execute(sql).fetchall()

"""A warehouse into which one resource of any shape is loaded, as in a run."""

from pathlib import Path
from typing import Any, Self

import dlt
from dlt.extract import DltSource

from loader.base.settings import read_settings
from loader.raw.ledger import LoadCounts
from loader.raw.limits import apply_limits
from loader.raw.pipelines import pipeline_for
from loader.raw.replay import build_replay, plan_replays
from loader.raw.series import Series
from loader.raw.shapes import Resource
from loader.raw.warehouse import RawSchema, open_warehouse
from loader.runs.recovery import recover
from tests.support.progress import SilentProgress

SOURCE = "sample"


class ShapeLoader:
    """The warehouse in a folder, with the raw schema `raw_sample`; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.settings = read_settings({"HEADWATER_DATA": str(folder)})
        self.progress = SilentProgress()

    def __enter__(self) -> Self:
        self._opened = open_warehouse(self.settings.warehouse, wait_seconds=0)
        self.connection = self._opened.__enter__()
        self.raw = RawSchema(self.connection, f"raw_{SOURCE}")
        return self

    def __exit__(self, *error: Any) -> None:
        self._opened.__exit__(*error)

    def load(self, resource: Resource[Any], given: Any) -> dict[str, int]:
        """Loads what the resource makes of `given` and returns the counts without the zeros."""
        apply_limits(self.connection, resource.limits)
        return self._run(resource.name, self._build_source(resource, given))

    def leave_pending(self, resource: Resource[Any], given: Any) -> None:
        """Does what a run has done that is killed before it loads."""
        pipeline = self._recover()
        pipeline.extract(self._build_source(resource, given), loader_file_format="parquet")
        pipeline.normalize()

    def replay(self, resource: Resource[Any]) -> dict[str, int]:
        """Replays the rejects of the resource and returns the counts without the zeros."""
        reader = resource if isinstance(resource, Series) else resource.model
        readers = {resource.name: reader} if reader else {}
        plans = plan_replays(self.raw, readers)
        return self._run(resource.name, build_replay(SOURCE, plans, readers, self.raw, self.progress))

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Asks the warehouse; `{raw}` stands for the raw schema."""
        return self.raw.query(sql)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row that raw holds, by table, but for the counts of each load."""
        tables = self.raw.query_keys(
            "select table_name from duckdb_tables() where schema_name = '{raw}' and table_name not like '\\_dlt%'"
            " escape '\\' and table_name != 'load_counts'"
        )
        return {table: self.ask(f"from {{raw}}.{table} order by all") for table in tables}

    def check_ledger(self, resource: str, rows: int) -> None:
        """All records of all loads are accounted for, and new - removed is the number of rows in raw."""
        ((unbalanced, held),) = self.ask(
            "select count(*) filter (extracted_count != new_count + changed_count + unchanged_count + repeated_count"
            " + rejected_count), sum(new_count - removed_count) from {raw}.load_counts"
            f" where resource = '{resource}'"
        )
        assert (unbalanced, held) == (0, rows)

    def _build_source(self, resource: Resource[Any], given: Any) -> DltSource:
        return dlt.source(lambda: [resource.build(given, self.raw, self.progress)], name=SOURCE)()

    def _recover(self) -> dlt.Pipeline:
        return recover(pipeline_for(SOURCE, self.settings, self.connection), self.raw, self.progress)

    def _run(self, name: str, source: DltSource) -> dict[str, int]:
        self.progress.counts.clear()
        self.progress.changes.clear()
        self.progress.failures.clear()
        self._recover().run(source, loader_file_format="parquet")
        counts = self.progress.counts.get(name, LoadCounts())
        assert counts.is_balanced
        return {kind: number for kind, number in vars(counts).items() if number}

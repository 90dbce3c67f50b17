"""One pipeline a source: `pipeline_for` alone chooses destination, dataset and state folder."""

from dataclasses import dataclass

import dlt
import duckdb

from loader.settings import Settings


@dataclass(frozen=True)
class Warehouse:
    """The raw schema of one source, as its resources may read it while they load."""

    connection: duckdb.DuckDBPyConnection
    schema: str

    def has_table(self, table: str) -> bool:
        """Whether raw holds the table."""
        found = (
            self.connection.cursor()
            .execute(
                "select 1 from information_schema.tables where table_schema = ? and table_name = ?",
                [self.schema, table],
            )
            .fetchone()
        )
        return found is not None

    def query_keys(self, sql: str) -> list[str]:
        """The one column that a query answers; `{raw}` in it stands for the raw schema."""
        return [str(key) for (key,) in self.connection.cursor().execute(sql.format(raw=self.schema)).fetchall()]

    def read_hashes(self, table: str) -> dict[str, str]:
        """The record hash of every key of a table of documents: about 250 bytes of memory a record."""
        if not self.has_table(table):
            return {}
        return dict(self.connection.cursor().execute(f"select id, record_hash from {self.schema}.{table}").fetchall())


def name_raw_schema(source: str) -> str:
    """The DuckDB schema that a source's raw tables live in."""
    return f"raw_{source}"


def pipeline_for(source: str, settings: Settings, connection: duckdb.DuckDBPyConnection) -> dlt.Pipeline:
    """The dlt pipeline of a source, writing through `connection` and keeping its state beside the warehouse."""
    return dlt.pipeline(
        pipeline_name=source,
        destination=dlt.destinations.duckdb(connection),
        dataset_name=name_raw_schema(source),
        pipelines_dir=str(settings.state / "dlt" / "pipelines"),
    )

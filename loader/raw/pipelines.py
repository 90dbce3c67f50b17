"""One pipeline for each source: `pipeline_for` alone chooses destination, dataset and state folder."""

import dlt
import duckdb
from dlt.destinations.impl.duckdb.configuration import DuckDbCredentials

from loader.base.settings import Settings
from loader.raw.destination import Warehouse


def name_raw_schema(source: str) -> str:
    """The DuckDB schema that a source's raw tables live in."""
    return f"raw_{source}"


def pipeline_for(source: str, settings: Settings, connection: duckdb.DuckDBPyConnection) -> dlt.Pipeline:
    """The dlt pipeline of a source, writing through `connection` and keeping its state beside the warehouse."""
    credentials = DuckDbCredentials(connection)
    # Else dlt looks each of their fields up in its configuration some fifty times in a load.
    credentials.resolve()
    return dlt.pipeline(
        pipeline_name=source,
        destination=Warehouse(credentials),
        dataset_name=name_raw_schema(source),
        pipelines_dir=str(settings.state / "dlt" / "pipelines"),
    )

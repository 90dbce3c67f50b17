"""DuckDB as dlt's destination, with merges that are one transaction and read a load's Parquet files in place.

dlt's own merge first copies each file into a table of its staging dataset: every document would be written twice, and
the warehouse would keep both copies.
"""

from collections.abc import Sequence
from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext, PreparedTableSchema
from dlt.common.destination.client import (
    FollowupJobRequest,
    HasFollowupJobs,
    LoadJob,
    RunnableLoadJob,
)
from dlt.common.storages.load_package import LoadJobInfo
from dlt.destinations.impl.duckdb.duck import DuckDbClient
from dlt.destinations.impl.duckdb.factory import duckdb
from dlt.destinations.sql_client import SqlClientBase
from dlt.destinations.sql_jobs import SqlMergeFollowupJob


class Warehouse(duckdb):
    """dlt's duckdb destination, under its own type: states and settings of pipelines stay as they are."""

    @property
    def destination_type(self) -> str:
        """What dlt keeps in a pipeline's state."""
        return "dlt.destinations.duckdb"

    @property
    def client_class(self) -> type[DuckDbClient]:
        """What dlt loads with."""
        return _MergingClient

    def _raw_capabilities(self) -> DestinationCapabilitiesContext:
        """As dlt's, which leaves transactions out: a merge would delete rows and insert them in two commits."""
        capabilities = super()._raw_capabilities()
        capabilities.supports_transactions = True
        return capabilities


class _MergingClient(DuckDbClient):
    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        if table["write_disposition"] == "merge" and file_path.endswith(".parquet"):
            return _LeftInPlace(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def create_table_chain_completed_followup_jobs(
        self,
        table_chain: Sequence[PreparedTableSchema],
        completed_table_chain_jobs: Sequence[LoadJobInfo] | None = None,
    ) -> list[FollowupJobRequest]:
        jobs = [job for job in completed_table_chain_jobs or () if job.file_path.endswith(".parquet")]
        if table_chain[0]["write_disposition"] == "merge" and jobs:
            return [_merge_files(table_chain, self.sql_client, jobs)]
        return super().create_table_chain_completed_followup_jobs(table_chain, completed_table_chain_jobs)


class _LeftInPlace(RunnableLoadJob, HasFollowupJobs):
    """A file that the merge will read."""

    def run(self) -> None:
        """Nothing is copied."""


def _merge_files(
    table_chain: Sequence[PreparedTableSchema], sql_client: SqlClientBase[Any], jobs: Sequence[LoadJobInfo]
) -> FollowupJobRequest:
    """The merge of dlt, of the files of these jobs in addition to the tables' staging tables, which are empty.

    Those give the types, and the columns that a file lacks. `jobs` have the paths that the files have after their job.
    """

    class MergeOfFiles(SqlMergeFollowupJob):
        @classmethod
        def generate_sql(cls, table_chain: Sequence[PreparedTableSchema], sql_client: SqlClientBase[Any]) -> list[str]:
            statements = super().generate_sql(table_chain, sql_client)
            for table in table_chain:
                _, staged = sql_client.get_qualified_table_names(str(table["name"]))
                paths = [job.file_path for job in jobs if job.job_file_info.table_name == table["name"]]
                if paths:
                    rows = _describe_rows(staged, paths)
                    statements = [statement.replace(staged, rows) for statement in statements]
            return statements

    return MergeOfFiles.from_table_chain(table_chain, sql_client)


def _describe_rows(staged: str, paths: Sequence[str]) -> str:
    files = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
    return f"(FROM {staged} UNION ALL BY NAME FROM read_parquet([{files}], union_by_name=true))"

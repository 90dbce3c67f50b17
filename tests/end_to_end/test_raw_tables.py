"""What dbt tests of every raw table of documents, and which tables it needs before it builds anything."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from pydantic import Field

from loader.sources.openalex.models import Work
from tests.support.raw import Raw, work
from tests.support.workspace import Workspace

_TEST = "source_expect_sound_documents_openalex_works_"
_TABLES = ("works", "load_counts", "rejected_records", "replays", "field_inventory")
_REQUIRED = {
    "works": ("id", "record_hash", "document", "_dlt_load_id"),
    "load_counts": (
        "_dlt_load_id",
        "resource",
        "extracted_count",
        "new_count",
        "changed_count",
        "unchanged_count",
        "repeated_count",
        "rejected_count",
    ),
    "rejected_records": ("id", "resource", "reason", "record_hash", "record", "_dlt_load_id"),
    "replays": ("reject_id", "resource", "record_id", "outcome", "replayed_at", "_dlt_load_id"),
    "field_inventory": (
        "resource",
        "path",
        "types",
        "first_seen_at",
        "first_load_id",
        "last_seen_at",
        "last_load_id",
        "record_count",
        "examined_count",
        "record_share",
        "_dlt_load_id",
    ),
}
_HASH = "record_hash is not the SHA-256 of document"
_SUM = "load_counts: extracted is not new + changed + unchanged + repeated + rejected"
_LOST_REJECT = "replays names a record that rejected_records does not have"
# How raw may be broken, and the faults that the test then finds.
_BREAKS = {
    "another document": ("update works set document = '{}' where id like '%W1'", {_HASH}),
    "another hash": ("update works set record_hash = sha256('') where id like '%W1'", {_HASH}),
    "a row twice": (
        "insert into works from works where id like '%W1'",
        {"several rows have the same id", "the table holds 4 rows, and load_counts counted 3"},
    ),
    "a lost row": (
        "delete from works where id like '%W1'",
        {"the table holds 2 rows, and load_counts counted 3"},
    ),
    "a lost row that was replayed": (
        "delete from works where id like '%W3'",
        {"the table holds 2 rows, and load_counts counted 3", "a replayed record is not in the table"},
    ),
    "a lost ledger": (
        "delete from load_counts",
        {
            "the table holds 3 rows, and load_counts counted 0",
            "rejected_records keeps 2 records, and load_counts counted 0",
        },
    ),
    "a count that does not add up": (
        "update load_counts set extracted_count = extracted_count + 1 where rejected_count > 0",
        {_SUM},
    ),
    "a load counted twice": (
        "insert into load_counts select * replace (0 as new_count, 0 as rejected_count, 0 as extracted_count)"
        " from load_counts where rejected_count > 0",
        {"load_counts has several rows with the same _dlt_load_id and resource"},
    ),
    "counts of no table": (
        "insert into load_counts select * replace ('works_of_old' as resource) from load_counts limit 1",
        {"load_counts counts records of works_of_old, which no table of this source is named"},
    ),
    "lost rejects": (
        "delete from rejected_records",
        {"rejected_records keeps 0 records, and load_counts counted 2", _LOST_REJECT},
    ),
    "more rejects than counted": (
        "insert into rejected_records select * replace (id || '0' as id) from rejected_records",
        {"rejected_records keeps 4 records, and load_counts counted 2"},
    ),
    "a reject twice": (
        "update rejected_records set id = (select reject_id from replays)",
        {"rejected_records has several rows with the same id"},
    ),
    "a reject twice, of another resource": (
        "insert into rejected_records select * replace ('authors' as resource) from rejected_records limit 1",
        {"rejected_records has several rows with the same id"},
    ),
    "a replay twice": (
        "insert into replays from replays",
        {"replays has several rows with the same reject_id and _dlt_load_id"},
    ),
    "a replay of nothing": ("update replays set reject_id = 'works:0'", {_LOST_REJECT}),
    "an outcome that nobody knows": (
        "update replays set outcome = 'lost'",
        {"replays has the outcome lost, which is neither loaded nor overtaken"},
    ),
    "a replay that did not load": ("update replays set record_id = 'W0'", {"a replayed record is not in the table"}),
    "a field twice": (
        "insert into field_inventory from field_inventory where path = 'title'",
        {"field_inventory has several rows with the same resource and path"},
    ),
}


class _YesterdaysWork(Work):
    """The model before it was fixed: it accepted no year beyond 2000."""

    publication_year: int | None = Field(default=None, le=2000)


@pytest.fixture(scope="module")
def loaded(module_workspace: Workspace) -> Workspace:
    """Three works in raw, one of them replayed, and one that is still rejected."""
    with Raw(module_workspace.settings.data) as raw:
        pages = [work(1), work(2), work(3, publication_year=2024), work(4, publication_year=10_000_000_000)]
        assert raw.load(pages, model=_YesterdaysWork) == {"extracted": 4, "new": 2, "rejected": 2}
        assert raw.replay() == {"extracted": 1, "new": 1}
    return module_workspace


@pytest.fixture(scope="module")
def compiled(loaded: Workspace) -> str:
    """The SQL of dbt's test of the raw table of works."""
    return _compile(loaded)


def _compile(workspace: Workspace) -> str:
    workspace.run_well("dbt", "--quiet", "compile", "--select", _TEST)
    (path,) = (workspace.settings.find_dbt_artifacts() / "compiled").rglob(f"{_TEST}.sql")
    return path.read_text()


@pytest.fixture
def copy(loaded: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """The raw tables in memory, without the constraints that dlt gives them."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{loaded.settings.warehouse}' as stored (read_only)")
        connection.execute("attach ':memory:' as warehouse")
        connection.execute("create schema warehouse.raw_openalex")
        connection.execute("use warehouse.raw_openalex")
        for table in _TABLES:
            connection.execute(f"create table {table} as from stored.raw_openalex.{table}")
        yield connection


def _find_faults(connection: duckdb.DuckDBPyConnection, sql: str) -> set[str]:
    return {fault for fault, _ in connection.execute(sql).fetchall()}


def test_raw_as_it_was_loaded_has_no_fault(copy: duckdb.DuckDBPyConnection, compiled: str) -> None:
    assert _find_faults(copy, compiled) == set()


@pytest.mark.parametrize("name", _BREAKS)
def test_whatever_is_wrong_with_raw_is_found_and_named(
    name: str, copy: duckdb.DuckDBPyConnection, compiled: str
) -> None:
    statement, faults = _BREAKS[name]
    copy.execute(statement)
    assert _find_faults(copy, compiled) == faults


@pytest.mark.parametrize("table", _REQUIRED)
def test_a_null_is_found_in_every_column_that_may_have_none(
    table: str, copy: duckdb.DuckDBPyConnection, compiled: str
) -> None:
    name = "the table" if table == "works" else table
    for column in _REQUIRED[table]:
        copy.execute(f"create or replace table {table} as from stored.raw_openalex.{table}")
        copy.execute(f"update {table} set {column} = null where rowid = 0")
        assert f"{name} has null in {column}" in _find_faults(copy, compiled), column


def test_rows_that_were_removed_are_subtracted(loaded: Workspace, tmp_path: Path) -> None:
    """In a warehouse whose loads count them; one of an earlier version lacks the column."""
    with duckdb.connect(str(loaded.settings.warehouse)) as connection:
        connection.execute("use raw_openalex")
        connection.execute("alter table load_counts add column if not exists removed_count bigint")
    sql = _compile(loaded)
    with duckdb.connect(str(loaded.settings.warehouse)) as connection:
        connection.execute("use raw_openalex")
        connection.execute("begin")
        assert _find_faults(connection, sql) == set()
        connection.execute("delete from works where id like '%W1'")
        assert _find_faults(connection, sql) == {"the table holds 2 rows, and load_counts counted 3"}
        connection.execute("update load_counts set removed_count = 1 where rejected_count > 0")
        assert _find_faults(connection, sql) == set()
        connection.execute("rollback")


def test_the_tables_of_an_optional_source_are_made_as_dlt_makes_them(loaded: Workspace) -> None:
    printed = loaded.run_well("dbt", "--no-use-colors", "test", "--select", "source:semantic_scholar,test_type:generic")
    assert "Optional and not loaded, so made empty: raw_semantic_scholar." in printed
    assert "PASS source_expect_sound_documents_semantic_scholar_papers_" in printed
    with loaded.open_duckdb() as connection:
        shapes = [
            connection.execute(
                "select table_name, column_name, data_type, is_nullable from duckdb_columns()"
                " where schema_name = ? and table_name in ? and"
                " column_name not in ('removed_count', 'left_count', 'summary') order by all",
                [schema, (documents, *_TABLES[1:])],
            ).fetchall()
            for schema, documents in (("raw_openalex", "works"), ("raw_semantic_scholar", "papers"))
        ]
    of_dlt, made = (
        [("documents" if row[0] in ("works", "papers") else row[0], *row[1:]) for row in rows] for rows in shapes
    )
    assert sorted(made) == sorted(of_dlt)


def test_a_required_source_must_have_been_loaded(workspace: Workspace) -> None:
    refused = workspace.run("dbt", "test", "--select", "source:openalex")
    assert refused.status
    assert "openalex is not loaded yet. Run `dlt pipeline openalex run` first." in refused.output
    with workspace.open_duckdb() as connection:
        made = connection.execute("select schema_name from duckdb_tables() where schema_name like 'raw_%'").fetchall()
    assert made == []


def test_a_table_that_a_load_did_not_bring_is_named(loaded: Workspace) -> None:
    refused = loaded.run("dbt", "test", "--select", "source:openalex.topics")
    assert refused.status
    assert (
        "openalex was loaded, but without raw_openalex.topics. Run `dlt pipeline openalex run` again." in refused.output
    )

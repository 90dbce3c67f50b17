"""Readers get complete and tested marts, or the previous ones."""

import csv
import dataclasses
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest
import yaml

from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT
from loader.publish.export import export_marts
from loader.publish.outcomes import read_failing_nodes
from tests.support.publishing import HAND_OFF, PUBLISH, execute
from tests.support.workspace import Workspace


def count_papers(workspace: Workspace) -> int:
    ((count,),) = workspace.query_postgres("select count(*) from marts.fct_papers")
    return int(str(count))


def test_the_reader_reads_the_marts_and_nothing_else(published: Workspace) -> None:
    url = published.run_well("headwater", "postgres", "url", "--reader").strip()
    reader = psycopg2.connect(url)
    reader.autocommit = True
    with reader.cursor() as cursor:
        cursor.execute("select count(*) from fct_papers")
        assert (cursor.fetchone() or (0,))[0] == count_papers(published) > 0
        for refused in (
            "select * from transform.int_works",
            "delete from marts.fct_papers",
            "create table marts.mine (i int)",
            "create table public.mine (i int)",
            "set default_transaction_read_only = off; delete from marts.fct_papers",
        ):
            with pytest.raises(psycopg2.Error, match=r"permission denied|read-only"):
                cursor.execute(refused)
    reader.close()


def list_declared_marts() -> list[dict[str, Any]]:
    return [
        model
        for domain in ("academic", "shared")
        for path in (ROOT / "dbt_project" / "models" / "marts" / domain).glob("*.yml")
        for model in (yaml.safe_load(path.read_text()).get("models") or [])
    ]


def test_what_a_contract_calls_never_null_cannot_be_null_in_either_engine(published: Workspace) -> None:
    declared = {
        (model["name"], column["name"])
        for model in list_declared_marts()
        for column in model["columns"]
        if {"type": "not_null"} in column.get("constraints", [])
    }
    assert len(declared) > 80
    never_null = (
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'marts' and is_nullable = 'NO'"
    )
    assert set(published.query_postgres(never_null)) == declared
    # A calendar that DuckDB computes when it is read: its days follow from marts that are built after it.
    views = {("dim_dates", column) for name, column in declared if name == "dim_dates"}
    with published.open_duckdb() as connection:
        assert set(connection.execute(never_null).fetchall()) == declared - views


def test_contracts_are_real_keys_and_comments_in_postgres(published: Workspace) -> None:
    declared = list_declared_marts()
    found = published.query_postgres(
        "select c.relname, k.contype, count(*) from pg_constraint k join pg_class c on c.oid = k.conrelid"
        " join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'marts' and k.contype in ('p', 'f')"
        " group by 1, 2"
    )
    keys = {(name, kind): count for name, kind, count in found}
    for model in declared:
        kinds = [constraint["type"] for constraint in model.get("constraints", [])]
        assert keys.get((model["name"], "p")) == 1, model["name"]
        assert keys.get((model["name"], "f"), 0) == kinds.count("foreign_key"), model["name"]
    uncommented = published.query_postgres(
        "select c.relname, a.attname from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum >= 0"
        " where n.nspname = 'marts' and c.relkind = 'r' and not a.attisdropped"
        " and (col_description(c.oid, a.attnum) is null or obj_description(c.oid, 'pg_class') is null)"
    )
    assert uncommented == []
    ((indexes,),) = published.query_postgres("select count(*) from pg_indexes where schemaname = 'marts'")
    assert int(str(indexes)) > len(declared)


def test_a_server_that_is_not_there_is_reported_in_one_line(published: Workspace) -> None:
    for command in (("headwater", "run"), HAND_OFF, PUBLISH):
        finished = published.run(*command, extra={"PGHOST": "127.0.0.1", "PGPORT": "9"})
        assert finished.status != 0
        assert "127.0.0.1" in finished.output
        assert "Connection refused" in finished.output
        assert "Traceback" not in finished.output
        assert ".py" not in finished.output


def test_a_given_server_gets_the_marts_from_a_user_without_special_rights(published: Workspace) -> None:
    administrator = published.server.connect()
    administrator.autocommit = True
    with administrator.cursor() as cursor:
        cursor.execute("create role office login")
        cursor.execute("create database office owner office")
    administrator.close()
    given = {"PGHOST": str(published.settings.postgres_socket), "PGUSER": "office", "PGDATABASE": "office"}
    for command in (HAND_OFF, PUBLISH):
        finished = published.run(*command, extra=given)
        assert finished.status == 0, finished.output
    office = dataclasses.replace(published.server, user="office", database="office")
    with office.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from marts.fct_papers")
        assert cursor.fetchone() == (count_papers(published),)

    # A server that has no role for readers, and a user who may not create one. Roles belong to all databases.
    execute(published, "alter role headwater_reader rename to renamed")
    try:
        no_roster = {**given, "SOURCES__OPENALEX__ROSTER": "/nowhere.csv"}
        for command in ("status", "run"):
            finished = published.run("headwater", command, extra=no_roster)
            assert "Warning: The role headwater_reader is missing, and office may not create roles" in finished.output
        refused = published.run("headwater", "postgres", "grant", "headwater_reader", extra=given)
        assert refused.status == 1
        assert 'Have an administrator run `create role "headwater_reader" login`' in refused.output
        execute(published, "create role headwater_reader login")
        granted = published.run("headwater", "postgres", "grant", "headwater_reader", extra=given)
        assert granted.status == 0, granted.output
        reader = dataclasses.replace(office, user="headwater_reader")
        with reader.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select count(*) from marts.fct_papers")
            assert cursor.fetchone() == (count_papers(published),)
        assert "headwater_reader is missing" not in published.run("headwater", "status", extra=given).output
    finally:
        execute(published, "alter role headwater_reader rename to of_the_office")
        execute(published, "alter role renamed rename to headwater_reader")

    # A reader of one's own gets the marts of later publications as well.
    output = published.run_well("headwater", "postgres", "grant", "dashboard")
    assert "dashboard was created and reads the marts" in output
    for command in (HAND_OFF, PUBLISH):
        published.run_well(*command)
    with dataclasses.replace(published.server, user="dashboard").connect() as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from fct_papers")
        assert cursor.fetchone() == (count_papers(published),)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("select * from transform.int_works")


def test_a_part_of_the_marts_is_never_published(published: Workspace) -> None:
    oid = (
        "select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname = 'marts' order by 1"
    )
    before = published.query_postgres(oid)
    refused = published.run(*PUBLISH, "--select", "dim_dates")
    assert refused.status != 0
    assert "Nothing was built or published" in refused.output
    assert "Traceback" not in refused.output
    assert published.query_postgres(oid) == before


def test_a_test_that_fails_in_postgres_keeps_the_old_marts(published: Workspace) -> None:
    papers = count_papers(published)
    with published.server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("update transform.int_papers_ranked set citation_category = 'no such category'")
    failed = published.run(*PUBLISH)
    assert failed.status == 1
    assert "Not published" in failed.output
    assert count_papers(published) == papers
    assert published.query_postgres(
        "select count(*) from marts.fct_papers where citation_category = 'no such category'"
    ) == [(0,)]


def test_what_failed_its_tests_or_was_not_tested_is_not_handed_off(published: Workspace) -> None:
    of_topics = ("--select", "int_topics")

    def check_refusal() -> None:
        refused = published.run(*HAND_OFF)
        assert refused.status == 1
        assert "Nothing was handed off" in refused.output
        assert "int_topics" in refused.output

    with duckdb.connect(str(published.settings.warehouse)) as connection:
        connection.execute("update transform.int_topics set topic_name = null")
    assert published.run("dbt", "test", *of_topics).status == 1
    check_refusal()
    published.run_well("dbt", "run", *of_topics)
    check_refusal()
    published.run_well("dbt", "test", *of_topics)
    # and what refers to them
    check_refusal()
    published.run_well("dbt", "test", *of_topics, "int_paper_topics")
    published.run_well(*HAND_OFF)


def test_a_test_that_was_removed_after_it_failed_holds_nothing_back(published: Workspace) -> None:
    with duckdb.connect(str(published.settings.warehouse)) as connection:
        connection.execute(
            "insert into operations.node_results (unique_id, status, domain, invocation_id, finished_at)"
            " values ('test.headwater.of_yesterday', 'fail', 'academic', 'of yesterday', now())"
        )
        assert [result.name for result in read_failing_nodes(connection)["academic"]] == ["of_yesterday"]
    published.run_well("dbt", "test", "--select", "unique_dim_loads_source_name")
    with published.open_duckdb() as connection:
        assert read_failing_nodes(connection) == {}


def test_a_run_that_fails_stops_there_and_says_so(published: Workspace) -> None:
    failed = published.run("headwater", "run", extra={"SOURCES__OPENALEX__ROSTER": "/nowhere.csv"})
    assert failed.status == 1
    assert "/nowhere.csv does not exist" in failed.output
    assert "build" not in [line.split()[1] for line in failed.output.splitlines() if line.startswith("│ ")]
    status = published.run("headwater", "status")
    assert status.status == 1
    assert re.search(
        r"failed: \S+ \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, \d+ s\)\n +.*/nowhere.csv does not exist", status.output
    )
    assert "DuckDB and Postgres hold the same marts." in status.output


def test_status_fails_if_postgres_does_not_answer_or_differs(published: Workspace) -> None:
    def read_status() -> tuple[int, dict[str, object]]:
        finished = published.run("headwater", "status", "--json")
        return finished.status, json.loads(finished.output)

    for report in (published.settings.state / "runs").glob("*.json"):
        report.unlink()  # of a run that failed
    status, found = read_status()
    assert (status, found["is_same"], found["last_run_error"]) == (0, True, None)
    published.run_well("headwater", "postgres", "stop")
    status, found = read_status()
    assert (status, found["is_postgres_reachable"], found["is_same"]) == (1, False, None)
    published.run_well("headwater", "postgres", "start")
    execute(published, "update marts.dim_topics set description = 'another'")
    assert read_status()[:1] == (1,)
    execute(
        published,
        "update marts.dim_topics set description = transform.int_topics.description"
        " from transform.int_topics where int_topics.topic_id = dim_topics.topic_id",
    )
    assert read_status()[0] == 0

    # A mart that the project no longer has, and that its owner dropped in Postgres as a publication asked them to.
    with duckdb.connect(str(published.settings.warehouse)) as connection:
        connection.execute("create table marts.fct_of_ones_own as select 1 as number")
    try:
        status, found = read_status()
        assert (status, found["is_same"]) == (0, True)
        output = published.run_well("headwater", "status")
        assert "The project no longer has the mart fct_of_ones_own" in output
    finally:
        with duckdb.connect(str(published.settings.warehouse)) as connection:
            connection.execute("drop table marts.fct_of_ones_own")


def test_marts_are_exported_as_readers_see_them(published: Workspace, tmp_path: Path) -> None:
    query = "select author_id, author_name, first_publication_year from {} order by author_id"
    expected = published.query_postgres(query.format("marts.dim_authors"))
    # What a spreadsheet would take for a formula, and an empty text beside null.
    hostile = '=HYPERLINK("http://x")'
    execute(published, f"update marts.dim_authors set author_name = '{hostile}' where author_id = '{expected[0][0]}'")
    expected = published.query_postgres(query.format("marts.dim_authors"))
    command = ("headwater", "export", "--output", str(tmp_path))
    for kind in ("parquet", "csv"):
        printed = published.run_well(*command, "--mart", "dim_authors", "--format", kind)
        assert f"dim_authors.{kind}  {len(expected):,} rows" in printed
        assert duckdb.sql(query.format(f"'{tmp_path}/dim_authors.{kind}'")).fetchall() == expected
    assert len(list(csv.DictReader((tmp_path / "data_dictionary.csv").open()))) > 5
    published.run_well(*command, "--mart", "dim_authors", "--format", "xlsx")
    sheet = zipfile.ZipFile(tmp_path / "dim_authors.xlsx").read("xl/worksheets/sheet1.xml").decode()
    assert "HYPERLINK" in sheet
    assert "<f>" not in sheet

    # All marts, typed; then those of a year, each year a folder.
    published.run_well(*command)
    files = {path.name for path in tmp_path.iterdir()}
    assert {"fct_papers.parquet", "dim_dates.parquet", "data_dictionary.csv"} <= files
    assert not [name for name in files if name.startswith(".unfinished")]
    papers = tmp_path / "fct_papers.parquet"
    assert duckdb.sql(f"select count(*) from '{papers}'").fetchall() == [(count_papers(published),)]
    for _ in range(2):
        published.run_well(*command, "--mart", "fct_papers", "--partition-by", "publication_year")
        counted = duckdb.sql(f"select count(*) from read_parquet('{tmp_path}/fct_papers/*/*.parquet')")
        assert counted.fetchall() == [(count_papers(published),)]

    with (tmp_path / "data_dictionary.csv").open() as dictionary:
        described = {row["mart"] for row in csv.DictReader(dictionary)}
    assert described >= {"fct_papers", "dim_dates"}, "an export of one mart describes the files of earlier ones, too"

    for arguments, error in (
        (("--mart", "fct_paper"), "There is no mart 'fct_paper'. The marts are: "),
        (("--mart", "dim_topics", "--partition-by", "nothing"), "dim_topics has no column 'nothing'"),
        (("--format", "xlsx", "--partition-by", "publication_year"), "A workbook has no partitions"),
    ):
        refused = published.run(*command, *arguments)
        assert (refused.status, len(refused.output.splitlines())) == (1, 1), refused.output
        assert error in refused.output
    execute(
        published,
        "update marts.dim_authors set author_name = int_authors.author_name"
        " from transform.int_authors where int_authors.author_id = dim_authors.author_id",
    )


def test_a_mart_that_no_sheet_can_hold_is_named(
    published: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("loader.publish.export.MAX_SHEET_ROWS", 3)
    with pytest.raises(
        HeadwaterError, match=r"dim_authors has [\d,]+ rows, and a sheet at most 3: use --format parquet"
    ):
        list(export_marts(published.server, ["dim_authors"], "xlsx", tmp_path))
    assert list(tmp_path.iterdir()) == []

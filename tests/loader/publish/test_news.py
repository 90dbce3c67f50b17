"""What makes `headwater run` build a domain again though its raw tables are the same."""

from datetime import UTC, datetime

import duckdb

from loader.publish.fingerprints import fingerprint_code
from loader.publish.news import find_news
from tests.support.workspace import Workspace


def test_a_new_year_is_news_since_marts_know_which_years_are_finished(workspace: Workspace) -> None:
    settings = workspace.settings
    now = datetime.now(UTC)
    news = {}
    with duckdb.connect() as connection:
        connection.execute("create schema operations")
        connection.execute("create table operations.domain_inputs (domain text, table_name text, row_count bigint,"
                           " newest_load_id text)")  # fmt: skip
        for built_at in (now, datetime(now.year - 1, 12, 31, 23, 59, tzinfo=UTC)):
            connection.execute(
                "create or replace table operations.domain_builds as"
                " select 'academic' as domain, 'first' as build_id, $1 as code_fingerprint, $2 as built_at",
                [fingerprint_code("academic", settings), built_at],
            )
            news[built_at.year] = find_news(connection, {"academic": "first"}, ["academic"], settings)
    assert news == {now.year: {}, now.year - 1: {"academic": "a new year has begun since it was built"}}

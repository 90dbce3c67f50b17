"""The history of authors: a build adds to it what changed, and nothing else."""

import json
from typing import Any

import duckdb

from tests.support.publishing import HAND_OFF, PUBLISH
from tests.support.workspace import BUILD_WITHOUT_TESTS, Workspace

_HISTORY = """
    select author_id, h_index, openalex_h_index, position, is_current, valid_from, valid_to
    from marts.dim_author_versions order by author_id, valid_from
"""


def test_a_build_ends_and_begins_versions_and_none_is_lost_with_the_warehouse(published: Workspace) -> None:
    first = read_history(published)
    assert all(row["is_current"] and row["valid_to"] is None for row in first)
    assert len(first) == 8 == len({row["author_id"] for row in first})

    promoted, leaving = first[0]["author_id"], first[1]["author_id"]
    change(published, "roster", promoted, {"memberships": [{"position": "Dean"}]})
    change(published, "authors", promoted, {"summary_stats": {"h_index": 99}})
    change(published, "roster", leaving, {"is_member": False})
    published.run_well(*BUILD_WITHOUT_TESTS)
    changed = read_snapshot(published)
    before, after = changed[promoted]
    assert (before["valid_to"], after["valid_to"]) == (after["valid_from"], None)
    assert before["openalex_h_index"] == first[0]["openalex_h_index"] != after["openalex_h_index"] == 99
    assert after["position"] == "Dean" != before["position"]
    (left,) = changed[leaving]
    assert left["valid_to"] == after["valid_from"]
    history = read_history(published)
    unchanged = {row["author_id"] for row in first} - {promoted, leaving}
    assert select_authors(history, unchanged) == select_authors(first, unchanged), "no change, no version"
    current = [row for row in history if row["is_current"]]
    assert {row["author_id"] for row in current} == {row["author_id"] for row in first} - {leaving}

    change(published, "roster", leaving, {"is_member": True})
    published.run_well("dbt", "build")
    gone, back = read_snapshot(published)[leaving]
    assert gone == left
    assert (back["valid_from"] > left["valid_to"], back["valid_to"]) == (True, None)

    # Postgres shows the same history.
    published.run_well(*HAND_OFF)
    published.run_well(*PUBLISH)
    assert published.query_postgres(_HISTORY) == [tuple(row.values()) for row in read_history(published)]
    check_that_a_deleted_warehouse_gets_its_history_back(published)


def select_authors(history: list[dict[str, Any]], author_ids: set[str]) -> list[dict[str, Any]]:
    return [row for row in history if row["author_id"] in author_ids]


def change(workspace: Workspace, table: str, author_id: str, fields: dict[str, Any]) -> None:
    """Changes fields of an author's record in raw."""
    with duckdb.connect(str(workspace.settings.warehouse)) as connection:
        row = connection.execute(f"select document from raw_openalex.{table} where id = ?", [author_id]).fetchone()
        assert row
        document = json.dumps(json.loads(row[0]) | fields)
        connection.execute(
            f"update raw_openalex.{table} set document = $1, record_hash = sha256($1) where id = $2",
            [document, author_id],
        )


def read_history(workspace: Workspace) -> list[dict[str, Any]]:
    """The mart in DuckDB."""
    with workspace.open_duckdb() as connection:
        found = connection.execute(_HISTORY)
        columns = [column[0] for column in found.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def read_snapshot(workspace: Workspace) -> dict[str, list[dict[str, Any]]]:
    """The versions of every author, those included that the mart leaves out."""
    history: dict[str, list[dict[str, Any]]] = {}
    with workspace.open_duckdb() as connection:
        found = connection.execute(
            "select author_id, openalex_h_index, position, dbt_valid_from as valid_from, dbt_valid_to as valid_to"
            " from snapshots.authors_snapshot order by author_id, valid_from"
        )
        columns = [column[0] for column in found.description or ()]
        for row in found.fetchall():
            history.setdefault(row[0], []).append(dict(zip(columns, row, strict=True)))
    return history


def check_that_a_deleted_warehouse_gets_its_history_back(published: Workspace) -> None:
    history = read_snapshot(published)
    assert max(map(len, history.values())) > 1
    # As after a deletion and a load: raw is there again, and nothing else.
    drop_history = "drop schema snapshots cascade; drop schema marts cascade; drop schema transform cascade"
    with duckdb.connect(str(published.settings.warehouse)) as connection:
        connection.execute(drop_history)
    output = published.run_well("dbt", "build")
    versions = sum(map(len, history.values()))
    assert f"Restored the history authors_snapshot from Postgres: {versions} versions." in output
    assert read_snapshot(published) == history

    # A history that lacks versions of the published one does not replace it, unless it is said to be meant.
    with duckdb.connect(str(published.settings.warehouse)) as connection:
        connection.execute("delete from snapshots.authors_snapshot where dbt_valid_to is not null")
        (left,) = connection.execute("select count(*) from snapshots.authors_snapshot").fetchone() or (0,)
    refused = published.run(*HAND_OFF)
    assert refused.status == 1
    assert f"{versions - left} versions of the history authors_snapshot are in Postgres and not in" in refused.output
    published.run_well("dbt", "run-operation", "restore_history")
    assert read_snapshot(published) == history
    published.run_well(*HAND_OFF)
    with duckdb.connect(str(published.settings.warehouse)) as connection:
        connection.execute("delete from snapshots.authors_snapshot where dbt_valid_to is not null")
    published.run_well(*HAND_OFF, "--args", "{shrink_history: true}")
    assert published.query_postgres("select count(*) from history.authors_snapshot") == [(left,)]

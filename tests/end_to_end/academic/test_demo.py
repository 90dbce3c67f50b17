"""`headwater demo` shows everything, touches nothing of the user's, and its second day loads only what changed."""

import json
import os
import re
import tempfile
from collections import Counter
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from loader.base.settings import ROOT, read_settings
from loader.publish.fingerprints import find_folder_domain
from loader.publish.postgres import find_server
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.sources.openalex.roster import read_roster
from tests.support.answers import PAGE, ask_all, render_page
from tests.support.publishing import HAND_OFF
from tests.support.workspace import Workspace

read_catalogue = cache(generate_catalogue)


def read_day(day: int) -> dict[str, dict[str, Any]]:
    """The works that OpenAlex lists of the sample roster on that day, by id."""
    catalogue = read_catalogue(day=day)
    by_orcid = {author["orcid"]: author["id"] for author in catalogue.authors}
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        write_roster(Path(file.name))
        ids = {entry.author_id or by_orcid[entry.orcid] for entry in read_roster(Path(file.name))}
    # whether an author of the roster is among the hundred that a list shows of a work
    return {
        work["id"]: work
        for work in catalogue.works
        if any(authorship["author"]["id"] in ids for authorship in work["authorships"][:100])
    }


def list_files() -> set[str]:
    """What the repository holds, but for what tools and commands may write."""
    passing = (".venv", "data", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache")
    return {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*")
        if path.relative_to(ROOT).parts[0] not in passing and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def demonstrated(module_workspace: Workspace) -> tuple[Workspace, str, str]:
    """Both days of the demo, and what each printed."""
    workspace = module_workspace
    (workspace.home / ".dbt").mkdir()
    (workspace.home / ".dbt" / "profiles.yml").write_text("headwater: {target: wrong, outputs: {}}\n")
    (workspace.home / ".dlt").mkdir()
    (workspace.home / ".dlt" / "config.toml").write_text('[sources.openalex]\nroster = "/nowhere.csv"\n')
    workspace.environment |= {"SOURCES__OPENALEX__ROSTER": "/mine.csv", "PGHOST": "127.0.0.1", "PGPORT": "9"}
    before = list_files()
    first = workspace.run_well("headwater", "demo")
    (workspace.folder / "answers.md").write_text(ask_the_demo(workspace))
    second = workspace.run_well("headwater", "demo", "--day", "2")
    assert list_files() == before
    for name in ("SOURCES__OPENALEX__ROSTER", "PGHOST", "PGPORT"):
        del workspace.environment[name]
    workspace.environment["HEADWATER_DATA"] += "/demo"
    return workspace, first, second


def test_the_first_day_ends_with_answers_and_how_to_go_on(demonstrated: tuple[Workspace, str, str]) -> None:
    _, first, _ = demonstrated
    assert first.count("?") >= 3
    assert "To look further:" in first
    assert "headwater demo --day 2" in first
    for step in ("load", "build", "publish"):
        assert f"│ {step}" in first
    assert "18 tables handed off" in first


def test_unit_tests_of_all_models_pass(demonstrated: tuple[Workspace, str, str]) -> None:
    workspace, _, _ = demonstrated
    unit_tests = ("--no-use-colors", "test", "--select", "test_type:unit")
    finished = workspace.run("dbt", *unit_tests, extra={"DBT_EXCLUDE_RESOURCE_TYPES": ""})
    assert finished.status == 0, finished.output
    project = ROOT / "dbt_project"
    files = [
        path
        for path in project.rglob("*unit_tests.yml")
        if "pseudonymous" not in path.name and find_folder_domain(path.relative_to(project)) in (None, "academic")
    ]
    written = sum(path.read_text().count("\n    expect:") for path in files)
    assert len(re.findall(r"\d+ of \d+ PASS", finished.output)) == written > 30


def test_the_page_of_answers_shows_what_the_demo_answers(demonstrated: tuple[Workspace, str, str]) -> None:
    workspace, _, _ = demonstrated
    fresh = (workspace.folder / "answers.md").read_text()
    if os.environ.get("HEADWATER_WRITE_ANSWERS"):
        PAGE.write_text(fresh)
    assert PAGE.read_text() == fresh, "HEADWATER_WRITE_ANSWERS=1 and this test write docs/answers.md anew"


def test_the_second_day_loads_only_what_changed(demonstrated: tuple[Workspace, str, str]) -> None:
    _, _, second = demonstrated
    days = [read_day(1), read_day(2)]
    new = len(days[1].keys() - days[0].keys())
    changed = sum(days[1][key] != days[0][key] for key in days[1].keys() & days[0].keys())
    (row,) = [line for line in second.splitlines() if line.startswith("│ openalex.works")]
    cells = [cell.strip().replace(",", "") for cell in row.strip("│").split("│")]
    assert [int(cell) for cell in cells[2:5]] == [new, changed, len(days[1]) - new - changed]
    assert 0 < new + changed < 100


def test_the_second_day_brings_the_records_of_authors_whose_works_changed(
    demonstrated: tuple[Workspace, str, str],
) -> None:
    workspace, _, _ = demonstrated
    with workspace.open_duckdb() as connection:
        rows = connection.execute("select id, document from raw_openalex.authors").fetchall()
    found = {key: json.loads(document) for key, document in rows}
    days = [{author["id"]: author for author in read_catalogue(day=day).authors} for day in (1, 2)]
    assert found == {key: days[1][key] for key in found}
    assert any(days[0][key] != author for key, author in found.items())


def test_works_that_left_upstream_stay_in_raw_and_leave_every_table_after_it(
    demonstrated: tuple[Workspace, str, str],
) -> None:
    workspace, _, _ = demonstrated
    first, second = set(read_day(1)), set(read_day(2))
    assert first - second
    with workspace.open_duckdb() as connection:

        def read(sql: str) -> set[str]:
            return {key for (key,) in connection.execute(sql).fetchall()}

        assert read("select id from raw_openalex.works") >= first | second
        assert read("select work_id from transform.int_works") == second
        assert read("select paper_id from marts.fct_papers") <= second
    published = {str(key) for (key,) in workspace.query_postgres("select paper_id from marts.fct_papers")}
    assert published
    assert published <= second


def test_both_engines_hold_the_same_after_both_days(demonstrated: tuple[Workspace, str, str]) -> None:
    workspace, _, _ = demonstrated
    assert "DuckDB and Postgres hold the same marts." in workspace.run_well("headwater", "status")


def test_postgres_shows_the_same_history_of_authors(demonstrated: tuple[Workspace, str, str]) -> None:
    workspace, _, _ = demonstrated
    history = "select * from marts.dim_author_versions order by author_id, valid_from"
    with workspace.open_duckdb() as connection:
        rows = connection.execute(history).fetchall()
    assert workspace.query_postgres(history) == rows
    authors = Counter(row[0] for row in rows)
    assert max(authors.values()) == 2
    assert min(authors.values()) == 1


def test_nothing_is_written_outside_the_data_folder(demonstrated: tuple[Workspace, str, str]) -> None:
    workspace, _, _ = demonstrated
    files = sorted(str(path.relative_to(workspace.home)) for path in workspace.home.rglob("*") if path.is_file())
    assert files == [".dbt/profiles.yml", ".dlt/config.toml"]
    assert list(workspace.temporary.rglob("*")) == []


def test_dlts_own_commands_work_on_the_pipeline(demonstrated: tuple[Workspace, str, str]) -> None:
    workspace, _, _ = demonstrated
    assert "openalex" in workspace.run_well("dlt", "pipeline", "--list-pipelines")
    assert "raw_openalex" in workspace.run_well("dlt", "pipeline", "openalex", "info")
    assert "load" in workspace.run_well("dlt", "pipeline", "openalex", "trace")
    assert "works" in workspace.run_well("dlt", "pipeline", "openalex", "schema")
    workspace.run_well("dlt", "pipeline", "openalex", "failed-jobs")


def test_freshness_is_known_and_keeps_no_handoff_from_going_on(demonstrated: tuple[Workspace, str, str]) -> None:
    workspace, _, _ = demonstrated
    printed = workspace.run_well("dbt", "--no-use-colors", "source", "freshness")
    assert "PASS freshness of openalex.works" in printed
    workspace.run_well(*HAND_OFF)


def ask_the_demo(workspace: Workspace) -> str:
    """The page of answers as the demo's marts give them to a reader in 2026, the year of the page, in any year."""
    demo = read_settings({**workspace.environment, "HEADWATER_DATA": workspace.environment["HEADWATER_DATA"] + "/demo"})
    with closing(find_server(demo, {}).connect()) as connection:
        with connection.cursor() as cursor:
            cursor.execute("update marts.dim_loads set loaded_year = 2026, last_finished_year = 2025")
            cursor.execute("set local role headwater_reader")
        page = render_page(ask_all(connection))
        connection.rollback()
    return page

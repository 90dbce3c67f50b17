"""The docs site: a lineage without tests, questions with their SQL, and the README's picture of the models."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from loader.base.settings import ROOT
from loader.publish.docs_page import render_docs_page
from tests.support.workspace import Workspace

_INLINED = re.compile(r"var n=\{manifest:(?=\{)")


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace in which the README's picture was drawn as lineage.svg, for which dbt wrote its manifest."""
    with Workspace(tmp_path_factory.mktemp("docs")) as workspace:
        drawn = str(workspace.folder / "lineage.svg")
        workspace.run_well("headwater", "docs", "--lineage", "fct_papers", "--output", drawn)
        yield workspace


def test_the_picture_of_the_lineage_is_that_of_the_models(parsed: Workspace) -> None:
    drawn = parsed.folder / "lineage.svg"
    assert drawn.read_bytes() == (ROOT / "docs" / "lineage.svg").read_bytes(), "`make lineage` draws it anew"


def test_the_lineage_draws_no_test_and_a_question_shows_its_sql(parsed: Workspace) -> None:
    artifacts = parsed.settings.find_dbt_artifacts()
    whole = json.loads((artifacts / "manifest.json").read_text())
    (artifacts / "catalog.json").write_text('{"nodes": {}, "sources": {}}')
    shown = read_manifest(render_docs_page(artifacts))
    # The page draws every node but the tests that dbt attaches to a column or model.
    drawn = {name.partition(".")[0] for name, node in shown["nodes"].items() if "test_metadata" not in node}
    assert drawn == {"model", "seed", "snapshot"}
    assert shown["unit_tests"] == {}
    assert whole["unit_tests"]
    attached = {name for name, node in whole["nodes"].items() if "test_metadata" in node}
    assert attached <= shown["nodes"].keys()
    known = {*shown["nodes"], *shown["sources"], *shown["exposures"], *shown["macros"]}
    assert {name for key, names in shown["child_map"].items() for name in (key, *names)} <= known
    assert {name for key, names in shown["parent_map"].items() for name in (key, *names)} <= known
    for exposure in shown["exposures"].values():
        sql = (ROOT / "dbt_project" / "analyses" / "academic" / f"{exposure['name']}.sql").read_text()
        assert sql.strip() in exposure["description"]
    assert shown["exposures"].keys() == whole["exposures"].keys()


def read_manifest(page: str) -> dict[str, Any]:
    """The manifest that stands in the page."""
    (inlined,) = _INLINED.finditer(page)
    manifest: dict[str, Any] = json.JSONDecoder().raw_decode(page, inlined.end())[0]
    return manifest

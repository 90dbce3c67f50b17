"""A part of the project can be selected as docs/selecting.md says: by domain, and by what changed."""

import json
from pathlib import Path

from loader.base.settings import ROOT
from tests.support.workspace import Workspace

PROJECT = ROOT / "dbt_project"


def list_selected(workspace: Workspace, *arguments: str) -> set[str]:
    printed = workspace.run_well("dbt", "--quiet", "ls", "--output", "name", *arguments)
    return set(printed.split())


def list_files(*folders: str) -> set[str]:
    return {path.stem for folder in folders for path in (PROJECT / folder).rglob("*.sql")}


def test_a_domain_is_selected_by_its_tag_and_what_changed_by_its_state(workspace: Workspace, tmp_path: Path) -> None:
    only = ("--resource-type", "model", "--resource-type", "seed", "--resource-type", "snapshot")
    folders = ("staging/academic", "transform/academic", "marts/academic", "transform/shared", "marts/shared")
    models = list_files(*(f"models/{folder}" for folder in folders))
    seeds = {path.stem for path in (PROJECT / "seeds" / "academic").glob("*.csv")}
    shared = list_files("models/transform/shared", "models/marts/shared")
    selected = list_selected(workspace, "--select", "tag:academic", *only)
    assert selected == models | shared | seeds | {"authors_snapshot"}

    manifest = json.loads((workspace.settings.find_dbt_artifacts() / "manifest.json").read_text())
    manifest["nodes"]["model.headwater.int_author_years"]["raw_code"] = "select 1"
    (tmp_path / "last_build").mkdir()
    (tmp_path / "last_build" / "manifest.json").write_text(json.dumps(manifest))
    changed = list_selected(workspace, "--select", "state:modified+", "--state", str(tmp_path / "last_build"), *only)
    assert changed == {"int_author_years", "fct_author_years"}

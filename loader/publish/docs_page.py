"""The dbt docs site as one page: no tests in its lineage, and the SQL of each exposure with it."""

import json
from pathlib import Path
from typing import Any

from loader.base.settings import ROOT


def render_docs_page(artifacts: Path) -> str:
    """The page, from the manifest.json and catalog.json of `dbt docs generate` in this folder."""
    from dbt.task.docs import DOCS_INDEX_FILE_PATH

    manifest = _adapt(json.loads((artifacts / "manifest.json").read_text(encoding="utf-8")))
    # dbt's own page has these places for its own --static.
    return (
        Path(DOCS_INDEX_FILE_PATH)
        .read_text(encoding="utf-8")
        .replace('"MANIFEST.JSON INLINE DATA"', json.dumps(manifest))
        .replace('"CATALOG.JSON INLINE DATA"', (artifacts / "catalog.json").read_text(encoding="utf-8"))
    )


def _adapt(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest without what would crowd the lineage.

    Tests of a column or a model stay: the page shows them there and does not draw them. An analysis that an exposure
    shows is left out, too.
    """
    exposures = {key: _add_sql(exposure) for key, exposure in manifest["exposures"].items()}
    shown = {exposure["name"] for exposure in exposures.values()}
    crowding = {key for key, node in manifest["nodes"].items() if _crowds(node, shown)} | manifest["unit_tests"].keys()
    adapted = manifest | {
        "nodes": {key: node for key, node in manifest["nodes"].items() if key not in crowding},
        "unit_tests": {},
        "exposures": exposures,
    }
    for name in ("parent_map", "child_map"):
        adapted[name] = {
            key: [other for other in others if other not in crowding]
            for key, others in manifest[name].items()
            if key not in crowding
        }
    return adapted


def _crowds(node: dict[str, Any], shown: set[str]) -> bool:
    match node["resource_type"]:
        case "test":
            return "test_metadata" not in node
        case "analysis":
            return node["name"] in shown
        case "operation":  # a hook
            return True
    return False


def _add_sql(exposure: dict[str, Any]) -> dict[str, Any]:
    """The exposure, with the SQL file of its name, beside its own, in its description."""
    path = (ROOT / "dbt_project" / exposure["original_file_path"]).with_name(f"{exposure['name']}.sql")
    if not path.exists():
        return exposure
    sql = path.read_text(encoding="utf-8").strip()
    return exposure | {"description": f"{exposure['description'].strip()}\n\n```sql\n{sql}\n```"}

"""The documents name only what exists (files, tests, make targets), and the index of decisions is complete."""

import ast
import re
from pathlib import Path

import pytest

from loader.base.settings import ROOT
from tests.support.documents import DOCUMENTS, list_anchors, list_links, list_paths

TESTS = ROOT / "tests"


def list_test_names(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_path_and_target_that_a_page_names_exists(page: Path) -> None:
    for target, anchor in list_links(page):
        assert target.exists(), target
        assert not anchor or anchor in list_anchors(target), f"{target}#{anchor}"
    for name in list_paths(page):
        assert (ROOT / name).exists() or (TESTS / name).exists(), name
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    # Code alone: "make" is a word of every text.
    code = "\n".join(re.findall(r"```console\n.*?```|`[^`\n]+`", page.read_text(), re.DOTALL))
    assert set(re.findall(r"(?:^|[`$;] ?|data/demo )make ([a-z]+)\b", code, re.MULTILINE)) <= targets


def test_every_test_that_the_page_of_faults_names_exists() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    # `file.py`, `file.py::test_name`, or `::test_name` for the same file; `…` stands for the rest of a name.
    found = re.findall(r"`(?=[\w/]+\.py|::test_)((?:\w+/)+\w+\.py)?(?:::(test_\w+)(…)?(?:\[\w+\])?)?`", page)
    assert len(found) > 50
    path = ""
    for named, test, is_beginning in found:
        path = named or path
        assert (TESTS / path).is_file(), path
        names = list_test_names(TESTS / path)
        matching = {name for name in names if name == test or (is_beginning and name.startswith(test))}
        assert matching or not test, f"{path}::{test}"
    # A reference that is written in another way would go unchecked.
    assert len(re.findall(r"[/:`…]test_", page)) == sum(
        bool(part) for named, test, _ in found for part in (named, test)
    )


def test_every_decision_has_a_date_and_a_line_in_the_index() -> None:
    text = (ROOT / "DECISIONS.md").read_text()
    index, decisions = text.split("\n## ", maxsplit=1)
    entries = re.findall(r"^### (.+)\n\n(.{10})", f"## {decisions}", re.MULTILINE)
    assert len(entries) > 50
    for title, date in entries:
        assert re.fullmatch(r"20\d\d-\d\d-\d\d", date), title
    titles = re.findall(r"^#{2,3} (.+)$", f"## {decisions}", re.MULTILINE)
    assert re.findall(r"^ *- \[(.+)\]\(#.+\)$", index, re.MULTILINE) == titles


def test_the_overview_of_the_docs_site_names_no_domain() -> None:
    """It is shown whichever domains are enabled."""
    overview = (ROOT / "dbt_project" / "models" / "overview.md").read_text()
    domains = {path.name for path in (ROOT / "dbt_project" / "models" / "marts").iterdir()} - {"shared"}
    assert "tag:" in overview
    assert not domains & set(re.findall(r"\w+", overview.lower()))

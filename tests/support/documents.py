"""Reads the project's documents: their tables, links, console blocks and paths."""

import re
from pathlib import Path

from loader.base.settings import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def read_table(page: Path, first_column: str) -> list[list[str]]:
    """The cells of every row of the tables of a page whose first column has this head."""
    rows: list[list[str]] = []
    is_wanted = is_in_table = False
    for line in _leave_out_code(page.read_text()).splitlines():
        if not line.startswith("|"):
            is_in_table = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not is_in_table:
            is_in_table, is_wanted = True, cells[0] == first_column
        elif is_wanted and not line.startswith("|---"):
            rows.append(cells)
    return rows


def list_commands(page: Path) -> list[str]:
    """Every line of a console block that a reader would type, without its comment."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL)
    return [
        re.sub(r"\s+#.*", "", line.removeprefix("$ "))
        for block in blocks
        for line in block.splitlines()
        if line.startswith("$ ")
    ]


def list_links(page: Path) -> list[tuple[Path, str]]:
    """The files and folders of the repository that a page links to, each with the heading's anchor or nothing."""
    found = re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text())
    return [(page.parent / target if target else page, anchor) for target, anchor in found]


def list_anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = _leave_out_code(page.read_text())
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def list_paths(page: Path) -> list[str]:
    """The paths of the repository that a page names in its text, without links and console blocks."""
    text = _leave_out_code(page.read_text())
    return re.findall(r"`((?:loader|dbt_project|docs|tests|\.github)/[\w./-]*)`", text)


def _leave_out_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)

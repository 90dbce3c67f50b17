"""The worked examples: the code blocks of docs/adding-a-source.md and its like, as files and as additions to files.

A line above each block says what it is: `**path**` is a file, and what stands in brackets behind the path says where an
addition goes.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from loader.base.settings import ROOT
from tests.support.checkout import Checkout

PAGES = ROOT / "docs"
_SOURCE = "adding-a-source"
_BLOCK = re.compile(
    r"^\*\*([^*\n]+)\*\*(?: \((at the end|above|in place of)(?: `([^\n]+)`)?\))?\n\n```(\w+)\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
# In this order: the plural before the singular.
_TWINS_NAMES = (
    ("discussions", "forums"),
    ("hn_search", "forum_search"),
    ("HnSearch", "ForumSearch"),
    ("stories", "threads"),
    ("Stories", "Threads"),
    ("story", "thread"),
    ("Story", "Thread"),
    ("Hacker News", "Forums"),
)


@dataclass(frozen=True)
class Block:
    """Some code of the page. Without `manner` it is a whole file; `line` is a line of the file that it is added to."""

    path: str
    manner: str
    line: str
    language: str
    text: str

    def write(self, root: Path) -> None:
        """Writes the file, or adds to it."""
        file = root / self.path
        if not self.manner:
            file.parent.mkdir(parents=True, exist_ok=True)
            assert not file.exists(), f"{self.path} exists already; the page does not say that it is added to."
            file.write_text(self.text)
            return
        text = file.read_text()
        if self.manner == "at the end":
            file.write_text(f"{text}\n{self.text}")
            return
        found = [line for line in text.splitlines(keepends=True) if line.strip().startswith(self.line)]
        assert len(found) == 1, f"{self.line!r} begins {len(found)} lines of {self.path}."
        file.write_text(text.replace(found[0], self.text + (found[0] if self.manner == "above" else "")))


@cache
def read_blocks(page: str = _SOURCE) -> tuple[Block, ...]:
    """All blocks of a page of docs/ that are code of its example."""
    return tuple(Block(*found) for found in _BLOCK.findall((PAGES / f"{page}.md").read_text()))


def add_worked_example(root: Path, page: str = _SOURCE) -> None:
    """Does in a copy of the checkout what the page says."""
    for block in read_blocks(page):
        block.write(root)


def add_twin(root: Path) -> None:
    """Does what the page says once more, with other names: the domain `forums`, source `forum_search`, `threads`."""
    for block in read_blocks():
        replace(block, path=_rename(block.path), text=_rename(block.text)).write(root)


def _rename(text: str) -> str:
    for name, new_name in _TWINS_NAMES:
        text = text.replace(name, new_name)
    return text


def count_lines(*languages: str) -> int:
    """The lines of these languages that are not empty."""
    return sum(
        bool(line.strip()) for block in read_blocks() if block.language in languages for line in block.text.splitlines()
    )


@contextmanager
def serve_stories(checkout: Checkout) -> Iterator[Any]:
    """Serves the example's stories to the commands of a copy; yields the stand-in, whose `stories` may be replaced."""
    checkout.environment["SOURCES__HN_SEARCH__QUERY"] = "duckdb"
    with checkout.serve_stand_in("hn_search") as server:
        yield server


@contextmanager
def serve_threads(checkout: Checkout) -> Iterator[None]:
    """Serves the twin's threads to the commands of a copy."""
    checkout.environment["SOURCES__FORUM_SEARCH__QUERY"] = "duckdb"
    with checkout.serve_stand_in("forum_search"):
        yield

"""Folders with short names, which workspaces use one after the other: a socket's path has at most 107 bytes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.workspace import Workspace


@contextmanager
def stand_in(slot: Path, folder: Path) -> Iterator[Workspace]:
    """A workspace in `slot`, which is moved into `folder` at the end."""
    try:
        with Workspace(slot) as workspace:
            yield workspace
    finally:
        slot.rename(folder / "workspace")

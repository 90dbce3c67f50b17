"""Places in which workspaces stand one after the other, so that dbt parses the whole project once for all of them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.workspace import Workspace


@contextmanager
def stand_in(slot: Path, folder: Path) -> Iterator[Workspace]:
    """A workspace in `slot`, which is moved into `folder` at the end.

    dbt's parsed project, which holds for one place only, is handed on to the next one; nothing else is.
    """
    try:
        with Workspace(slot) as workspace:
            take_parsed_project(workspace)
            yield workspace
            _keep_parsed_project(workspace)
    finally:
        slot.rename(folder / "workspace")


def take_parsed_project(workspace: Workspace) -> None:
    """Puts what the workspace before this one left to where dbt looks for it."""
    kept = _find_kept(workspace)
    if kept.exists():
        shutil.copytree(kept, workspace.folder, dirs_exist_ok=True)


def _keep_parsed_project(workspace: Workspace) -> None:
    for path in workspace.folder.glob("data/**/partial_parse.msgpack"):
        copy = _find_kept(workspace) / path.relative_to(workspace.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)


def _find_kept(workspace: Workspace) -> Path:
    return workspace.folder.with_name(f"{workspace.folder.name}-parsed")

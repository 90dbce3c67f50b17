"""A warehouse whose states are saved and put back."""

import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from loader.raw.warehouse import open_warehouse
from tests.chaos.packages import Packages
from tests.support.workspace import Workspace

# A process that was killed lets go of its file when the system has cleared it away.
_LET_GO_SECONDS = 10


class ServedWarehouse(ABC):
    """The warehouse of a workspace into which one source is loaded from a stand-in server, and saved states of it."""

    def __init__(self, workspace: Workspace, source: str) -> None:
        self.workspace = workspace
        self._source = source
        # As users have it: readers, and what a kill has left, are waited for.
        workspace.environment.pop("HEADWATER_LOCK_WAIT_SECONDS", None)

    @abstractmethod
    def count_requests(self) -> int:
        """How many requests the server has had."""

    @property
    def packages(self) -> Packages:
        """Dlt's folders of load packages."""
        return Packages(self.workspace.settings.state / "dlt" / "pipelines" / self._source)

    def save(self, name: str) -> None:
        """Keeps a copy of the warehouse and its state folder; Postgres stays as it is."""
        self._find_saved(name).mkdir(parents=True)
        for path in self._list_files():
            _copy(path, self._find_saved(name) / path.name)

    def restore(self, name: str) -> None:
        """Puts the copy of that name in the warehouse's place."""
        for path in self._list_files():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for path in self._find_saved(name).iterdir():
            _copy(path, self.workspace.settings.data / path.name)

    @contextmanager
    def open_duckdb(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, to read, as soon as a killed process has let go of it."""
        with open_warehouse(self.workspace.settings.warehouse, wait_seconds=_LET_GO_SECONDS, read_only=True) as opened:
            yield opened

    def _list_files(self) -> list[Path]:
        return sorted(self.workspace.settings.data.glob("warehouse.*"))

    def _find_saved(self, name: str) -> Path:
        return self.workspace.folder / "saved" / name


def let_pass(seconds: float) -> None:
    """Lets a part of the time pass that a phase took when nothing was killed: this is the random moment itself."""
    time.sleep(seconds)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)

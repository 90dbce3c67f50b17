"""Dlt's load packages as anyone can see them: folders that move as a load goes on."""

import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.workspace import Running

EXTRACTED = "normalize/extracted"
BEING_NORMALISED = "load/new"
NORMALISED = "load/normalized"
LOADED = "load/loaded"

_LOOK_EVERY_SECONDS = 0.0005
_PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Packages:
    """The packages of one pipeline by the place they have come to."""

    folder: Path

    def find(self, *places: str, since: int = 0) -> set[str]:
        """The packages that are in one of the places and were touched there since a time (ns since the epoch)."""
        found = set()
        for place in places:
            if (folder := self.folder / place).exists():
                found |= {path.name for path in folder.iterdir() if _read_change(path) >= since}
        return found

    @property
    def pending(self) -> set[str]:
        """The packages that are extracted and not yet loaded."""
        return self.find(EXTRACTED, BEING_NORMALISED, NORMALISED)


def wait_until(condition: Callable[[], bool], running: Running) -> bool:
    """Waits for a condition; False when the command ended first."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if running.has_ended:
            return False
        assert time.monotonic() < deadline, "the moment never came"
        time.sleep(_LOOK_EVERY_SECONDS)
    return True


def _read_change(path: Path) -> int:
    """When a package was touched; -1 for what is none."""
    try:
        status = path.stat()
    except FileNotFoundError:  # it moved on just now
        return -1
    # Dlt writes files beside the packages too, for a moment.
    return status.st_ctime_ns if stat.S_ISDIR(status.st_mode) else -1

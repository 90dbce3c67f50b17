"""Dlt's load packages as anyone can see them: folders that move while a load runs."""

import stat
from dataclasses import dataclass
from pathlib import Path

EXTRACTED = "normalize/extracted"
BEING_NORMALISED = "load/new"
NORMALISED = "load/normalized"
LOADED = "load/loaded"


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

    @property
    def unfinished_extracts(self) -> set[str]:
        """The folders that dlt extracts to before a package is whole."""
        return {path.name for path in (self.folder / "normalize").iterdir() if path.is_dir()} - {"extracted"}


def _read_change(path: Path) -> int:
    """When a package was touched; -1 if there is no package."""
    try:
        status = path.stat()
    except FileNotFoundError:  # it moved on just now
        return -1
    # Dlt writes files beside the packages too, for a moment.
    return status.st_ctime_ns if stat.S_ISDIR(status.st_mode) else -1

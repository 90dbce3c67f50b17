"""Files for readers: written beside their place and put there when they are complete."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_beside(folder: Path) -> Iterator[Path]:
    """A folder on the same disk, which is removed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as unfinished:
        yield Path(unfinished)


def put_in_place(written: Path, folder: Path) -> Path:
    """Moves a file or folder into its place, and removes what was there; returns the place."""
    target = folder / written.name
    if target.is_dir():
        replaced = written.with_name(f"replaced-{written.name}")
        target.rename(replaced)
        written.rename(target)
        shutil.rmtree(replaced)
    else:
        written.replace(target)
    return target

"""Disks that are full or cannot be written: told in one line, whichever library met them."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from loader.base.errors import HeadwaterError
from loader.base.settings import Settings, read_settings

FULL = "There is no room left on the disk. Free some, then run the same command again to continue."
# Less than Postgres needs for the next file of its log.
_FULL_BYTES = 16 * 1024**2


def require_writable(settings: Settings) -> None:
    """Raises HeadwaterError if the data folder is not a folder, cannot be written, or is on a full disk."""
    for folder in (settings.data, settings.state):
        existing = next(path for path in (folder, *folder.parents) if path.exists())
        if not existing.is_dir():
            raise HeadwaterError(_describe_no_folder(existing))
        if not os.access(existing, os.W_OK):
            raise HeadwaterError(describe_unwritable(existing))
    if is_full(settings):
        raise HeadwaterError(FULL)


def describe_failure(error: Exception) -> str:
    """The line for a user whose command failed: the full disk, if there is one, whatever the error says."""
    with suppress(HeadwaterError):  # a setting cannot be read: the error says so
        if is_full(read_settings()):
            return FULL
    return describe_os_error(error) if isinstance(error, OSError) else str(error)


def describe_os_error(error: OSError) -> str:
    """The line for a user."""
    if error.errno == errno.ENOSPC:
        return FULL
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) and error.filename:
        return describe_unwritable(Path(os.fsdecode(error.filename)))
    if error.errno in (errno.EEXIST, errno.ENOTDIR) and error.filename:
        path = Path(os.fsdecode(error.filename))
        return _describe_no_folder(next(place for place in (path, *path.parents) if place.exists()))
    return str(error)


def is_full(settings: Settings) -> bool:
    """Whether a disk that Headwater writes to has no room: then this is why a command failed, whatever it says."""
    for folder in (settings.data, settings.state, settings.postgres_data):
        with suppress(OSError):
            if shutil.disk_usage(folder).free < _FULL_BYTES:
                return True
    return False


def _describe_no_folder(path: Path) -> str:
    return f"{path} is not a folder. Name another data folder in HEADWATER_DATA."


def describe_unwritable(path: Path) -> str:
    """The line for a user whose file or folder cannot be written."""
    return f"{path} cannot be written. Make it writable, or name another data folder in HEADWATER_DATA."

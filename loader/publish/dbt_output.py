"""What plain dbt shows on the screen: no traceback of a full disk, and no place in our own statements."""

import atexit
import logging
import sys

from loader.base.disk import FULL, is_full
from loader.base.settings import Settings

# Where in a statement of ours Postgres raised an error.
POSTGRES_FRAMES = ("CONTEXT:  PL/pgSQL function", "CONTEXT:  SQL statement", "PL/pgSQL function")
# dbt's own name for it; `dbt.log` has another one, and keeps everything.
_SCREEN = "stdout_log"


class OutputFilter(logging.Filter):
    """Leaves out what dbt says of a full disk, which one line at the end says, and where Postgres raised an error."""

    def __init__(self, settings: Settings) -> None:
        """Filters for a warehouse."""
        super().__init__()
        self._settings = settings
        self._has_met_full_disk = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Shortens a record; false for one that is left out."""
        text = record.getMessage()
        if record.levelno >= logging.ERROR and ("No space left on device" in text or self.is_disk_full):
            self._has_met_full_disk = True
            return False
        kept = [line for line in text.split("\n") if not line.strip().startswith(POSTGRES_FRAMES)]
        record.msg, record.args = "\n".join(kept), None
        return True

    @property
    def is_disk_full(self) -> bool:
        """Whether the disk is full or was: what a statement that failed had written may be gone."""
        return self._has_met_full_disk or is_full(self._settings)


def filter_output(settings: Settings) -> None:
    """Filters what dbt will print in this process. What it says of a full disk depends on what it was writing."""
    added = OutputFilter(settings)
    logging.getLogger(_SCREEN).addFilter(added)
    atexit.register(_report_full_disk, added)


def _report_full_disk(output: OutputFilter) -> None:
    if output.is_disk_full:
        sys.stderr.write(f"Error: {FULL}\n")

"""Runs at every start of this environment's Python (`headwater.pth`), so that plain `dlt` and `dbt` need no exports.

It overwrites what is set: the values follow from Headwater's own settings, and a child process with others
must not inherit its parent's.
"""

import atexit
import gc
import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from loader.base.disk import FULL, require_writable
from loader.base.errors import HeadwaterError
from loader.base.settings import derive_tool_environment, read_settings

if TYPE_CHECKING:
    from loader.publish.dbt_output import OutputFilter

# `dbt build --target postgres`, in the spellings that dbt takes.
_WORDS = {"postgres", "--target=postgres", "-tpostgres"}
_target = "postgres" if _WORDS.intersection(sys.orig_argv) else "duckdb"

_tools = {"dbt", "dlt"}.intersection(Path(word).name for word in sys.orig_argv[:2])
_is_dbt = "dbt" in _tools

# dbt keeps some hundred thousand objects as long as it runs. Python's default search for garbage among them takes a
# seventh of its time.
if _is_dbt:
    gc.set_threshold(5_000, 50, 1_000)


def _report_full_disk(output: "OutputFilter") -> None:
    """What dbt says of a full disk depends on what it was writing."""
    if output.is_disk_full:
        sys.stderr.write(f"Error: {FULL}\n")


try:
    _settings = read_settings()
    os.environ.update(derive_tool_environment(_settings, _target))
    if _is_dbt and "--help" not in sys.orig_argv:
        require_writable(_settings)
        logging.raiseExceptions = False  # a log that cannot be written is one line, not a traceback for each event
        from loader.publish.dbt_output import filter_screen
        from loader.publish.dbt_report import find_kind, note_at_end

        atexit.register(partial(_report_full_disk, filter_screen(_settings)))

        if kind := find_kind(sys.orig_argv, _target):
            note_at_end(kind, _settings, _target)
    if _is_dbt and _target == "postgres" and not os.environ.get("PGHOST") and "--help" not in sys.orig_argv:
        from loader.publish.postgres import ensure_server

        ensure_server()  # dbt connects before anything of ours could start it
except HeadwaterError as error:
    # Our own commands report it themselves. dbt would continue without its project, and dlt shows a traceback.
    if _tools:
        sys.stderr.write(f"Error: {error}\n")
        sys.stderr.flush()
        os._exit(2)  # an exception would be Python's own failure to start

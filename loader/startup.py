"""Runs at every start of this environment's Python (`headwater.pth`), so that plain `dlt` and `dbt` need no exports.

It overwrites what is set: the values follow from Headwater's own settings, and a child process with others
must not inherit its parent's.
"""

import gc
import logging
import os
import sys
from pathlib import Path

from loader.base.disk import require_writable
from loader.base.errors import HeadwaterError
from loader.base.settings import derive_tool_environment, read_settings

# `dbt build --target postgres`, in the spellings that dbt takes.
_WORDS = {"postgres", "--target=postgres", "-tpostgres"}
_target = "postgres" if _WORDS.intersection(sys.orig_argv) else "duckdb"

_tools = {"dbt", "dlt"}.intersection(Path(word).name for word in sys.orig_argv[:2])
_is_dbt = "dbt" in _tools

# dbt keeps some hundred thousand objects as long as it runs. Python's default search for garbage among them takes a
# seventh of its time.
if _is_dbt:
    gc.set_threshold(5_000, 50, 1_000)


try:
    _settings = read_settings()
    os.environ.update(derive_tool_environment(_settings, _target))
    if _is_dbt and "--help" not in sys.orig_argv:
        require_writable(_settings)
        logging.raiseExceptions = False  # a log that cannot be written is one line, not a traceback for each event
        from loader.publish.dbt_output import filter_output
        from loader.publish.dbt_report import find_kind, note_at_end

        filter_output(_settings)

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

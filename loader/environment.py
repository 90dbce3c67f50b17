"""Runs at every start of this environment's Python (`headwater.pth`), so that plain `dlt` and `dbt` need no exports.

It overwrites rather than fills in: the values follow from Headwater's own settings, and a child process with others
must not inherit its parent's.
"""

import gc
import os
import sys
from contextlib import suppress
from pathlib import Path

from loader.errors import HeadwaterError
from loader.settings import derive_tool_environment, read_settings

# `dbt build --target postgres`, in the spellings that dbt takes.
_WORDS = {"postgres", "--target=postgres", "-tpostgres"}
_target = "postgres" if _WORDS.intersection(sys.orig_argv) else "duckdb"

# dbt keeps some hundred thousand objects as long as it runs; to look through them for garbage so often takes a seventh
# of its time.
if "dbt" in (Path(word).name for word in sys.orig_argv[:2]):
    gc.set_threshold(5_000, 50, 1_000)

with suppress(HeadwaterError):  # the command that follows says it
    os.environ.update(derive_tool_environment(read_settings(), _target))

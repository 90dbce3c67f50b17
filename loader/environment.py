"""Runs at every start of this environment's Python (`headwater.pth`), so that plain `dlt` and `dbt` need no exports.

It overwrites rather than fills in: the values follow from `HEADWATER_DATA` and `HEADWATER_WAREHOUSE` alone,
and a child process with other settings must not inherit its parent's.
"""

import os
import sys
from contextlib import suppress

from loader.errors import HeadwaterError
from loader.settings import derive_tool_environment, read_settings

# `dbt build --target postgres`, in the spellings that dbt takes.
_WORDS = {"postgres", "--target=postgres", "-tpostgres"}
_target = "postgres" if _WORDS.intersection(sys.orig_argv) else "duckdb"

with suppress(HeadwaterError):  # the command that follows says it
    os.environ.update(derive_tool_environment(read_settings(), _target))

"""Runs at every start of this environment's Python (`headwater.pth`), so that plain `dlt` and `dbt` need no exports.

It overwrites rather than fills in: the values follow from `HEADWATER_DATA` and `HEADWATER_WAREHOUSE` alone,
and a child process with other settings must not inherit its parent's.
"""

import os
from contextlib import suppress

from loader.errors import HeadwaterError
from loader.settings import derive_tool_environment, read_settings

with suppress(HeadwaterError):  # the command that follows says it
    os.environ.update(derive_tool_environment(read_settings()))

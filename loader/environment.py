"""Runs at every start of this environment's Python (`headwater.pth`), so that plain `dlt` and `dbt` need no exports.

It overwrites rather than fills in: the values follow from `HEADWATER_DATA` and `HEADWATER_WAREHOUSE` alone,
and a child process with other settings must not inherit its parent's.
"""

import os

from loader.settings import derive_tool_environment, read_settings

os.environ.update(derive_tool_environment(read_settings()))

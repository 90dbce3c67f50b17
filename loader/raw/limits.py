"""How much memory and how many threads DuckDB may use while it loads rows of one shape."""

import gc
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

# A load makes and drops hundreds of objects a record, and keeps several of each: Python's default search for garbage
# among them takes a tenth of its time.
_OBJECTS_PER_SEARCH = 100_000


@dataclass(frozen=True)
class LoadLimits:
    """DuckDB's own memory and threads during a load. What exceeds the memory spills to disk beside the warehouse."""

    memory_megabytes: int
    threads: int


def combine_limits(limits: Iterable[LoadLimits]) -> LoadLimits:
    """The limits of a load of several shapes together: the largest of each. Raises ValueError if there are none."""
    each = list(limits)
    return LoadLimits(max(one.memory_megabytes for one in each), max(one.threads for one in each))


def apply_limits(connection: duckdb.DuckDBPyConnection, limits: LoadLimits) -> None:
    """Sets the limits for everything that the connection's database does from now on, and Python's for garbage."""
    gc.set_threshold(_OBJECTS_PER_SEARCH, 10, 10)
    connection.execute(f"set memory_limit = '{limits.memory_megabytes}MB'; set threads = {limits.threads}")

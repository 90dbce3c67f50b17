"""How much memory and how many threads DuckDB may use while it loads rows of one shape."""

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb


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
    """Sets the limits for everything that the connection's database does from now on."""
    connection.execute(f"set memory_limit = '{limits.memory_megabytes}MB'; set threads = {limits.threads}")

"""Which version of Headwater a warehouse is for: a newer one is refused, an older one is brought up to date."""

from collections.abc import Mapping
from importlib.metadata import version

import duckdb

from loader.base.errors import HeadwaterError

# One more whenever raw, the history or dlt's state change in a way that an older Headwater cannot read, or that a user
# must act on. Before there were numbers it was 1.
FORMAT = 2
# What a user must do when a warehouse comes to a format, besides `headwater run`; CHANGELOG.md has the reasons.
MANUAL_STEPS: Mapping[int, str] = {
    2: "settings that you changed in .dlt/config.toml belong in .dlt/local.config.toml",
}
_FIRST_FORMAT = 1
_TABLE = "operations.warehouse_format"


def refuse_newer(connection: duckdb.DuckDBPyConnection) -> None:
    """Raises HeadwaterError if the warehouse was written by a Headwater that this one is too old for."""
    noted, writer = _read(connection)
    if noted > FORMAT:
        raise HeadwaterError(
            f"The warehouse was written by Headwater {writer} (format {noted}); this is Headwater"
            f" {version('headwater')} (format {FORMAT}). Update Headwater: git pull, then make setup."
        )


def describe_upgrade(connection: duckdb.DuckDBPyConnection) -> str | None:
    """What a user must do now that this version meets a warehouse of an older one; None if there is nothing to do."""
    noted, _ = _read(connection)
    steps = [step for number, step in sorted(MANUAL_STEPS.items()) if noted < number <= FORMAT]
    if not steps:
        return None
    return f"The warehouse is of an older version: {'; '.join(steps)}. CHANGELOG.md says more."


def note_format(connection: duckdb.DuckDBPyConnection) -> None:
    """Notes that this version has loaded into the warehouse."""
    connection.execute("create schema if not exists operations")
    columns = "format integer, headwater_version varchar, noted_at timestamptz"
    connection.execute(f"create table if not exists {_TABLE} ({columns})")
    if _read(connection) != (FORMAT, version("headwater")):
        connection.execute("begin")
        connection.execute(f"delete from {_TABLE}")
        connection.execute(f"insert into {_TABLE} values (?, ?, now())", [FORMAT, version("headwater")])
        connection.execute("commit")


def _read(connection: duckdb.DuckDBPyConnection) -> tuple[int, str]:
    """The format and its writer. What holds no table yet is made by this version."""
    sql = "select schema_name || '.' || table_name from duckdb_tables() where not internal"
    tables = {name for (name,) in connection.execute(sql).fetchall()}
    if not tables:
        return FORMAT, version("headwater")
    noted = (
        connection.execute(f"select format, headwater_version from {_TABLE}").fetchone() if _TABLE in tables else None
    )
    return (int(noted[0]), str(noted[1])) if noted else (_FIRST_FORMAT, "0.1.0")

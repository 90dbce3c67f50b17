"""A warehouse of a newer version is refused by every command, in one line that says what to do."""

import duckdb
import pytest

from loader.raw.warehouse_format import FORMAT, describe_upgrade, note_format
from tests.support.workspace import Workspace


@pytest.mark.parametrize("command", [("dlt", "pipeline", "run"), ("dbt", "build"), ("headwater", "status")])
def test_a_warehouse_of_a_newer_version_is_refused(workspace: Workspace, command: tuple[str, ...]) -> None:
    workspace.settings.data.mkdir(parents=True)
    with duckdb.connect(str(workspace.settings.warehouse)) as connection:
        note_format(connection)
        connection.execute(f"update operations.warehouse_format set format = {FORMAT + 1}, headwater_version = '9.9'")
    finished = workspace.run(*command)
    assert finished.status != 0
    assert f"The warehouse was written by Headwater 9.9 (format {FORMAT + 1})" in " ".join(finished.output.split())
    assert "git pull" in finished.output
    assert "Traceback" not in finished.output


def test_a_new_warehouse_needs_no_upgrade() -> None:
    with duckdb.connect(":memory:") as connection:
        assert describe_upgrade(connection) is None
        note_format(connection)
        assert describe_upgrade(connection) is None

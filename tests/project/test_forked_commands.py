"""Commands that tests fork end like those that they start; dbt parses the project once for all workspaces."""

import pytest

from tests.support.workspace import SCRIPTS, Workspace


@pytest.mark.parametrize(
    "command",
    [
        ("headwater", "status"),
        ("headwater", "nothing"),
        ("dlt", "pipeline", "--list-pipelines"),
        ("dbt", "ls", "--select", "nothing", "--no-such-option"),
    ],
)
def test_a_forked_command_ends_like_a_started_one(workspace: Workspace, command: tuple[str, ...]) -> None:
    program, *arguments = command
    assert workspace.run(program, *arguments) == workspace.run_program([str(SCRIPTS / program), *arguments])


def test_the_project_is_parsed_once_for_all_workspaces(workspace: Workspace) -> None:
    def list_seeds(warehouse: str) -> str:
        finished = workspace.run("dbt", "ls", "--resource-type", "seed", extra={"HEADWATER_WAREHOUSE": warehouse})
        assert "headwater.academic." in finished.output
        return finished.output

    list_seeds(str(workspace.folder / "one" / "warehouse.duckdb"))
    assert "Unable to do partial parsing" not in list_seeds(str(workspace.folder / "two" / "warehouse.duckdb"))

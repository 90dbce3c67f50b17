"""What the README says is so: its commands exist, its marts are all of the marts, its layout is the layout."""

import re

from loader.base.settings import ROOT
from tests.support.workspace import Workspace

README = (ROOT / "README.md").read_text()


def list_commands() -> list[str]:
    """Every line of a console block that a reader would type, without its comment."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [
        re.sub(r"\s+#.*", "", line.removeprefix("$ "))
        for block in blocks
        for line in block.splitlines()
        if line[:2] == "$ "
    ]


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", README))
    assert named
    assert named <= targets


def test_every_command_of_the_readme_exists(workspace: Workspace) -> None:
    commands = [command for command in list_commands() if re.match(r"(headwater|dlt|dbt) ", command)]
    assert commands
    for command in {re.sub(r" --day 2| --json| --target postgres", "", command) for command in commands}:
        program, *arguments = command.split()
        finished = workspace.run(program, *arguments, "--help")
        assert finished.status == 0, command
        assert "usage" in finished.output.lower()


def test_the_table_of_marts_names_all_of_them() -> None:
    marts = {path.stem for path in (ROOT / "dbt_project" / "models" / "marts").rglob("*.sql")}
    named = set(re.findall(r"^\| `((?:fct|dim|bridge)_\w+)`", README, re.MULTILINE))
    assert named == marts


def test_every_path_of_the_readme_is_there() -> None:
    for path in re.findall(r"\]\((?!https?:|#)([^)]+)\)", README):
        assert (ROOT / path).exists(), path
    (layout,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    for line in layout.splitlines():
        assert (ROOT / line.split()[0]).exists(), line


def test_every_setting_of_the_readme_is_one(workspace: Workspace) -> None:
    code = "".join(path.read_text() for path in (ROOT / "loader").rglob("*.py"))
    for name in re.findall(r"`sources\.openalex\.(\w+)`", README):
        assert re.search(rf"\b{name}: ", code), name
    for name in re.findall(r"`(HEADWATER_\w+)`", README):
        assert name in code, name

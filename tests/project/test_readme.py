"""What the README says is so: its commands exist, its marts are all of the marts, its layout is the layout."""

import re

from loader.base.settings import ROOT
from tests.support.documents import list_commands
from tests.support.workspace import Workspace

PATH = ROOT / "README.md"
README = PATH.read_text()
MARTS = ROOT / "dbt_project" / "models" / "marts"


def test_the_readme_is_short() -> None:
    assert len(README.split()) <= 1_200


def test_every_command_of_the_readme_exists(workspace: Workspace) -> None:
    commands = [command for command in list_commands(PATH) if re.match(r"(headwater|dlt|dbt) ", command)]
    assert commands
    for command in {re.sub(r" --day 2| --json| --target postgres", "", command) for command in commands}:
        program, *arguments = command.split()
        finished = workspace.run(program, *arguments, "--help")
        assert finished.status == 0, command
        assert "usage" in finished.output.lower()


def test_every_domain_is_listed_with_all_of_its_marts() -> None:
    (section,) = re.findall(r"## The marts\n(.*?)\n## ", README, re.DOTALL)
    parts = re.split(r"^\*\*(\w+)\*\*.*$", section, flags=re.MULTILINE)
    named = {
        domain: sorted(re.findall(r"`((?:fct|dim|bridge)_\w+)`", table))
        for domain, table in zip(parts[1::2], parts[2::2], strict=True)
    }
    assert named == {path.name: sorted(mart.stem for mart in path.glob("*.sql")) for path in MARTS.iterdir()}


def test_the_layout_is_the_layout() -> None:
    (layout,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    shown = [line.split()[0] for line in layout.splitlines()]
    for path in shown:
        assert (ROOT / path).exists(), path
    rooms = {f"loader/{path.parent.name}" for path in (ROOT / "loader").glob("*/__init__.py")}
    layers = {
        f"dbt_project/models/{path.name}" for path in (ROOT / "dbt_project" / "models").iterdir() if path.is_dir()
    }
    assert rooms | layers <= set(shown)


def test_every_setting_of_the_readme_is_explained() -> None:
    explained = (ROOT / "docs" / "configuration.md").read_text()
    for name in re.findall(r"\bHEADWATER_[A-Z_]+", README):
        assert f"`{name}`" in explained, name
    for section, name in re.findall(r"\bSOURCES__([A-Z_]+?)__([A-Z_]+)", README):
        assert f"`sources.{section}.{name}`".lower() in explained, name

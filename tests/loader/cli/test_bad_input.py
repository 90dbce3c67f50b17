"""Bad input gets one clear line, a status other than zero and no traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.server import OpenAlexServer
from tests.loader.raw.test_warehouse import hold
from tests.support.publishing import HAND_OFF, PUBLISH
from tests.support.workspace import Workspace

Prepare = Callable[[Workspace], None]


def set_roster(text: str | None) -> Prepare:
    def prepare(workspace: Workspace) -> None:
        path = workspace.folder / "roster.csv"
        if text is not None:
            path.write_text(text)
        workspace.environment["SOURCES__OPENALEX__ROSTER"] = str(path)

    return prepare


def set_variables(**variables: str) -> Prepare:
    def prepare(workspace: Workspace) -> None:
        set_roster("openalex_id\nA5012345678\n")(workspace)
        workspace.environment.update(variables)

    return prepare


def write_warehouse(workspace: Workspace) -> None:
    set_roster("openalex_id\nA5012345678\n")(workspace)
    workspace.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    workspace.settings.warehouse.write_text("no database " * 100)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        pytest.param(set_roster(None), "does not exist", id="a roster that is missing"),
        pytest.param(set_roster(""), "is empty", id="an empty roster"),
        pytest.param(set_roster("name\nAda\n"), "neither a column openalex_id nor orcid", id="no usable column"),
        pytest.param(set_roster("openalex_id\nA12x\n"), "is not an OpenAlex author id", id="a malformed id"),
        pytest.param(set_roster("openalex_id\nA50123\nA50123\n"), "is already on line 2", id="a duplicate id"),
        pytest.param(
            set_variables(SOURCES__OPENALEX__BASE_URL="http://127.0.0.1:9"), "cannot be reached", id="nobody answers"
        ),
        pytest.param(
            set_variables(SOURCES__OPENALEX__BASE_URL="openalex"),
            "is not an http address",
            id="a base URL that is none",
        ),
        pytest.param(
            set_variables(SOURCES__OPENALEX__INSTITUTION="I1"), "both are set", id="a roster and an institution"
        ),
        pytest.param(
            set_variables(SOURCES__OPENALEX__ROSTER="", SOURCES__OPENALEX__INSTITUTION="Oxford"),
            "must be an OpenAlex id",
            id="an institution that is none",
        ),
        pytest.param(
            set_variables(SOURCES__OPENALEX__REQUESTS_PER_SECOND="abc"),
            "sources.openalex.requests_per_second is 'abc'; it must be a number.",
            id="a pace that is no number",
        ),
        pytest.param(write_warehouse, "is not a DuckDB file", id="a warehouse of another kind"),
    ],
)
def test_bad_input_gets_one_line(workspace: Workspace, prepare: Prepare, message: str) -> None:
    prepare(workspace)
    assert_one_error(workspace, message, "dlt", "pipeline", "run")


def test_an_unknown_source_is_named_with_those_there_are(workspace: Workspace) -> None:
    assert_one_error(
        workspace, "There is no source 'nosuch'. The sources are: openalex", "dlt", "pipeline", "nosuch", "run"
    )


def test_an_option_of_another_source_is_refused_with_those_that_it_takes(workspace: Workspace) -> None:
    command = ("dlt", "pipeline", "semantic_scholar", "run", "--author", "A5012345678")
    assert_one_error(workspace, "semantic_scholar cannot be narrowed by --author; it takes no such option.", *command)
    for command in (["openalex", "run", "--help"], ["openalex", "--help"]):
        assert "--author ID" in workspace.run_well("dlt", "pipeline", *command)
    assert "Available Subcommands" in workspace.run_well("dlt", "pipeline", "--help")


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("headwater --nonsense", "No such option '--nonsense'. See `headwater --help`."),
        ("headwater rnu", "No such command 'rnu'. Did you mean 'run'? See `headwater --help`."),
        ("headwater run --nonsense", "No such option '--nonsense'. See `headwater run --help`."),
        ("headwater postgres grant", "Missing argument 'NAME'. See `headwater postgres grant --help`."),
        ("dlt pipeline openalex run --nonsense", "No such argument: --nonsense. See `dlt pipeline run --help`."),
        ("dlt pipeline run --author", "Argument --author: expected one argument. See `dlt pipeline run --help`."),
        ("dlt pipeline rejects --all", "No such argument: --all. See `dlt pipeline rejects --help`."),
    ],
)
def test_what_is_mistyped_is_one_line_that_names_the_help(workspace: Workspace, typed: str, error: str) -> None:
    finished = workspace.run(*typed.split())
    assert (finished.status, finished.output) == (2, f"Error: {error}\n")
    assert "Usage: headwater postgres" in workspace.run("headwater", "postgres").output


def test_a_domain_that_does_not_exist_is_named_with_those_there_are(workspace: Workspace) -> None:
    workspace.environment["HEADWATER_DOMAINS"] = "txai"
    assert_one_error(workspace, "There is no domain 'txai'. The domains are: academic", "dlt", "pipeline", "run")


def test_a_key_that_is_refused_is_named_by_its_setting(workspace: Workspace) -> None:
    with OpenAlexServer(Catalogue.from_works([]), api_keys=frozenset({"right"})) as server:
        workspace.serve(server.url, workspace.write_roster("openalex_id", "A5012345678"))
        workspace.environment["SOURCES__OPENALEX__API_KEY"] = "wrong-and-secret"
        assert_one_error(workspace, "refuses the key in sources.openalex.api_key", "dlt", "pipeline", "run")
    leaked = [
        path
        for path in Path(workspace.folder).rglob("*")
        if path.is_file() and b"wrong-and-secret" in path.read_bytes()
    ]
    assert leaked == []


@pytest.mark.parametrize("command", [("dlt", "pipeline", "run"), ("dbt", "build"), ("headwater", "status")])
def test_a_warehouse_that_another_process_holds_is_reported_with_the_process(
    workspace: Workspace, command: tuple[str, ...]
) -> None:
    set_roster("openalex_id\nA5012345678\n")(workspace)
    workspace.settings.warehouse.parent.mkdir(parents=True, exist_ok=True)
    with hold(workspace.settings.warehouse) as pid:
        finished = workspace.run(*command)
    assert finished.status != 0
    assert f"is held by process {pid}" in finished.output
    assert "Traceback" not in finished.output


def test_dbt_says_which_setting_is_wrong(workspace: Workspace) -> None:
    finished = workspace.run("dbt", "build", extra={"HEADWATER_LOCK_WAIT_SECONDS": "soon"})
    assert (finished.status, finished.output) == (
        2,
        "Error: HEADWATER_LOCK_WAIT_SECONDS is 'soon'; it must be a number of seconds.\n",
    )


@pytest.mark.parametrize("command", ["run", "demo", "status"])
def test_a_data_folder_that_cannot_be_is_reported_in_one_line(workspace: Workspace, command: str) -> None:
    finished = workspace.run("headwater", command, extra={"HEADWATER_DATA": "/proc/nowhere"})
    assert finished.status == 1
    assert "/proc/nowhere" in finished.output
    assert "Traceback" not in finished.output


@pytest.mark.parametrize("command", ["headwater run", "headwater postgres start", "dlt pipeline run", "dbt build"])
def test_a_data_folder_that_is_a_file_is_named(workspace: Workspace, command: str) -> None:
    path = workspace.folder / "a file"
    path.write_text("")
    finished = workspace.run(*command.split(), extra={"HEADWATER_DATA": str(path)})
    assert finished.status != 0
    assert f"Error: {path} is not a folder. Name another data folder in HEADWATER_DATA." in finished.output
    assert "Errno" not in finished.output


def test_a_roster_of_nobody_is_refused(workspace: Workspace) -> None:
    with OpenAlexServer(Catalogue.from_works([])) as server:
        workspace.serve(server.url, workspace.write_roster("openalex_id", "A5012345678"))
        assert_one_error(workspace, "OpenAlex knows no author of this roster.", "dlt", "pipeline", "run")


def test_a_status_without_a_warehouse_says_how_to_make_one(workspace: Workspace) -> None:
    assert_one_error(workspace, "There is no warehouse", "headwater", "status")


def test_what_is_done_too_early_says_what_comes_first(workspace: Workspace) -> None:
    for command, hint in (
        (HAND_OFF, "Run `dbt build` first"),
        (("dbt", "build"), "openalex is not loaded yet. Run `dlt pipeline openalex run` first"),
        (PUBLISH, "Run `dbt run-operation handoff` first"),
    ):
        refused = workspace.run(*command)
        assert refused.status != 0
        assert hint in refused.output


def assert_one_error(workspace: Workspace, message: str, *command: str) -> None:
    finished = workspace.run(*command)
    assert finished.status == 1, finished.output
    errors = [line for line in finished.output.splitlines() if "Error" in line]
    assert len(errors) == 1, finished.output
    assert message in errors[0]
    assert "Traceback" not in finished.output


@pytest.mark.parametrize("command", ["report", "export", "postgres grant ada"])
def test_what_reads_marts_says_what_to_do_first_and_starts_no_server(workspace: Workspace, command: str) -> None:
    assert_one_error(workspace, "Nothing is published yet. Run `headwater run` first.", "headwater", *command.split())
    assert not workspace.settings.postgres_data.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--domain", "gardens"), "There is no demo of a domain 'gardens'. There are: academic"),
        (("--day", "3"), "--day 3: the demo of academic has 2."),
    ],
)
def test_a_demo_that_does_not_exist_is_one_line(workspace: Workspace, options: tuple[str, ...], message: str) -> None:
    finished = workspace.run("headwater", "demo", *options)
    assert finished.status == 1
    assert message in finished.output
    assert not (workspace.settings.data / "demo").exists()

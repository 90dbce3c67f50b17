"""`headwater init` writes a user's settings to files that git ignores, and both dlt and Headwater read them there."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import Checkout
from tests.support.terminal import converse
from tests.support.workspace import SCRIPTS

KEY = "very-secret-key"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the checkout, in a git repository, as a user has it."""
    with Checkout(tmp_path_factory.mktemp("init"), domains=()) as made:
        made.environment["HEADWATER_DOMAINS"] = ""
        del made.environment["SOURCES__OPENALEX__INSTITUTION"]
        for arguments in (["init", "--quiet"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=b", "commit"]):
            more = ["--quiet", "--message", "As it ships"] if arguments[-1] == "commit" else []
            finished = made.run_program(["git", *arguments, *more])
            assert finished.status == 0, finished.output
        yield made


@pytest.fixture(autouse=True)
def _as_it_ships(checkout: Checkout) -> None:
    for name in ("local.config.toml", "secrets.toml"):
        (checkout.root / ".dlt" / name).unlink(missing_ok=True)


def read(checkout: Checkout, name: str) -> dict[str, object]:
    return tomllib.loads((checkout.root / ".dlt" / name).read_text())


def test_a_new_user_answers_and_both_tools_read_it(checkout: Checkout) -> None:
    roster = checkout.write_roster("openalex_id,note", "A5012345678,x", "A5012345679,")
    shown = converse(
        [str(SCRIPTS / "headwater"), "init"],
        ["", "nowhere.csv", str(roster), KEY, ""],
        {**os.environ, **checkout.environment},
        checkout.root,
    )
    assert "[loader/sources/openalex/example_roster.csv]" in shown
    assert "nowhere.csv does not exist" in shown
    assert "members in the file: 2. The roster's column note is ignored." in shown
    assert KEY not in shown
    assert read(checkout, "local.config.toml") == {"sources": {"openalex": {"roster": str(roster), "institution": ""}}}
    assert read(checkout, "secrets.toml") == {"sources": {"openalex": {"api_key": KEY}}}
    assert (checkout.root / ".dlt" / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert checkout.run_program(["git", "status", "--porcelain"]).output == ""
    estimate = checkout.run_well("dlt", "pipeline", "openalex", "run", "--dry-run")
    assert "all works of 2 members" in estimate
    assert "The roster's column note is ignored." in estimate
    assert "There is no key" not in estimate


def test_what_is_not_answered_is_kept(checkout: Checkout) -> None:
    own = checkout.root / ".dlt" / "local.config.toml"
    own.write_text("# mine\n[sources.openalex]\nsweep_credits = 7  # few\nroster = 'a.csv'\n")
    checkout.run_well("headwater", "init", "--yes", "--openalex-researchers", "https://ror.org/03vek6s52")
    text = own.read_text()
    assert text.startswith("# mine\n[sources.openalex]\nsweep_credits = 7  # few\n")
    assert tomllib.loads(text)["sources"]["openalex"] == {
        "sweep_credits": 7,
        "roster": "",
        "institution": "https://ror.org/03vek6s52",
    }
    before = own.read_bytes()
    assert "Nothing is changed." in checkout.run_well("headwater", "init", "--yes")
    assert own.read_bytes() == before
    assert not (checkout.root / ".dlt" / "secrets.toml").exists()


def test_without_a_terminal_every_answer_is_an_option(checkout: Checkout, tmp_path: Path) -> None:
    refused = checkout.run("headwater", "init")
    assert refused.status == 2
    assert "Answer --domains, --openalex-researchers, --openalex-api-key-file" in refused.output
    assert not (checkout.root / ".dlt" / "local.config.toml").exists()
    (tmp_path / "key").write_text(f"{KEY}\n")
    options = ["--domains", "academic", "--openalex-researchers", "I136199984", "--semantic-scholar-enabled", "yes"]
    keys = ["--openalex-api-key-file", str(tmp_path / "key"), "--semantic-scholar-api-key-file", str(tmp_path / "key")]
    checkout.run_well("headwater", "init", *options, *keys)
    assert read(checkout, "local.config.toml")["domains"] == ["academic"]
    assert read(checkout, "secrets.toml")["sources"] == {
        "openalex": {"api_key": KEY},
        "semantic_scholar": {"api_key": KEY},
    }


def test_an_answer_that_cannot_be_used_is_refused_and_nothing_is_written(checkout: Checkout) -> None:
    roster = checkout.write_roster("openalex_id", "A12x")
    for options, message in (
        (["--openalex-researchers", str(roster)], "is not an OpenAlex author id"),
        (["--domains", "txai"], "there are: academic"),
        (["--semantic-scholar-enabled", "perhaps"], "is neither yes nor no"),
    ):
        refused = checkout.run("headwater", "init", "--yes", *options)
        assert refused.status == 1
        assert message in " ".join(refused.output.split())
    assert not (checkout.root / ".dlt" / "local.config.toml").exists()


def test_an_answer_that_another_place_overrides_is_pointed_out(checkout: Checkout) -> None:
    roster = checkout.write_roster("openalex_id", "A5012345678")
    variables = {"SOURCES__OPENALEX__ROSTER": "other.csv"}
    finished = checkout.run("headwater", "init", "--yes", "--openalex-researchers", str(roster), extra=variables)
    assert "is also set in the environment (SOURCES__OPENALEX__ROSTER), which wins." in finished.output


def test_headwaters_own_settings_come_from_the_same_files(checkout: Checkout) -> None:
    (checkout.root / ".dlt" / "local.config.toml").write_text('domains = ["txai"]\n')
    finished = checkout.run("dlt", "pipeline", "run", "--dry-run")
    assert "There is no domain 'txai'" in finished.output


@pytest.mark.parametrize("command", [("dlt", "pipeline", "run"), ("dbt", "build"), ("headwater", "status")])
def test_a_file_that_is_no_toml_gets_one_line(checkout: Checkout, command: tuple[str, ...]) -> None:
    (checkout.root / ".dlt" / "local.config.toml").write_text("domains = [\n")
    finished = checkout.run(*command)
    assert finished.status in (1, 2)
    assert "local.config.toml cannot be read" in finished.output
    assert "Traceback" not in finished.output

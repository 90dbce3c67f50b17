"""`headwater new-source` writes a source that passes the conventions at once, or writes nothing and says why."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import Checkout

LONG = "a_name_that_is_as_long_as_it_m"
SOURCES = [("air_quality", "stations", "weather"), (LONG, "sources", "academic")]


def list_files(root: Path) -> dict[str, bytes]:
    """Every file of a copy but Python's own."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy in which new sources have been written, one of them with the longest names, in a domain that exists."""
    with Checkout(tmp_path_factory.mktemp("new-source"), domains=("academic", "weather")) as made:
        before = set(list_files(made.root))
        written: set[str] = set()
        for name, resource, domain in SOURCES:
            printed = made.run_well("headwater", "new-source", name, resource, "--domain", domain)
            written |= set(printed.partition("\n\nNext:\n")[0].splitlines())
        assert len(LONG) == 30
        assert set(list_files(made.root)) - before == written - {"dbt_project/dbt_project.yml"}
        yield made


def test_what_it_writes_passes_the_conventions_and_its_own_tests(checkout: Checkout) -> None:
    tests = [f"tests/loader/sources/test_{name}.py" for name, _, _ in SOURCES]
    finished = checkout.run_pytest("tests/project", *tests)
    assert finished.status == 0, finished.output


@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        "mypy",
        "sqlfluff lint --disable-progress-bar dbt_project/models/staging/weather",
    ],
)
def test_what_it_writes_passes_the_linters(checkout: Checkout, command: str) -> None:
    checkout.run_well(*command.split())


def test_what_it_writes_can_be_loaded_and_built(checkout: Checkout) -> None:
    with checkout.serve_stand_in("air_quality"):
        assert "250" in checkout.run_well("dlt", "pipeline", "air_quality", "run")
        printed = checkout.run_well("dbt", "build", "--select", "tag:weather")
    assert "Completed successfully" in printed
    with checkout.open_duckdb() as connection:
        counted = connection.execute("select count(*), count(title) from staging.stg_air_quality__stations")
        assert counted.fetchall() == [(250, 250)]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("air_quality stations --domain weather", "loader/sources/air_quality.py exists already. Nothing was written."),
        ("openalex works --domain academic", "loader/sources/openalex exists already. Nothing was written."),
        ("settings works --domain academic", "loader/sources/settings.py exists already. Nothing was written."),
        ("AirQuality stations --domain weather", "'AirQuality' cannot name a source"),
        ("../escape stations --domain weather", "'../escape' cannot name a source"),
        ("air__quality stations --domain weather", "'air__quality' cannot name a source"),
        (f"{LONG}x stations --domain weather", "cannot name a source"),
        ("noise class --domain weather", "'class' cannot name a resource"),
        ("noise levels --domain shared", "'shared' cannot name a domain"),
        ("noise levels --domain no", "'no' cannot name a domain"),
        ("noise levels", "Name the domain: --domain NAME. Enabled are: academic, weather."),
    ],
)
def test_a_name_that_cannot_be_used_is_one_line_and_writes_nothing(
    checkout: Checkout, arguments: str, error: str
) -> None:
    before = list_files(checkout.root)
    finished = checkout.run("headwater", "new-source", *arguments.split())
    assert finished.status == 1
    assert finished.output.startswith("Error: ")
    assert error in finished.output
    assert len(finished.output.splitlines()) == 1
    assert list_files(checkout.root) == before

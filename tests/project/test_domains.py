"""The tests of a domain are found by the folder in which they are."""

import sys

import pytest

from loader.base.settings import ROOT
from tests.support.domains import find_domain, is_selected, list_domains
from tests.support.workspace import Workspace


@pytest.mark.parametrize(
    ("place", "domain"),
    [
        ("end_to_end/academic/test_demo.py", "academic"),
        ("end_to_end/test_publication.py", None),
        ("loader/sources/openalex/test_sync.py", "academic"),
        ("loader/sources/test_openalex.py", "academic"),
        ("loader/sources/test_contract.py", None),
        ("loader/samples/semantic_scholar/test_server.py", "academic"),
        ("loader/raw/test_documents.py", None),
        ("chaos/test_loading.py", None),
    ],
)
def test_the_folder_decides(place: str, domain: str | None) -> None:
    assert "academic" in list_domains()
    assert find_domain(ROOT / "tests" / place) == domain


def test_a_domain_that_does_not_exist_is_one_line(workspace: Workspace) -> None:
    command = [sys.executable, "-m", "pytest", "--numprocesses", "0", "--collect-only", "--domain", "acedemic"]
    finished = workspace.run_program(command)
    assert finished.status != 0
    names = ", ".join(list_domains())
    assert finished.output.strip() == f"ERROR: There is no domain 'acedemic'. The domains are: {names}."


def test_a_domain_takes_its_own_tests_and_the_shared_ones() -> None:
    own, shared = ROOT / "tests/end_to_end/academic/test_demo.py", ROOT / "tests/chaos/test_loading.py"
    assert [is_selected(own, domain) for domain in ("academic", "taxi", None)] == [True, False, True]
    assert all(is_selected(shared, domain) for domain in ("academic", "taxi", None))

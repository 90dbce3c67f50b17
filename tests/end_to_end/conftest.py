"""Copies of the checkout with the domain of the worked example (docs/adding-a-source.md) and another one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.checkout import Checkout
from tests.support.sample import Sample, serve_sample
from tests.support.worked_example import add_twin, add_worked_example, serve_stories, serve_threads


@pytest.fixture(scope="module")
def served_domains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, Any]]:
    """See two_domains and stories."""
    with Checkout(tmp_path_factory.mktemp("two-domains"), domains=("discussions", "forums")) as checkout:
        add_worked_example(checkout.root)
        add_twin(checkout.root)
        with serve_stories(checkout) as server, serve_threads(checkout), published_whole(checkout):
            yield checkout, server


@pytest.fixture
def two_domains(served_domains: tuple[Checkout, Any]) -> Checkout:
    """A copy of the checkout with the domains discussions and forums, both served, loaded and published once."""
    return served_domains[0]


@pytest.fixture
def stories(served_domains: tuple[Checkout, Any]) -> Any:
    """The stand-in that serves the stories of two_domains."""
    return served_domains[1]


@pytest.fixture
def academic_and_stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, Any]]:
    """The same with the domains academic and discussions, and the stand-in that serves the stories."""
    with Checkout(tmp_path_factory.mktemp("academic-and-stories"), domains=("academic", "discussions")) as checkout:
        add_worked_example(checkout.root)
        # Else each run brings the years of some more coauthors, which is news.
        checkout.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = "0"
        with (
            serve_sample(checkout, Sample(checkout)),
            serve_stories(checkout) as server,
            published_whole(checkout),
        ):
            yield checkout, server


@contextmanager
def published_whole(checkout: Checkout) -> Iterator[None]:
    """Publishes all domains before the block and after it, whatever it did; then both engines must hold the same."""
    checkout.run_well("headwater", "run")
    yield
    checkout.run_well("headwater", "run")
    assert "DuckDB and Postgres hold the same marts." in checkout.run_well("headwater", "status")

"""Copies of the checkout with the domain of the worked example (docs/adding-a-source.md)."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.checkout import Checkout
from tests.support.sample import Sample, serve_sample
from tests.support.worked_example import add_worked_example, serve_stories


@pytest.fixture(scope="module")
def served_domains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, Any]]:
    """See two_domains and stories."""
    with Checkout(tmp_path_factory.mktemp("two-domains"), domains=("academic", "discussions")) as checkout:
        add_worked_example(checkout.root)
        # Else each run brings the years of some more coauthors, which is news.
        checkout.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = "0"
        with serve_sample(checkout, Sample(checkout)), serve_stories(checkout) as server:
            checkout.run_well("headwater", "run")
            yield checkout, server
            # Whatever the tests did, and in whatever order.
            checkout.run_well("headwater", "run")
            assert "DuckDB and Postgres hold the same marts." in checkout.run_well("headwater", "status")


@pytest.fixture
def two_domains(served_domains: tuple[Checkout, Any]) -> Checkout:
    """A copy of the checkout with the domains academic and discussions, both served, loaded and published once."""
    return served_domains[0]


@pytest.fixture
def stories(served_domains: tuple[Checkout, Any]) -> Any:
    """The stand-in that serves the stories of two_domains."""
    return served_domains[1]

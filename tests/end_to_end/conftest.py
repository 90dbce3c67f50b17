"""Copies of the checkout with the domain of the worked example (docs/adding-a-source.md)."""

from collections.abc import Iterator

import pytest

from tests.support.checkout import Checkout
from tests.support.sample import Sample, serve_sample
from tests.support.worked_example import add_worked_example, serve_stories


@pytest.fixture(scope="module")
def two_domains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A copy of the checkout with the domains academic and discussions, both served, loaded and published once."""
    with Checkout(tmp_path_factory.mktemp("two-domains"), domains=("academic", "discussions")) as checkout:
        add_worked_example(checkout.root)
        with serve_sample(checkout, Sample(checkout)), serve_stories(checkout):
            checkout.run_well("headwater", "run")
            yield checkout

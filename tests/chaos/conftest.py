"""The tally of a run of these tests, printed at the end of the long form."""

from collections.abc import Callable, Iterator

import pytest

from tests.chaos.chance import IS_LONG
from tests.chaos.tally import PhaseTally, print_tallies


@pytest.fixture(scope="session")
def start_tally() -> Iterator[Callable[[str], PhaseTally]]:
    """Begins the tally of a phase."""
    tallies: list[PhaseTally] = []

    def start(phase: str) -> PhaseTally:
        tallies.append(PhaseTally(phase))
        return tallies[-1]

    yield start
    if IS_LONG:
        print_tallies(tallies)

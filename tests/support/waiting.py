"""Waits for a condition instead of for time."""

import time
from collections.abc import Callable

_POLL_SECONDS = 0.01
_GIVE_UP_SECONDS = 60


def wait_until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; fails the test when it does not come to hold."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for does not happen"
        time.sleep(_POLL_SECONDS)

"""Waits for a condition instead of for time."""

import time
from collections.abc import Callable

from tests.support.workspace import Running

_PATIENCE_SECONDS = 120


def wait_until(condition: Callable[[], object], running: Running, *, every_seconds: float = 0.02) -> bool:
    """Waits for a condition; False when the command ended first. Fails the test when neither comes."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if running.has_ended:
            return False
        assert time.monotonic() < deadline, "what the test waits for does not happen"
        time.sleep(every_seconds)
    return True

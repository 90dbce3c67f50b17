"""OpenAlex's daily budget, as its answers report it."""

import time
from collections.abc import Mapping
from threading import Lock

from loader.base.errors import StopLoadingError
from loader.fetch.waits import describe_time

LIST_CREDITS = 1
_SAME_DAY_SECONDS = 3_600.0


class Budget:
    """The credits left until midnight UTC, as OpenAlex's headers report them."""

    def __init__(self) -> None:
        self.remaining: int | None = None
        self._ends_at = 0.0
        self._lock = Lock()

    def observe(self, headers: Mapping[str, str]) -> None:
        """Reads the headers of an answer; an answer without them changes nothing."""
        try:
            remaining, seconds = int(headers["X-RateLimit-Remaining"]), float(headers["X-RateLimit-Reset"])
        except (KeyError, ValueError):
            return
        ends_at = time.monotonic() + seconds
        with self._lock:
            # Answers to requests side by side come in any order: within a day the least that was reported counts.
            if self.remaining is None or ends_at > self._ends_at + _SAME_DAY_SECONDS:
                self.remaining, self._ends_at = remaining, ends_at
            else:
                self.remaining = min(self.remaining, remaining)

    def require_credit(self) -> None:
        """Raises StopLoadingError if the budget does not cover another list."""
        seconds_left = self._ends_at - time.monotonic()
        if self.remaining is not None and self.remaining < LIST_CREDITS and seconds_left > 0:
            raise StopLoadingError(describe_empty_budget(describe_time(seconds_left)))


def describe_empty_budget(full_again: str) -> str:
    """The error for a user; `full_again` says when."""
    return (
        f"OpenAlex's budget for today is used up; it is full again at {full_again}. What was loaded is kept; the next"
        " run continues. A free key in sources.openalex.api_key gives ten times more."
    )

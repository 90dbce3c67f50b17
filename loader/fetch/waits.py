"""How long a server asks to wait, and times as people read them."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER_SECONDS = timedelta(days=366).total_seconds()


def read_wait(text: str) -> float | None:
    """The seconds that a server asks to wait, given as seconds or as a date; 0 for a date in the past.

    None for text that is neither, for negative seconds and for more than a year, which are mistakes.
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER_SECONDS else None


def describe_time(seconds_from_now: float) -> str:
    """The time as people read it: in UTC, to the minute, rounded up so that it is not too early."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds_from_now + 59):%Y-%m-%d %H:%M} UTC"

"""The daily budget of a stand-in OpenAlex: credits per caller, until midnight UTC."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from threading import Lock

from loader.samples.openalex.queries import ApiError

CREDIT_USD = 0.0001


class Budget:
    """Counts the credits each caller has spent on the current day of `clock` (aware datetimes)."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """Start with nothing spent."""
        self._clock = clock
        self._lock = Lock()
        self._day: date | None = None
        self._spent: dict[str, int] = {}

    def spend(self, caller: str, credits: int, limit: int) -> None:
        """Charge a caller; raises ApiError (429 until midnight UTC) when the limit would be exceeded."""
        with self._lock:
            remaining = limit - self._read_spent(caller)
            if credits > remaining:
                raise self._refuse(credits, remaining)
            self._spent[caller] = self._spent.get(caller, 0) + credits

    def count_spent(self, caller: str) -> int:
        """Return the credits a caller has spent today."""
        with self._lock:
            return self._read_spent(caller)

    def find_reset(self) -> datetime:
        """Return the next midnight UTC."""
        now = self._clock().astimezone(UTC)
        return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)

    def count_seconds_left(self) -> int:
        """Return the seconds until the next midnight UTC, at least one."""
        return max(1, int((self.find_reset() - self._clock()).total_seconds()))

    def _read_spent(self, caller: str) -> int:
        today = self._clock().astimezone(UTC).date()
        if today != self._day:
            self._day = today
            self._spent.clear()
        return self._spent.get(caller, 0)

    def _refuse(self, credits: int, remaining: int) -> ApiError:
        seconds = self.count_seconds_left()
        message = (
            f"Insufficient budget. This request costs ${credits * CREDIT_USD:.4f} but you only have "
            f"${remaining * CREDIT_USD:.4f} remaining. Resets at midnight UTC."
        )
        refusal = ApiError(HTTPStatus.TOO_MANY_REQUESTS, "Rate limit exceeded", message)
        refusal.headers["Retry-After"] = str(seconds)
        refusal.body |= {
            "retryAfter": seconds,
            "dailyRemainingUsd": round(remaining * CREDIT_USD, 4),
            "creditsRequired": credits,
            "creditsRemaining": remaining,
        }
        return refusal

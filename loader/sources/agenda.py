"""When a run that follows looks again at each of its things: each at its own pace."""

import time
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass
class Agenda:
    """The next look at each thing, by its key; what was never looked at is due. `clock` is in seconds.

    It lives as long as the run: a load takes from it what is due, and notes when to look again.
    """

    clock: Callable[[], float] = time.monotonic
    _due_at: dict[Hashable, float] = field(default_factory=dict)
    _waits: dict[Hashable, float] = field(default_factory=dict)

    def list_due(self, keys: Iterable[K]) -> list[K]:
        """Those of the keys that are due, the one that has waited longest first."""
        now = self.clock()
        due = [key for key in keys if self._due_at.get(key, 0.0) <= now]
        return sorted(due, key=lambda key: self._due_at.get(key, 0.0))

    def keep(self, key: Hashable) -> None:
        """There is more: look again at once, after all that is due now."""
        self._due_at[key] = self.clock()

    def put_off(self, key: Hashable, *, is_busy: bool, shortest_seconds: float, longest_seconds: float) -> None:
        """Look again after the shortest wait if there was something new; else after twice the last one, bounded."""
        wait = shortest_seconds if is_busy else min(2 * self._waits.get(key, shortest_seconds / 2), longest_seconds)
        self._waits[key] = wait
        self._due_at[key] = self.clock() + wait

    def count_seconds(self) -> float:
        """Until the next look; 0 if something is due, or nothing was noted."""
        return max(min(self._due_at.values(), default=0.0) - self.clock(), 0.0)

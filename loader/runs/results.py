"""What a run of a source brought, as it is returned and reported."""

import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from loader.raw.field_inventory import FieldChange
from loader.raw.ledger import LoadCounts, Progress


@dataclass(frozen=True)
class ResourceLoad:
    """What one resource brought in one run."""

    source: str
    resource: str
    counts: LoadCounts
    changes: list[FieldChange]
    seconds: float

    def add(self, later: "ResourceLoad") -> "ResourceLoad":
        """Both loads of the resource as one."""
        numbers = zip(astuple(self.counts), astuple(later.counts), strict=True)
        return replace(
            self,
            counts=LoadCounts(*(earlier + more for earlier, more in numbers)),
            changes=list(dict.fromkeys([*self.changes, *later.changes])),
            seconds=self.seconds + later.seconds,
        )


@dataclass(frozen=True)
class SourceLoad:
    """What one source brought in one run; `error` is the line that says why it stopped, if it did.

    `may_pass`: whether that may be gone within minutes. `needs_change`: the same run fails again until the user changes
    a setting or a file. `notes` say what the run changed or left open.
    """

    source: str
    domain: str
    resources: list[ResourceLoad]
    error: str | None
    seconds: float
    may_pass: bool = False
    needs_change: bool = False
    notes: Sequence[str] = ()


def add_up(loads: Sequence[ResourceLoad]) -> list[ResourceLoad]:
    """One load for each resource, in the order of the first."""
    by_resource: dict[str, ResourceLoad] = {}
    for load in loads:
        earlier = by_resource.get(load.resource)
        by_resource[load.resource] = earlier.add(load) if earlier else load
    return list(by_resource.values())


class Recorder:
    """Passes what is reported on to the display, and keeps what a load brought and what failed."""

    def __init__(self, source: str, display: Progress) -> None:
        self.loads: dict[str, ResourceLoad] = {}
        self.failures: list[str] = []
        self.notes: list[str] = []
        self.cause: Exception | None = None
        self._source = source
        self._display = display
        self._started: dict[str, float] = {}
        self._changes: dict[str, list[FieldChange]] = {}

    def start(self, resource: str) -> None:
        """See Progress."""
        self._started[resource] = time.monotonic()
        self._display.start(resource)

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        """See Progress."""
        self._display.advance(resource, records, expected)

    def download(self, name: str, received: int, expected: int | None) -> None:
        """Shows it."""
        self._display.download(name, received, expected)

    def finish(self, resource: str, counts: LoadCounts) -> None:
        """See Progress."""
        seconds = time.monotonic() - self._started[resource]
        changes = self._changes.get(resource, [])
        self.loads[resource] = ResourceLoad(self._source, resource, counts, changes, seconds)
        self._display.finish(resource, counts)

    def report_changes(self, resource: str, changes: Sequence[FieldChange]) -> None:
        """See Progress."""
        self._changes[resource] = list(changes)

    def warn(self, message: str) -> None:
        """See Progress."""
        self._display.warn(message)

    def conclude(self, message: str) -> None:
        """See Progress."""
        self.notes.append(message)

    def fail(self, message: str, cause: Exception | None = None) -> None:
        """See Progress. The recorder of the run has what failed in each of its loads."""
        self.failures.append(message)
        self.cause = cause or self.cause
        self._display.fail(message, cause)

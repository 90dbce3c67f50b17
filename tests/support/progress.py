"""A progress that keeps what is reported to it."""

from collections.abc import Sequence

from loader.raw.field_inventory import FieldChange
from loader.raw.ledger import LoadCounts


class SilentProgress:
    """Shows nothing."""

    def __init__(self) -> None:
        self.counts: dict[str, LoadCounts] = {}
        self.changes: dict[str, list[FieldChange]] = {}
        self.warnings: list[str] = []
        self.failures: list[str] = []

    def start(self, resource: str) -> None:
        pass

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        pass

    def download(self, name: str, received: int, expected: int | None) -> None:
        pass

    def finish(self, resource: str, counts: LoadCounts) -> None:
        self.counts[resource] = counts

    def report_changes(self, resource: str, changes: Sequence[FieldChange]) -> None:
        self.changes[resource] = list(changes)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def conclude(self, message: str) -> None:
        self.warnings.append(message)

    def fail(self, message: str, cause: Exception | None = None) -> None:
        self.failures.append(message)

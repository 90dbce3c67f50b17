"""A progress that keeps what it is told."""

from loader.documents import LoadCounts


class SilentProgress:
    """Keeps the counts; shows nothing."""

    def __init__(self) -> None:
        self.counts: dict[str, LoadCounts] = {}

    def start(self, resource: str) -> None:
        pass

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        pass

    def finish(self, resource: str, counts: LoadCounts) -> None:
        self.counts[resource] = counts

    def warn(self, message: str) -> None:
        pass

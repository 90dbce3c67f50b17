"""What a person sees during a load: a bar on a terminal, lines elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from loader.raw.field_inventory import FieldChange
from loader.raw.ledger import LoadCounts

_LINE_EVERY_SECONDS = 5.0


class RunProgress:
    """Shows the progress of the resources of one source's run."""

    def __init__(self, source: str, console: Console, bars: Bars | None) -> None:
        self._source = source
        self._console = console
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._records: dict[str, int] = {}
        # What the loads before this one brought: a resource has one bar in a run.
        self._before: dict[str, int] = {}
        self._last_line = time.monotonic()

    def start(self, resource: str) -> None:
        """The first request of the resource is sent."""
        self._before[resource] = self._records.setdefault(resource, 0)
        if self._bars and resource not in self._tasks:
            self._tasks[resource] = self._bars.add_task(f"{self._source} {resource}", total=None)

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        """`records` more were read, of `expected` in all (None if unknown)."""
        self._records[resource] += records
        if expected is not None:
            expected += self._before[resource]
        if self._bars:
            self._bars.update(self._tasks[resource], completed=self._records[resource], total=expected)
        elif time.monotonic() - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            of = f" of {expected:,}" if expected else ""
            self._console.print(f"{self._source} {resource}: {self._records[resource]:,}{of} records")

    def download(self, name: str, received: int, expected: int | None) -> None:
        """`received` bytes of a file are here, of `expected` in all (None if unknown)."""
        if self._bars:
            if name not in self._tasks:
                self._tasks[name] = self._bars.add_task(f"{self._source} {name} (KB)", total=None)
            total = None if expected is None else expected // 1024
            self._bars.update(self._tasks[name], completed=received // 1024, total=total)
        elif time.monotonic() - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            of = f" of {expected:,}" if expected else ""
            self._console.print(f"{self._source} {name}: {received:,}{of} bytes")

    def finish(self, resource: str, counts: LoadCounts) -> None:
        """All records of the resource were read."""
        self._records[resource] = self._before[resource] + counts.extracted
        if self._bars:
            task = self._bars.tasks[self._tasks[resource]]
            total = max(task.total or 0, self._records[resource])
            self._bars.update(task.id, total=total, completed=self._records[resource])
        else:
            self._console.print(f"{self._source} {resource}: {self._records[resource]:,} records read")

    def close(self) -> None:
        """The run is over: what did not come is not expected any more."""
        for resource, task in self._tasks.items():
            if self._bars:
                self._bars.update(task, total=self._records[resource])

    def report_changes(self, resource: str, changes: Sequence[FieldChange]) -> None:
        """The summary at the end shows them."""

    def warn(self, message: str) -> None:
        """Something that the user should know and that stops nothing."""
        self._console.print(f"[yellow]Note:[/yellow] {escape(message)}", soft_wrap=True)

    def conclude(self, message: str) -> None:
        """The summary at the end shows it."""

    def fail(self, message: str, cause: Exception | None = None) -> None:
        """The source ends with this error, which is shown then."""


@contextmanager
def follow(source: str, console: Console) -> Iterator[RunProgress]:
    """Shows the progress of one source's run."""
    if not console.is_terminal:
        yield RunProgress(source, console, None)
        return
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Bars(*columns, console=console) as bars:
        progress = RunProgress(source, console, bars)
        yield progress
        progress.close()

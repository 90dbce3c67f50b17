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
        self._last_line = time.monotonic()

    def start(self, resource: str) -> None:
        """The first request of the resource is sent."""
        self._records[resource] = 0
        if self._bars and resource in self._tasks:
            self._bars.reset(self._tasks[resource], total=None)
        elif self._bars:
            self._tasks[resource] = self._bars.add_task(f"{self._source} {resource}", total=None)

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        """`records` more were read, of `expected` in all (None if unknown)."""
        self._records[resource] += records
        if self._bars:
            self._bars.update(self._tasks[resource], advance=records, total=expected)
        elif time.monotonic() - self._last_line >= _LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            of = f" of {expected:,}" if expected else ""
            self._console.print(f"{self._source} {resource}: {self._records[resource]:,}{of} records")

    def finish(self, resource: str, counts: LoadCounts) -> None:
        """All records of the resource were read."""
        if self._bars:
            self._bars.update(self._tasks[resource], total=counts.extracted, completed=counts.extracted)
        else:
            self._console.print(f"{self._source} {resource}: {counts.extracted:,} records read")

    def report_changes(self, resource: str, changes: Sequence[FieldChange]) -> None:
        """The summary at the end shows them."""

    def warn(self, message: str) -> None:
        """Something that the user should know and that stops nothing."""
        self._console.print(f"[yellow]Note:[/yellow] {escape(message)}", soft_wrap=True)

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
        yield RunProgress(source, console, bars)

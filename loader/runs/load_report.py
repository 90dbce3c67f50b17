"""What the loader's commands print, and their exit status."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import duckdb
from dlt.common.exceptions import DltException
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loader.base.console import build_console, report_error
from loader.base.errors import HeadwaterError
from loader.base.interrupts import find_exit_status, stop_on_signals
from loader.base.run_records import keep_command
from loader.base.settings import read_settings
from loader.raw.ledger import LoadCounts
from loader.runs.report import print_notes, tell_if_not_kept
from loader.runs.results import SourceLoad
from loader.runs.runner import Job, describe_error, estimate_sources, run_sources
from loader.sources import select_sources
from loader.sources.contract import RunEstimate, RunOptions, Source

_MAX_CHANGES = 20


def run_and_report(kind: str, source: str | None, select: Callable[[str | None], list[Source[Any]]], job: Job) -> int:
    """Does the job for the selected sources and reports; returns the exit status of the command.

    The history of runs gets a record of this `kind`.
    """
    console = build_console()
    settings, started_at = read_settings(), datetime.now(UTC)
    failures: list[str] = []
    exit_status = 1
    try:
        with stop_on_signals():
            loads = list(run_sources(select(source), settings, console, job))
        print_summary(loads, console)
        print_notes([note for load in loads for note in load.notes], console)
        failures = [f"{load.source}: {load.error}" for load in loads if load.error]
    except HeadwaterError as error:
        failures = [str(error)]
    except KeyboardInterrupt as interrupt:
        console.print("Interrupted. Completed loads are kept; run the same command again to continue.")
        exit_status = find_exit_status(interrupt)
    for failure in failures:
        report_error(console, failure)
    is_interrupted = exit_status != 1
    with tell_if_not_kept(console):
        keep_command(settings, kind, started_at, "interrupted." if is_interrupted else " ".join(failures) or None)
    return exit_status if failures or is_interrupted else 0


def estimate_and_report(source: str | None, options: RunOptions, domains: Sequence[str] | None = None) -> int:
    """Prints what a run would request and what that costs, and loads nothing; returns the exit status.

    `domains`: the enabled ones, unless given.
    """
    console = build_console()
    try:
        for estimates in estimate_sources(select_sources(source, options, domains), read_settings(), console, options):
            _print_estimates(*estimates, console)
    except (HeadwaterError, DltException, duckdb.Error) as error:
        return report_error(console, describe_error(error))
    return 0


def print_summary(loads: Sequence[SourceLoad], console: Console) -> None:
    """The tables at the end: what became of the records of each resource, and which fields changed."""
    table = Table(title="Loaded", title_justify="left")
    table.add_column("resource")
    rows = [row for load in loads for row in load.resources]
    # Most runs remove nothing, and nothing leaves.
    unused = {name for name in ("removed", "left") if not any(getattr(row.counts, name) for row in rows)}
    headings = [field.name for field in fields(LoadCounts) if field.name not in unused]
    for heading in (*headings, "seconds"):
        table.add_column(heading, justify="right")
    for row in rows:
        cells = [f"{getattr(row.counts, heading):,}" for heading in headings]
        table.add_row(f"{row.source}.{row.resource}", *cells, f"{row.seconds:.1f}")
    if table.row_count:
        console.print(table)
    changes = [(f"{row.source}.{row.resource}", change.path, change.change) for row in rows for change in row.changes]
    if changes:
        _print_changes(changes, console)


def _print_estimates(source: str, estimate: RunEstimate | None, console: Console) -> None:
    if estimate is None:
        console.print(f"What a run of {source} would request is not known in advance.")
        return
    table = Table(title=f"A run of {source} would request", title_justify="left", show_footer=True)
    table.add_column("what", "in all", overflow="fold")
    table.add_column("requests", _describe_range(estimate.at_least, estimate.at_most), justify="right", no_wrap=True)
    table.add_column("", "" if estimate.budget is None else f"a day's budget is {estimate.budget:,}", overflow="fold")
    for part in estimate.parts:
        table.add_row(part.what, _describe_range(part.at_least, part.at_most), part.note)
    console.print(table)


def _describe_range(at_least: int, at_most: int | None) -> str:
    if at_most is None:
        return f"at least {at_least:,}" if at_least else "unknown"
    return f"{at_least:,}" if at_least == at_most else f"between {at_least:,} and {at_most:,}"


def _print_changes(changes: Sequence[tuple[str, str, str]], console: Console) -> None:
    table = Table(title="Fields that changed at the source", title_justify="left")
    for heading in ("resource", "field", "change"):
        table.add_column(heading, overflow="fold")
    for change in changes[:_MAX_CHANGES]:
        table.add_row(*map(escape, change))
    console.print(table)
    if (more := len(changes) - _MAX_CHANGES) > 0:
        console.print(f"And {more:,} more; the table field_inventory of the raw schema has all.")

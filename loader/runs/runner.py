"""Runs the pipelines: every asked source, and an honest account of what came of it."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass, fields, replace
from functools import partial

import dlt
import duckdb
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.exceptions import DltException
from dlt.common.runtime import signals
from dlt.extract import DltSource
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loader.base.console import build_console, report_error
from loader.base.errors import HeadwaterError, list_causes
from loader.base.interrupts import find_exit_status, stop_on_signals
from loader.base.settings import Settings, read_settings
from loader.raw.documents import DOCUMENT_LIMITS
from loader.raw.field_inventory import FieldChange
from loader.raw.ledger import LoadCounts
from loader.raw.limits import apply_limits
from loader.raw.pipelines import name_raw_schema, pipeline_for
from loader.raw.warehouse import RawSchema, open_warehouse
from loader.runs.progress import RunProgress, follow
from loader.runs.recovery import recover
from loader.sources import SOURCES, SourceEntry
from loader.sources.contract import Estimate, LoadOptions

_MOST_CHANGES = 20
_NO_OPTIONS = LoadOptions()


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
    """What one source brought in one run; `error` is the line that says why it stopped, if it did."""

    source: str
    resources: list[ResourceLoad]
    error: str | None
    seconds: float


@dataclass(frozen=True)
class SourceRun:
    """One source while its warehouse is held, with whatever a job needs."""

    entry: SourceEntry
    settings: Settings
    pipeline: dlt.Pipeline
    raw: RawSchema
    progress: RunProgress

    def build(self, **own: object) -> DltSource:
        """The source, given what it wants beside what the run gives to every source."""
        return self.entry.build(
            raw=self.raw, progress=self.progress, request_counts=self.settings.request_counts, **own
        )

    def load(self, source: DltSource, *resources: str) -> None:
        """Loads these resources together: when one fails, raw holds nothing of what the others brought."""
        self.pipeline.run(source.with_resources(*resources), loader_file_format="parquet")
        signals.raise_if_signalled()


# Yields each resource as soon as raw holds what it brought.
Job = Callable[[SourceRun], Iterator[str]]


def load_source(run: SourceRun, options: LoadOptions = _NO_OPTIONS) -> Iterator[str]:
    """Loads what is new and what has changed, or what the options say."""
    return run.entry.load(run, options)


def run_and_report(source: str | None, select: Callable[[str | None], list[SourceEntry]], job: Job) -> int:
    """Does the job for the selected sources and reports; returns the exit status of the command."""
    console = build_console()
    try:
        with stop_on_signals():
            loads = list(run_sources(select(source), read_settings(), console, job))
    except HeadwaterError as error:
        return report_error(console, error)
    except KeyboardInterrupt as interrupt:
        console.print("Interrupted. Raw holds what whole loads brought; the same command goes on from there.")
        return find_exit_status(interrupt)
    print_summary(loads, console)
    failed = [load for load in loads if load.error]
    for load in failed:
        report_error(console, f"{load.source}: {load.error}")
    return 1 if failed else 0


def find_sources(name: str | None) -> list[SourceEntry]:
    """The source of that name, or without a name all of them. Raises HeadwaterError when there is none."""
    if name is None:
        return list(SOURCES.values())
    if name not in SOURCES:
        raise HeadwaterError(f"There is no source {name!r}. The sources are: {', '.join(sorted(SOURCES))}.")
    return [SOURCES[name]]


def select_sources(name: str | None, options: LoadOptions = _NO_OPTIONS) -> list[SourceEntry]:
    """The source of that name, or without a name every configured one that takes the options.

    Raises HeadwaterError when there is none, or when the one named does not take them.
    """
    fitting = [entry for entry in find_sources(name) if entry.takes_authors or not options.authors]
    if name is not None:
        if not fitting:
            raise HeadwaterError(f"{name} cannot be asked for single authors.")
        return fitting
    configured = [entry for entry in fitting if entry.is_configured()]
    if not configured:
        raise HeadwaterError(
            "No source is configured. Name a roster (sources.openalex.roster) in .dlt/config.toml"
            " or the environment (SOURCES__OPENALEX__ROSTER)."
        )
    return configured


def run_sources(
    entries: Sequence[SourceEntry], settings: Settings, console: Console, job: Job = load_source
) -> Iterator[SourceLoad]:
    """Does the job for one source after the other. One that fails does not keep the others from theirs."""
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds) as connection:
        apply_limits(connection, DOCUMENT_LIMITS)
        for entry in entries:
            raw = RawSchema(connection, name_raw_schema(entry.name))
            started = time.monotonic()
            loaded: dict[str, ResourceLoad] = {}
            error = None
            with follow(entry.name, console) as progress:
                try:
                    pipeline = recover(pipeline_for(entry.name, settings, connection), raw, progress)
                    for resource in job(SourceRun(entry, settings, pipeline, raw, progress)):
                        load = ResourceLoad(
                            entry.name,
                            resource,
                            progress.counts[resource],
                            progress.changes[resource],
                            progress.seconds[resource],
                        )
                        loaded[resource] = loaded[resource].add(load) if resource in loaded else load
                except (HeadwaterError, DltException, duckdb.Error, OSError) as failure:
                    raise_if_interrupted(failure)
                    error = describe_error(failure)
            yield SourceLoad(entry.name, list(loaded.values()), error, time.monotonic() - started)


def estimate_and_report(source: str | None, options: LoadOptions) -> int:
    """Tells what a run would ask for and what that costs, asking for nothing; returns the exit status."""
    console = build_console()
    try:
        for estimates in estimate_sources(select_sources(source, options), read_settings(), console, options):
            _print_estimates(*estimates, console)
    except (HeadwaterError, DltException, duckdb.Error) as error:
        return report_error(console, describe_error(error))
    return 0


def estimate_sources(
    entries: Sequence[SourceEntry], settings: Settings, console: Console, options: LoadOptions
) -> Iterator[tuple[str, list[Estimate]]]:
    """What a run of each source would ask for, by what the warehouse holds. Nothing is asked and nothing is written."""
    with ExitStack() as stack:
        if settings.warehouse.exists():
            warehouse = open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True)
            connection = stack.enter_context(warehouse)
        else:
            connection = stack.enter_context(duckdb.connect(":memory:"))
        for entry in entries:
            progress = stack.enter_context(follow(entry.name, console))
            raw = RawSchema(connection, name_raw_schema(entry.name))
            build = partial(entry.build, raw=raw, progress=progress, request_counts=settings.request_counts)
            yield entry.name, entry.estimate(build, raw, options)


def _print_estimates(source: str, estimates: Sequence[Estimate], console: Console) -> None:
    table = Table(title=f"A run of {source} would ask for", title_justify="left", show_footer=True)
    table.add_column("what", "in all, at least")
    table.add_column("requests", f"{sum(estimate.credits for estimate in estimates):,}", justify="right")
    table.add_column("")
    for estimate in estimates:
        table.add_row(estimate.what, f"{estimate.credits:,}", estimate.note)
    console.print(table)


def raise_if_interrupted(error: BaseException) -> None:
    """Raises the KeyboardInterrupt behind an error of dlt's, where there was one."""
    signals.raise_if_signalled()
    for cause in list_causes(error):
        if isinstance(cause, KeyboardInterrupt):
            raise cause


def describe_error(error: BaseException) -> str:
    """The line for a user: the HeadwaterError at the root where there is one, else the innermost first line."""
    causes = list_causes(error)
    for cause in causes:
        if isinstance(cause, HeadwaterError):
            return str(cause)
        if os.strerror(errno.ENOSPC) in str(cause):
            return "There is no room left on the disk. Free some and run the same command: it goes on from here."
    told = error if isinstance(error, ConfigurationException) else causes[-1]
    text = str(told).strip() or type(told).__name__
    return f"{type(told).__name__}: {text.splitlines()[0]}"


def print_summary(loads: Sequence[SourceLoad], console: Console) -> None:
    """The tables at the end: what became of the records of each resource, and which fields changed."""
    table = Table(title="Loaded", title_justify="left")
    table.add_column("resource")
    rows = [row for load in loads for row in load.resources]
    has_removed = any(row.counts.removed for row in rows)  # most sources never remove anything
    headings = [field.name for field in fields(LoadCounts) if field.name != "removed" or has_removed]
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


def _print_changes(changes: Sequence[tuple[str, str, str]], console: Console) -> None:
    table = Table(title="Fields that changed at the source", title_justify="left")
    for heading in ("resource", "field", "change"):
        table.add_column(heading, overflow="fold")
    for change in changes[:_MOST_CHANGES]:
        table.add_row(*map(escape, change))
    console.print(table)
    if (more := len(changes) - _MOST_CHANGES) > 0:
        console.print(f"And {more:,} more; the table field_inventory of the raw schema has all.")

"""Runs the pipelines: every stage of every asked source, and an honest account of what came of it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields

from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.exceptions import DltException
from rich.console import Console
from rich.table import Table

from loader.console import build_console, report_error
from loader.documents import LoadCounts
from loader.errors import HeadwaterError
from loader.pipelines import name_raw_schema, pipeline_for
from loader.progress import RunProgress, follow
from loader.settings import Settings, read_settings
from loader.sources import SOURCES, SourceEntry
from loader.warehouse import RawSchema, open_warehouse

# What a shell gives for a program that SIGINT ended.
_INTERRUPTED = 130


@dataclass(frozen=True)
class ResourceLoad:
    """What one resource brought in one run."""

    source: str
    resource: str
    counts: LoadCounts
    seconds: float


@dataclass(frozen=True)
class SourceLoad:
    """What one source brought in one run; `error` is the line that says why it stopped, if it did."""

    source: str
    resources: list[ResourceLoad]
    error: str | None
    seconds: float


def load_and_report(source: str | None) -> int:
    """What `dlt pipeline [source] run` does; returns its exit status."""
    console = build_console()
    try:
        loads = list(run_sources(select_sources(source), read_settings(), console))
    except HeadwaterError as error:
        return report_error(console, error)
    except KeyboardInterrupt:
        console.print("Interrupted. Raw holds what whole loads brought; the same command goes on from there.")
        return _INTERRUPTED
    print_summary(loads, console)
    failed = [load for load in loads if load.error]
    for load in failed:
        report_error(console, f"{load.source}: {load.error}")
    return 1 if failed else 0


def select_sources(name: str | None) -> list[SourceEntry]:
    """The source of that name, or without a name every configured one. Raises HeadwaterError when there is none."""
    if name is not None:
        if name not in SOURCES:
            raise HeadwaterError(f"There is no source {name!r}. The sources are: {', '.join(sorted(SOURCES))}.")
        return [SOURCES[name]]
    configured = [entry for entry in SOURCES.values() if entry.is_configured()]
    if not configured:
        raise HeadwaterError(
            "No source is configured. Name a roster (sources.openalex.roster) in .dlt/config.toml"
            " or the environment (SOURCES__OPENALEX__ROSTER)."
        )
    return configured


def run_sources(entries: Sequence[SourceEntry], settings: Settings, console: Console) -> Iterator[SourceLoad]:
    """Loads the sources one after the other. A source that fails does not keep the others from loading."""
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds) as connection:
        for entry in entries:
            raw = RawSchema(connection, name_raw_schema(entry.name))
            started = time.monotonic()
            with follow(entry.name, console) as progress:
                loaded, error = _run_source(entry, settings, raw, progress)
            resources = [
                ResourceLoad(entry.name, resource, progress.counts[resource], progress.seconds[resource])
                for resource in loaded
            ]
            yield SourceLoad(entry.name, resources, error, time.monotonic() - started)


def _run_source(
    entry: SourceEntry, settings: Settings, raw: RawSchema, progress: RunProgress
) -> tuple[list[str], str | None]:
    """Runs a source's stages: the resources that are in raw now, and the line that says why it stopped, if it did.

    A stage is one load: when it fails, none of its resources is loaded, whatever was extracted before.
    """
    loaded: list[str] = []
    try:
        pipeline = pipeline_for(entry.name, settings, raw.connection)
        if pipeline.has_pending_data:
            progress.warn("An earlier run was interrupted; what it had fetched is loaded first.")
            pipeline.run()
        source = entry.build(raw=raw, progress=progress)
        for stage in entry.stages:
            pipeline.run(source.with_resources(*stage), loader_file_format="parquet")
            loaded.extend(stage)
    except (HeadwaterError, DltException) as error:
        if any(isinstance(cause, KeyboardInterrupt) for cause in _list_causes(error)):
            raise KeyboardInterrupt from error
        return loaded, describe_error(error)
    return loaded, None


def describe_error(error: BaseException) -> str:
    """The line for a user: the HeadwaterError at the root where there is one, else the innermost first line."""
    causes = _list_causes(error)
    for cause in causes:
        if isinstance(cause, HeadwaterError):
            return str(cause)
    told = error if isinstance(error, ConfigurationException) else causes[-1]
    text = str(told).strip() or type(told).__name__
    return f"{type(told).__name__}: {text.splitlines()[0]}"


def _list_causes(error: BaseException) -> list[BaseException]:
    """The error, what caused it, and so on to the root."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None:
        causes.append(cause)
    return causes


def print_summary(loads: Sequence[SourceLoad], console: Console) -> None:
    """The table at the end: what happened to the records of each resource; nothing where nothing was loaded."""
    table = Table(title="Loaded", title_justify="left")
    table.add_column("resource")
    for heading in (*(field.name for field in fields(LoadCounts)), "seconds"):
        table.add_column(heading, justify="right")
    for load in loads:
        for row in load.resources:
            cells = [f"{number:,}" for number in astuple(row.counts)]
            table.add_row(f"{row.source}.{row.resource}", *cells, f"{row.seconds:.1f}")
    if table.row_count:
        console.print(table)

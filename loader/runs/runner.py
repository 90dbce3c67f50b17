"""Runs the pipelines: one source after the other, each from its plan to its loads."""

import errno
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import dlt
import duckdb
from dlt.common.configuration.exceptions import ConfigurationException
from dlt.common.exceptions import DltException
from dlt.common.runtime import signals
from dlt.extract import DltSource
from rich.console import Console
from rich.markup import escape

from loader.base.disk import FULL
from loader.base.errors import HeadwaterError, SettingsError, list_causes, may_pass
from loader.base.settings import Settings
from loader.raw.ledger import Progress
from loader.raw.limits import apply_limits, combine_limits
from loader.raw.pipelines import name_raw_schema, pipeline_for
from loader.raw.warehouse import RawSchema, open_warehouse
from loader.raw.warehouse_format import describe_upgrade, note_format
from loader.runs.progress import follow
from loader.runs.recovery import recover
from loader.runs.results import Recorder, ResourceLoad, SourceLoad, add_up
from loader.sources.agenda import Agenda
from loader.sources.contract import Batch, Plan, RunEstimate, RunOptions, Source, SourceRun, build_dlt_source
from loader.sources.settings import resolve_settings

_NO_OPTIONS = RunOptions()
_NO_AGENDAS: Mapping[str, Agenda] = {}


@dataclass(frozen=True)
class SourceRunner:
    """Loads one source while its warehouse is held."""

    source: Source[Any]
    settings: Settings
    pipeline: dlt.Pipeline
    raw: RawSchema
    progress: Recorder

    def load(self, build: Callable[[Progress], DltSource]) -> list[ResourceLoad]:
        """Loads a dlt source: when one of its resources fails, raw holds nothing of what the others brought.

        `build` gets what the resources report to. Returns what each resource of records brought.
        """
        recorder = Recorder(self.source.name, self.progress)
        source = build(recorder)
        self.pipeline.run(source, loader_file_format="parquet")
        signals.raise_if_signalled()
        return [recorder.loads[name] for name in source.resources if name in recorder.loads]


# Yields what each load brought as soon as raw holds it.
Job = Callable[[SourceRunner], Iterator[ResourceLoad]]


def load_source(
    runner: SourceRunner, options: RunOptions = _NO_OPTIONS, agendas: Mapping[str, Agenda] = _NO_AGENDAS
) -> Iterator[ResourceLoad]:
    """Loads what is new and what has changed, or what the options say, batch by batch of the source's plan.

    `agendas` are those of a run that follows, by source.
    """
    run = prepare_run(runner.source, runner.raw, runner.progress, options, runner.settings)
    run = replace(run, agenda=agendas.get(runner.source.name, run.agenda))
    plan = run.source.plan(run)
    failure: Exception | None = None
    while batch := _advance(plan, failure):
        failure = None
        try:
            loads = runner.load(partial(build_dlt_source, run.source, batch, run.raw))
        except (HeadwaterError, DltException) as error:
            raise_if_interrupted(error)
            failure = _find_refusal(error) or error
        else:
            yield from loads
    if runner.progress.failures:
        raise HeadwaterError(" ".join(runner.progress.failures)) from runner.progress.cause


def _advance(plan: Plan, failure: Exception | None) -> Batch | None:
    """The next batch, after the one before was loaded or failed; None at the end of the plan."""
    try:
        return plan.throw(failure) if failure else next(plan)
    except StopIteration:
        return None


def run_sources(
    sources: Sequence[Source[Any]], settings: Settings, console: Console, job: Job = load_source
) -> Iterator[SourceLoad]:
    """Does the job for one source after the other. One that fails does not stop the others."""
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds) as connection:
        if upgrade := describe_upgrade(connection):
            console.print(f"[yellow]Note:[/yellow] {escape(upgrade)}", soft_wrap=True)
        note_format(connection)
        for source in sources:
            apply_limits(connection, combine_limits(resource.limits for resource in source.resources))
            raw = RawSchema(connection, name_raw_schema(source.name))
            started = time.monotonic()
            loads: list[ResourceLoad] = []
            error, is_temporary, needs_change = None, False, False
            with follow(source.name, console) as display:
                progress = Recorder(source.name, display)
                try:
                    pipeline = recover(pipeline_for(source.name, settings, connection), raw, progress)
                    for load in job(SourceRunner(source, settings, pipeline, raw, progress)):
                        loads.append(load)
                except (HeadwaterError, DltException, duckdb.Error, OSError) as failure:
                    raise_if_interrupted(failure)
                    error, is_temporary = describe_error(failure), may_pass(failure)
                    needs_change = isinstance(_find_refusal(failure), SettingsError)
            seconds = time.monotonic() - started
            yield SourceLoad(
                source.name, source.domain, add_up(loads), error, seconds, is_temporary, needs_change, progress.notes
            )


def estimate_sources(
    sources: Sequence[Source[Any]], settings: Settings, console: Console, options: RunOptions = _NO_OPTIONS
) -> Iterator[tuple[str, RunEstimate | None]]:
    """What a run of each source would request, by what the warehouse holds. Nothing is written.

    A source may ask its server what there is, if that costs nothing.
    """
    with ExitStack() as stack:
        if settings.warehouse.exists():
            warehouse = open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True)
            connection = stack.enter_context(warehouse)
        else:
            connection = stack.enter_context(duckdb.connect(":memory:"))
        for source in sources:
            display = stack.enter_context(follow(source.name, console))
            raw = RawSchema(connection, name_raw_schema(source.name))
            yield source.name, source.estimate(prepare_run(source, raw, display, options, settings))


def prepare_run(
    source: Source[Any], raw: RawSchema, progress: Progress, options: RunOptions, settings: Settings
) -> SourceRun[Any]:
    """The run of a source, with its settings resolved and its options parsed. Raises HeadwaterError for wrong ones."""
    resolved = resolve_settings(source.settings, source.section)
    if source.without_key and not resolved.api_key:
        progress.warn(f"There is no key in {source.section}.api_key: {source.without_key}.")
    return SourceRun(
        source=source,
        settings=resolved,
        raw=raw,
        progress=progress,
        options=replace(options, narrowed_to=_parse_options(source, options.narrowed_to)),
        request_counts=settings.request_counts,
    )


def _parse_options(source: Source[Any], given: Mapping[str, Sequence[str]]) -> dict[str, tuple[Any, ...]]:
    parsers = {option.name: option.parse for option in source.options}
    parsed: dict[str, tuple[Any, ...]] = {}
    for name, texts in given.items():
        for text in texts:
            try:
                value = parsers[name](text)
            except ValueError as error:
                raise HeadwaterError(f"--{name} is {text!r}; {error}.") from error
            parsed[name] = (*parsed.get(name, ()), value)
    return parsed


def _find_refusal(error: BaseException) -> HeadwaterError | None:
    """The HeadwaterError behind an error, if there is one."""
    return next((cause for cause in list_causes(error) if isinstance(cause, HeadwaterError)), None)


def raise_if_interrupted(error: BaseException) -> None:
    """Raises the KeyboardInterrupt behind an error of dlt's, if there is one."""
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
            return FULL
    shown = error if isinstance(error, ConfigurationException) else causes[-1]
    text = str(shown).strip() or type(shown).__name__
    return f"{type(shown).__name__}: {text.splitlines()[0]}"

"""`--follow`: loads what is new again and again, and holds the warehouse only while it loads."""

import signal
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from threading import Event
from types import FrameType

from rich.console import Console

from loader.base.console import build_console, report_error
from loader.base.errors import HeadwaterError, TemporaryError
from loader.base.interrupts import find_exit_status, stop_on_signals
from loader.base.run_records import LOAD, keep_command
from loader.base.settings import read_settings
from loader.runs.report import tell_if_not_kept
from loader.runs.results import SourceLoad, add_up
from loader.runs.runner import load_source, run_sources
from loader.sources import select_sources
from loader.sources.agenda import Agenda
from loader.sources.contract import RunOptions
from loader.sources.settings import resolve_settings

# Who waits for the warehouse looks for it more often than this.
_BREATH_SECONDS = 0.5


def follow_and_report(name: str | None, options: RunOptions) -> int:
    """Loads until Ctrl-C or SIGTERM, which ends it after the load that runs; a second one ends it at once.

    A failure that may pass is reported, and the next load tries again; any other ends the run. Returns the exit status.
    """
    console, settings, started_at = build_console(), read_settings(), datetime.now(UTC)
    stop = Event()
    error: str | None = None
    status = 0
    try:
        with stop_on_signals():
            _stop_after_load(stop)
            sources = select_sources(name, options)
            after_failure = min(resolve_settings(each.settings, each.section).poll_seconds for each in sources)
            agendas = {each.name: Agenda() for each in sources}
            job = partial(load_source, options=options, agendas=agendas)
            console.print("Following; Ctrl-C ends it.")
            while not stop.is_set():
                waits: list[float] = []
                try:
                    for load in run_sources(sources, settings, console, job):
                        _print_load(load, console)
                        if load.error and not load.may_pass:
                            raise HeadwaterError(f"{load.source}: {load.error}")
                        waits.append(after_failure if load.error else agendas[load.source].count_seconds())
                except TemporaryError as held:  # another process has the warehouse
                    console.print(f"{held} Trying again.")
                stop.wait(max(min(waits, default=after_failure), _BREATH_SECONDS))
        console.print("Stopped; everything that was loaded is kept.")
    except HeadwaterError as failure:
        error, status = str(failure), 1
        report_error(console, error)
    except KeyboardInterrupt as interrupt:
        error, status = "interrupted.", find_exit_status(interrupt)
        console.print("Interrupted. Completed loads are kept; run the same command again to continue.")
    with tell_if_not_kept(console):
        keep_command(settings, LOAD, started_at, error)
    return status


def _stop_after_load(stop: Event) -> None:
    """The first signal lets the load end; then the handlers that were there act again."""
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, _: FrameType | None) -> None:
        stop.set()
        for each, handler in previous.items():
            with suppress(TypeError):
                signal.signal(each, handler)

    for number in previous:
        signal.signal(number, end)


def _print_load(load: SourceLoad, console: Console) -> None:
    counts = [resource.counts for resource in add_up(load.resources)]
    new, rejected = sum(each.new for each in counts), sum(each.rejected for each in counts)
    if new or rejected:
        console.print(f"{datetime.now(UTC):%H:%M:%S} {load.source}: {new:,} new, {rejected:,} rejected")
    if load.error:
        console.print(f"{datetime.now(UTC):%H:%M:%S} {load.source}: {load.error}")

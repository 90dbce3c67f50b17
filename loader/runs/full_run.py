"""`headwater run`: each enabled domain is loaded and, if there is news, built and published apart from the others.

A source that fails, or a model or test that fails, holds back its own domain and no other.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from dlt.common.runtime import signals
from rich.console import Console

from loader.base.disk import FULL, describe_os_error, is_full, require_writable
from loader.base.errors import HeadwaterError, may_pass
from loader.base.interrupts import find_exit_status, stop_on_signals
from loader.base.run_records import name_run
from loader.base.settings import Settings
from loader.publish.dbt import DbtRun, parse_beside, run_dbt
from loader.publish.marts import count_published
from loader.publish.news import find_news, has_passed_unit_tests, read_builds, read_publications
from loader.publish.outcomes import (
    count_handed_off,
    describe_failures,
    describe_warnings,
    read_failing_nodes,
    read_handoffs,
)
from loader.publish.postgres import Server, describe_ignored, ensure_server, find_server
from loader.publish.privacy import PSEUDONYMOUS, read_pseudonymiser
from loader.publish.readers import describe_missing_reader
from loader.raw.warehouse import open_warehouse
from loader.runs.load_report import print_summary
from loader.runs.report import (
    HELD_BACK,
    PUBLISHED,
    UP_TO_DATE,
    RunReport,
    Step,
    keep_report,
    print_failures,
)
from loader.runs.runner import load_source, run_sources
from loader.sources import select_sources
from loader.sources.contract import RunOptions

_LONGEST_WAIT_SECONDS = 3_600.0
_NO_OPTIONS = RunOptions()


@dataclass(frozen=True)
class Retries:
    """How often a run tries again what failed and may pass, and how long it waits before: twice as long each time."""

    count: int = 0
    first_wait_seconds: float = 60.0

    def find_wait(self, attempt: int) -> float:
        """The seconds to wait after that attempt, which counts from 1; an hour at most."""
        return float(min(self.first_wait_seconds * 2 ** (attempt - 1), _LONGEST_WAIT_SECONDS))


@dataclass
class _RunState:
    """What the steps of a run share. `loaded` names the sources that need not be loaded again in a further attempt."""

    settings: Settings
    console: Console
    report: RunReport
    is_forced: bool
    may_shrink_history: bool
    options: RunOptions
    loaded: set[str] = field(default_factory=set)


def run_all(
    settings: Settings,
    console: Console,
    *,
    domains: Sequence[str] = (),
    is_forced: bool = False,
    may_shrink_history: bool = False,
    retries: Retries = Retries(),
    options: RunOptions = _NO_OPTIONS,
) -> RunReport:
    """Loads, builds and publishes the named domains, or all enabled ones; keeps the report in the state folder.

    A domain without news is neither built nor published, unless `is_forced`. A history in Postgres is never replaced by
    one that lacks versions of it, unless `may_shrink_history`. What failed in a way that may pass is tried again as
    often as `retries` says: the sources and domains that failed, and no others. If `options` narrow the load, sources
    that do not take them are left out.
    """
    require_writable(settings)
    now = datetime.now(UTC)
    report = RunReport(run_id=name_run(now), started_at=now.isoformat(), asked=[*(domains or settings.domains)])
    console.print(f"Run {report.run_id}")
    with suppress(OSError):  # what it says is kept at the end
        keep_report(settings, report, is_running=True)
    run = _RunState(settings, console, report, is_forced, may_shrink_history, options)
    try:
        with stop_on_signals():
            check_domains(settings, report.asked)
            _attempt(run, report.asked)
            while report.attempts <= retries.count and (failed := report.list_worth_retrying()):
                wait_seconds = retries.find_wait(report.attempts)
                print_failures(report, console)
                console.print(f"Trying {', '.join(failed)} again in {wait_seconds:g} seconds.")
                time.sleep(wait_seconds)
                report.begin_again(failed)
                _attempt(run, failed)
    except HeadwaterError as error:
        report.error = str(error)
        report.exit_status = 1
    except KeyboardInterrupt as interrupt:
        report.error = "interrupted."
        report.exit_status = find_exit_status(interrupt)
    _note_missing_reader(settings, report)
    if report.failure and is_full(settings):
        report.explain(FULL)
    report.seconds = (datetime.now(UTC) - now).total_seconds()
    try:
        keep_report(settings, report)
    except OSError as error:
        report.warnings.append(f"The report of this run could not be kept. {describe_os_error(error)}")
    return report


def _note_missing_reader(settings: Settings, report: RunReport) -> None:
    with suppress(HeadwaterError):  # without a server the run has said so
        if missing := describe_missing_reader(find_server(settings)):
            report.warnings.append(missing)


def _attempt(run: _RunState, domains: Sequence[str]) -> None:
    try:
        _run(run, domains)
    except HeadwaterError as error:
        run.report.error, run.report.may_pass = str(error), may_pass(error)
        run.report.exit_status = 1


def check_domains(settings: Settings, named: Sequence[str]) -> list[str]:
    """The named domains, or all enabled ones. Raises HeadwaterError for one that is not enabled."""
    for domain in named:
        if domain not in settings.domains:
            raise HeadwaterError(
                f"The domain {domain!r} is not enabled. Enabled are: {', '.join(settings.domains)}"
                " (`headwater init` adds one; in the environment it is HEADWATER_DOMAINS)."
            )
    return [*(named or settings.domains)]


def _run(run: _RunState, domains: Sequence[str]) -> None:
    settings, console, report = run.settings, run.console, run.report
    # Report a missing key or server now, and not after an hour of loading.
    read_pseudonymiser(settings)
    server = find_server(settings)
    if not server.is_embedded:
        server.connect().close()
    if ignored := describe_ignored():
        console.print(ignored)
    with parse_beside(settings, "duckdb"):
        loaded = _load(run, domains)
    if not loaded:
        return
    server = ensure_server()
    news = _find_news(settings, server, loaded, run.is_forced)
    report.note_domains(
        [domain for domain in loaded if domain not in news], UP_TO_DATE, "no news since it was published"
    )
    for domain, reason in news.items():
        console.print(f"{domain}: {reason}; it is built and published.")
    signals.raise_if_signalled()
    built = _build(run, server, list(news)) if news else []
    signals.raise_if_signalled()
    if built:
        _publish(settings, console, report, server, built)


def _load(run: _RunState, domains: Sequence[str]) -> list[str]:
    """Loads every source of the domains that is not loaded yet; returns the domains without a failed source."""
    report = run.report
    sources = [source for source in select_sources(None, run.options, domains) if source.name not in run.loaded]
    if not sources:
        return list(domains)
    loads = list(run_sources(sources, run.settings, run.console, partial(load_source, options=run.options)))
    print_summary(loads, run.console)
    run.loaded.update(load.source for load in loads if not load.error)
    resources = [resource for load in loads for resource in load.resources]
    report.resources += resources
    report.notes += [note for load in loads for note in load.notes]
    written = sum(resource.counts.new + resource.counts.changed for resource in resources)
    rejected = sum(resource.counts.rejected for resource in resources)
    outcome = f"{written:,} records new or changed, {rejected:,} rejected"
    if left := sum(resource.counts.left for resource in resources):
        outcome += f", {left:,} left"
    report.steps.append(Step("load", sum(load.seconds for load in loads), outcome))
    failed = [load for load in loads if load.error]
    for domain in dict.fromkeys(load.domain for load in failed):
        errors = [load for load in failed if load.domain == domain]
        report.note_domains(
            [domain],
            HELD_BACK,
            " ".join(f"{load.source}: {load.error}" for load in errors),
            may_pass=all(load.may_pass for load in errors),
            needs_change=any(load.needs_change for load in errors),
        )
    return [domain for domain in domains if domain not in {load.domain for load in failed}]


def _find_news(settings: Settings, server: Server, domains: Sequence[str], is_forced: bool) -> dict[str, str]:
    if is_forced:
        return dict.fromkeys(domains, "forced")
    publications = read_publications(server)
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        return find_news(connection, publications, domains, settings)


def _build(run: _RunState, server: Server, domains: Sequence[str]) -> list[str]:
    """Builds and tests the domains in DuckDB and hands off the successful ones; returns these."""
    settings, report = run.settings, run.report
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        are_unit_tests_due = not all(has_passed_unit_tests(connection, domain, settings) for domain in domains)
    with parse_beside(settings, "postgres"):
        built_by = run_dbt(
            [
                "build",
                *_select(settings, domains),
                *([] if are_unit_tests_due else ["--exclude-resource-type", "unit_test"]),
            ],
            settings,
            run.console,
            f"Building and testing {', '.join(domains)} in DuckDB",
            # One start of dbt for the build and the handoff.
            environment={
                "HEADWATER_HAND_OFF": ",".join(domains),
                "HEADWATER_SHRINK_HISTORY": str(run.may_shrink_history).lower(),
            },
        )
    report.warnings += describe_warnings(built_by.results)
    tests = built_by.count_successful("test", "unit_test")
    report.tests_passed += tests
    handoffs = read_handoffs(server)
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        builds = read_builds(connection)
        failing = read_failing_nodes(connection)
    built = [domain for domain in domains if domain in builds and builds[domain].build_id == handoffs.get(domain)]
    outcome = f"{built_by.count_successful('model')} models built, {tests} tests passed in DuckDB"
    if built:
        outcome += f", {count_handed_off(server, built)} tables handed off"
    report.steps.append(Step("build", built_by.seconds, outcome))
    for domain in domains:
        if domain not in built:
            reason = describe_failures(failing.get(domain) or failing.get("shared") or [])
            reason = reason or built_by.find_note(domain) or ""
            # What nothing explains failed in the handoff: Postgres does not answer, or readers hold a table.
            is_handoff = bool(built_by.results) and not reason
            told = reason or built_by.describe_errors()
            report.note_domains([domain], HELD_BACK, told, may_pass=is_handoff, needs_change=bool(reason))
    return built


def _publish(settings: Settings, console: Console, report: RunReport, server: Server, domains: Sequence[str]) -> None:
    """Builds and tests the marts in Postgres and puts them in place."""
    label = f"Building and testing the marts of {', '.join(domains)} in Postgres"
    run = run_dbt(["build", *_select(settings, domains)], settings, console, label, target="postgres")
    tests = run.count_successful("test")
    report.tests_passed += tests
    handoffs, publications = read_handoffs(server), read_publications(server)
    published = [domain for domain in domains if domain in publications and publications[domain] == handoffs[domain]]
    manner = " pseudonymously" if settings.privacy == PSEUDONYMOUS else ""
    outcome = f"{run.count_successful('model')} marts built{manner}, {tests} tests passed in Postgres"
    report.steps.append(Step("publish", run.seconds, outcome))
    report.note_domains(published, PUBLISHED, "")
    failed = [domain for domain in domains if domain not in published]
    # The marts passed in DuckDB: unless a test failed, it is Postgres that fails.
    has_failed_test = any(result.status == "fail" for result in run.results)
    report.note_domains(
        failed, HELD_BACK, _describe_publication(run), may_pass=not has_failed_test, needs_change=has_failed_test
    )
    if published:
        report.marts = count_published(server)


def _describe_publication(run: DbtRun) -> str:
    failures = describe_failures([result for result in run.results if not result.is_successful])
    return failures or run.describe_errors()


def _select(settings: Settings, domains: Sequence[str]) -> list[str]:
    """The selection as a user types it; empty for all domains."""
    if set(domains) == set(settings.domains):
        return []
    return ["--select", *(f"tag:{domain}" for domain in domains)]

"""`headwater run`: each enabled domain is loaded and, if there is news, built and published apart from the others.

A source that fails, or a model or test that fails, holds back its own domain and no other.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from dlt.common.runtime import signals
from rich.console import Console
from rich.markup import escape

from loader.base.errors import HeadwaterError
from loader.base.interrupts import find_exit_status, stop_on_signals
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
from loader.publish.postgres import Server, ensure_server, find_server
from loader.publish.privacy import PSEUDONYMOUS, read_pseudonymiser
from loader.raw.warehouse import open_warehouse
from loader.runs.load_report import print_summary
from loader.runs.report import HELD_BACK, PUBLISHED, UP_TO_DATE, RunReport, Step, keep_report
from loader.runs.runner import run_sources
from loader.sources import select_sources


def run_all(settings: Settings, console: Console, *, domains: Sequence[str] = (), is_forced: bool = False) -> RunReport:
    """Loads, builds and publishes the named domains, or all enabled ones; keeps the report in the state folder.

    A domain without news is neither built nor published, unless `is_forced`.
    """
    now = datetime.now(UTC)
    report = RunReport(run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}", started_at=now.isoformat())
    console.print(f"Run {report.run_id}")
    try:
        with stop_on_signals():
            _run(settings, console, report, _choose_domains(settings, domains), is_forced)
    except HeadwaterError as error:
        report.error = str(error)
        report.exit_status = 1
    except KeyboardInterrupt as interrupt:
        report.error = "interrupted."
        report.exit_status = find_exit_status(interrupt)
    keep_report(settings, report)
    return report


def _choose_domains(settings: Settings, named: Sequence[str]) -> Sequence[str]:
    for domain in named:
        if domain not in settings.domains:
            raise HeadwaterError(
                f"The domain {domain!r} is not enabled. Enabled are: {', '.join(settings.domains)}"
                " (domains in .dlt/config.toml, or HEADWATER_DOMAINS)."
            )
    return named or settings.domains


def _run(settings: Settings, console: Console, report: RunReport, domains: Sequence[str], is_forced: bool) -> None:
    # Report a missing key or server now, and not after an hour of loading.
    read_pseudonymiser(settings)
    server = find_server(settings)
    if not server.is_embedded:
        server.connect().close()
    with parse_beside(settings, "duckdb"):
        loaded = _load(settings, console, report, domains)
    if not loaded:
        return
    server = ensure_server()
    news = _find_news(settings, server, loaded, is_forced)
    report.note_domains(
        [domain for domain in loaded if domain not in news], UP_TO_DATE, "no news since it was published"
    )
    for domain, reason in news.items():
        console.print(f"{domain}: {reason}; it is built and published.")
    signals.raise_if_signalled()
    built = _build(settings, console, report, server, list(news)) if news else []
    signals.raise_if_signalled()
    if built:
        _publish(settings, console, report, server, built)


def _load(settings: Settings, console: Console, report: RunReport, domains: Sequence[str]) -> list[str]:
    """Loads every source of the domains; returns the domains without a failed source."""
    loads = list(run_sources(select_sources(None, domains=domains), settings, console))
    print_summary(loads, console)
    report.resources = [resource for load in loads for resource in load.resources]
    written = sum(resource.counts.new + resource.counts.changed for resource in report.resources)
    rejected = sum(resource.counts.rejected for resource in report.resources)
    outcome = f"{written:,} records new or changed, {rejected:,} rejected"
    report.steps.append(Step("load", sum(load.seconds for load in loads), outcome))
    failed = [load for load in loads if load.error]
    for domain in dict.fromkeys(load.domain for load in failed):
        errors = [f"{load.source}: {load.error}" for load in failed if load.domain == domain]
        report.note_domains([domain], HELD_BACK, " ".join(errors))
    return [domain for domain in domains if domain not in {load.domain for load in failed}]


def _find_news(settings: Settings, server: Server, domains: Sequence[str], is_forced: bool) -> dict[str, str]:
    if is_forced:
        return dict.fromkeys(domains, "forced")
    publications = read_publications(server)
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        return find_news(connection, publications, domains, settings)


def _build(
    settings: Settings, console: Console, report: RunReport, server: Server, domains: Sequence[str]
) -> list[str]:
    """Builds and tests the domains in DuckDB and hands off the successful ones; returns these."""
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        are_unit_tests_due = not all(has_passed_unit_tests(connection, domain, settings) for domain in domains)
    with parse_beside(settings, "postgres"):
        run = run_dbt(
            [
                "build",
                *_select(settings, domains),
                *([] if are_unit_tests_due else ["--exclude-resource-type", "unit_test"]),
            ],
            settings,
            console,
            f"Building and testing {', '.join(domains)} in DuckDB",
            # One start of dbt for the build and the handoff.
            environment={"HEADWATER_HAND_OFF": ",".join(domains)},
        )
    for warning in describe_warnings(run.results):
        console.print(f"[yellow]Note:[/yellow] {escape(warning)}", soft_wrap=True)
    tests = run.count_successful("test", "unit_test")
    report.tests_passed += tests
    handoffs = read_handoffs(server)
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        builds = read_builds(connection)
        failing = read_failing_nodes(connection)
    built = [domain for domain in domains if domain in builds and builds[domain].build_id == handoffs.get(domain)]
    outcome = f"{run.count_successful('model')} models built, {tests} tests passed in DuckDB"
    if built:
        outcome += f", {count_handed_off(server, built)} tables handed off"
    report.steps.append(Step("build", run.seconds, outcome))
    for domain in domains:
        if domain not in built:
            reason = describe_failures(failing.get(domain) or failing.get("shared") or []) or run.describe_errors()
            report.note_domains([domain], HELD_BACK, reason)
    return built


def _publish(settings: Settings, console: Console, report: RunReport, server: Server, domains: Sequence[str]) -> None:
    """Builds and tests the marts in Postgres and puts them in place."""
    run = run_dbt(
        ["build", *_select(settings, domains)],
        settings,
        console,
        f"Building and testing the marts of {', '.join(domains)} in Postgres",
        target="postgres",
    )
    tests = run.count_successful("test")
    report.tests_passed += tests
    handoffs, publications = read_handoffs(server), read_publications(server)
    published = [domain for domain in domains if domain in publications and publications[domain] == handoffs[domain]]
    manner = " pseudonymously" if settings.privacy == PSEUDONYMOUS else ""
    outcome = f"{run.count_successful('model')} marts built{manner}, {tests} tests passed in Postgres"
    report.steps.append(Step("publish", run.seconds, outcome))
    report.note_domains(published, PUBLISHED, "")
    failed = [domain for domain in domains if domain not in published]
    report.note_domains(failed, HELD_BACK, _describe_publication(run))
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

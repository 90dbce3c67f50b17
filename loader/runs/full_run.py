"""`headwater run`: load, build, handoff, publish; it stops at the first failure and ends with one report."""

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from dlt.common.runtime import signals
from rich.console import Console
from rich.table import Table

from loader.base.console import report_error
from loader.base.errors import HeadwaterError
from loader.base.interrupts import find_exit_status, stop_on_signals
from loader.base.settings import Settings
from loader.publish.dbt import DbtRun, read_failure, run_dbt
from loader.publish.marts import count_published
from loader.publish.postgres import ensure_server, find_server
from loader.publish.privacy import PSEUDONYMOUS, read_pseudonymiser
from loader.runs.report import print_summary
from loader.runs.results import ResourceLoad
from loader.runs.runner import run_sources
from loader.sources import select_sources


@dataclass
class Step:
    """One of the four steps: how long it took, and what came of it in a few words."""

    name: str
    seconds: float
    outcome: str


@dataclass
class RunReport:
    """What a whole run did. `error` is why it stopped, if it did, and `exit_status` what the command ends with."""

    run_id: str
    started_at: str
    steps: list[Step] = field(default_factory=list)
    resources: list[ResourceLoad] = field(default_factory=list)
    tests_passed: int = 0
    marts: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    exit_status: int = 0


def run_all(settings: Settings, console: Console) -> RunReport:
    """Runs the four steps and keeps the report in the warehouse's state folder."""
    now = datetime.now(UTC)
    report = RunReport(run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}", started_at=now.isoformat())
    console.print(f"Run {report.run_id}")
    steps: list[Callable[[], None]] = [
        lambda: _load(settings, console, report),
        lambda: _build(settings, console, report),
        lambda: _hand_off(settings, console, report),
        lambda: _publish(settings, console, report),
    ]
    try:
        with stop_on_signals():
            for step in steps:
                signals.raise_if_signalled()
                step()
    except HeadwaterError as error:
        report.error = str(error)
        report.exit_status = 1
    except KeyboardInterrupt as interrupt:
        report.error = "interrupted."
        report.exit_status = find_exit_status(interrupt)
    _keep(settings, report)
    return report


def print_report(report: RunReport, console: Console) -> None:
    """The report for a person."""
    steps = Table(title=f"Run {report.run_id}", title_justify="left")
    steps.add_column("step")
    steps.add_column("outcome")
    steps.add_column("seconds", justify="right")
    for step in report.steps:
        steps.add_row(step.name, step.outcome, f"{step.seconds:.1f}")
    if report.steps:
        console.print(steps)
    if report.marts:
        marts = Table(title="Published marts", title_justify="left")
        marts.add_column("mart")
        marts.add_column("rows", justify="right")
        for mart, rows in report.marts.items():
            marts.add_row(mart, f"{rows:,}")
        console.print(marts)
    if report.error:
        report_error(console, report.error)
        is_before_load = report.exit_status == 1 and not report.steps
        console.print("Readers of Postgres keep what they had.", end=" ")
        console.print("Nothing was loaded." if is_before_load else "The same command, run again, goes on from here.")


def read_last_report(settings: Settings) -> RunReport | None:
    """The report of the newest run of this warehouse, without its resources."""
    files = sorted((settings.state / "runs").glob("*.json"))
    if not files:
        return None
    kept = json.loads(files[-1].read_text())
    kept["steps"] = [Step(**step) for step in kept["steps"]]
    kept["resources"] = []
    return RunReport(**kept)


def _load(settings: Settings, console: Console, report: RunReport) -> None:
    # A key or a server that is not there is better known before an hour of loading than after it.
    read_pseudonymiser(settings)
    server = find_server(settings)
    if not server.is_embedded:
        server.connect().close()
    loads = list(run_sources(select_sources(None), settings, console))
    print_summary(loads, console)
    report.resources = [resource for load in loads for resource in load.resources]
    written = sum(resource.counts.new + resource.counts.changed for resource in report.resources)
    rejected = sum(resource.counts.rejected for resource in report.resources)
    outcome = f"{written:,} records new or changed, {rejected:,} rejected"
    report.steps.append(Step("load", sum(load.seconds for load in loads), outcome))
    for load in loads:
        if load.error:
            raise HeadwaterError(f"{load.source}: {load.error}")


def _build(settings: Settings, console: Console, report: RunReport) -> None:
    run = _run_step("build", "Building and testing in DuckDB", ["build"], settings, console)
    report.tests_passed += run.tests_passed
    report.steps.append(
        Step("build", run.seconds, f"{run.models} models built, {run.tests_passed} tests passed in DuckDB")
    )


def _hand_off(settings: Settings, console: Console, report: RunReport) -> None:
    ensure_server()
    arguments = ["run-operation", "handoff"]
    run = _run_step("handoff", "Copying transform tables to Postgres", arguments, settings, console)
    tables = re.search(r"Handed off (\d+) tables", run.output)
    outcome = f"{tables.group(1) if tables else 'no'} transform tables copied to Postgres"
    report.steps.append(Step("handoff", run.seconds, outcome))


def _publish(settings: Settings, console: Console, report: RunReport) -> None:
    label = "Building and testing the marts in Postgres"
    manner = " pseudonymously" if settings.privacy == PSEUDONYMOUS else ""
    run = _run_step("publish", label, ["build"], settings, console, target="postgres")
    report.tests_passed += run.tests_passed
    report.steps.append(
        Step(
            "publish",
            run.seconds,
            f"{run.models} marts published{manner}, {run.tests_passed} tests passed in Postgres",
        )
    )
    report.marts = count_published(ensure_server())


def _run_step(
    step: str, label: str, arguments: list[str], settings: Settings, console: Console, target: str = "duckdb"
) -> DbtRun:
    run = run_dbt(arguments, settings, console, label, target)
    if not run.is_successful:
        raise HeadwaterError(f"{step} failed: {read_failure(run)}")
    return run


def _keep(settings: Settings, report: RunReport) -> None:
    folder = settings.state / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.run_id}.json"
    # Renamed when it is whole: `headwater status` reads the newest.
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(report), indent=2))
    unfinished.rename(path)

"""What a whole run did, for a person and for `headwater status`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loader.base.console import report_error
from loader.base.settings import Settings
from loader.runs.results import ResourceLoad

PUBLISHED, UP_TO_DATE, HELD_BACK = "published", "up to date", "held back"


@dataclass
class Step:
    """One step: how long it took, and its outcome in a few words."""

    name: str
    seconds: float
    outcome: str


@dataclass
class DomainOutcome:
    """What became of a domain: published, up to date (there was no news) or held back, and why."""

    domain: str
    state: str
    reason: str


@dataclass
class RunReport:
    """What a whole run did, and how long it took.

    `warnings` are what the user should know, a line each. `error` is why it stopped, if it did, and `exit_status` what
    the command ends with.
    """

    run_id: str
    started_at: str
    steps: list[Step] = field(default_factory=list)
    domains: list[DomainOutcome] = field(default_factory=list)
    resources: list[ResourceLoad] = field(default_factory=list)
    tests_passed: int = 0
    marts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    error: str | None = None
    exit_status: int = 0
    seconds: float = 0.0

    @property
    def failure(self) -> str | None:
        """Why the run failed, if it did: why it stopped, or which domains are held back."""
        held_back = [f"{each.domain} is held back: {each.reason}" for each in self.domains if each.state == HELD_BACK]
        return " ".join(filter(None, [self.error, *held_back])) or None

    def explain(self, reason: str) -> None:
        """Gives the one reason for all that failed."""
        if self.error:
            self.error = reason
        for outcome in self.domains:
            if outcome.state == HELD_BACK:
                outcome.reason = reason

    def note_domains(self, domains: Sequence[str], state: str, reason: str) -> None:
        """Notes the same outcome for each of the domains; one that is held back fails the run."""
        self.domains += [DomainOutcome(domain, state, reason) for domain in domains]
        if state == HELD_BACK and domains:
            self.exit_status = 1


def print_report(report: RunReport, console: Console) -> None:
    """The report for a person."""
    steps = _build_table(f"Run {report.run_id}", "step", "outcome")
    steps.add_column("seconds", justify="right")
    for step in report.steps:
        steps.add_row(step.name, step.outcome, f"{step.seconds:.1f}")
    if report.steps:
        console.print(steps)
    if report.marts:
        marts = _build_table("Published marts", "mart")
        marts.add_column("rows", justify="right")
        for mart, rows in report.marts.items():
            marts.add_row(mart, f"{rows:,}")
        console.print(marts)
    if report.domains:
        domains = _build_table("Domains", "domain", "state")
        for outcome in sorted(report.domains, key=lambda outcome: outcome.domain):
            domains.add_row(outcome.domain, outcome.state)
        console.print(domains)
    for warning in report.warnings:
        console.print(f"[yellow]Warning:[/yellow] {escape(warning)}", soft_wrap=True, highlight=False)
    held_back = [outcome for outcome in report.domains if outcome.state == HELD_BACK]
    for outcome in held_back:
        report_error(console, f"{outcome.domain} is held back: {outcome.reason}")
    if report.error:
        report_error(console, report.error)
    if held_back:
        others = "Other domains are not affected. " if len(held_back) < len(report.domains) else ""
        console.print(f"Postgres still serves the previous marts of what is held back. {others}", end="")
    if held_back or report.error:
        is_before_load = report.exit_status == 1 and not report.steps
        console.print("Nothing was loaded." if is_before_load else "Run the same command again to continue.")


def keep_report(settings: Settings, report: RunReport) -> None:
    """Writes the report to the warehouse's state folder."""
    folder = settings.state / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.run_id}.json"
    # Renamed when it is complete: `headwater status` reads the newest.
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(asdict(report), indent=2))
    unfinished.rename(path)


def read_last_report(settings: Settings) -> RunReport | None:
    """The report of the newest run of this warehouse, without its resources."""
    files = sorted((settings.state / "runs").glob("*.json"))
    if not files:
        return None
    kept = json.loads(files[-1].read_text())
    kept["steps"] = [Step(**step) for step in kept["steps"]]
    kept["domains"] = [DomainOutcome(**outcome) for outcome in kept.get("domains", [])]
    kept["resources"] = []
    return RunReport(**kept)


def _build_table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table

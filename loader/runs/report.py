"""What a whole run did, for a person and for `headwater status`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loader.base.console import report_error
from loader.base.disk import describe_os_error
from loader.base.run_records import KILLED, RUN, RUNNING, describe_process, keep_record, read_records
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
    """What became of a domain: published, up to date (there was no news) or held back, and why.

    `may_pass`: whether the reason may be gone within minutes. `needs_change`: the same run fails again until
    the user changes a setting or a file.
    """

    domain: str
    state: str
    reason: str
    may_pass: bool = False
    needs_change: bool = False


@dataclass
class RunReport:
    """What a whole run did, and how long it took.

    `asked` names the domains that it was to run. `attempts` is how often it tried.
    `warnings` are what the user should know, a line each; `notes` are what sources say they changed or left open.
    `error` is why it stopped, if it did, and `exit_status` what the command ends with.
    """

    run_id: str
    started_at: str
    asked: list[str] = field(default_factory=list)
    attempts: int = 1
    steps: list[Step] = field(default_factory=list)
    domains: list[DomainOutcome] = field(default_factory=list)
    resources: list[ResourceLoad] = field(default_factory=list)
    tests_passed: int = 0
    marts: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    exit_status: int = 0
    seconds: float = 0.0
    # Whether the error may be gone within minutes.
    may_pass: bool = False

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

    def note_domains(
        self,
        domains: Sequence[str],
        state: str,
        reason: str,
        *,
        may_pass: bool = False,
        needs_change: bool = False,
    ) -> None:
        """Notes the same outcome for each of the domains; one that is held back fails the run."""
        self.domains += [DomainOutcome(domain, state, reason, may_pass, needs_change) for domain in domains]
        if state == HELD_BACK and domains:
            self.exit_status = 1

    def list_worth_retrying(self) -> list[str]:
        """The domains that failed in a way that may pass, or that a passing error of the whole run kept from it."""
        done = {outcome.domain for outcome in self.domains if not outcome.may_pass}
        left = [domain for domain in self.asked if domain not in done]
        if self.error:
            return left if self.may_pass else []
        return [outcome.domain for outcome in self.domains if outcome.may_pass]

    def begin_again(self, domains: Sequence[str]) -> None:
        """Forgets what became of these domains, which are tried once more."""
        self.domains = [outcome for outcome in self.domains if outcome.domain not in domains]
        self.exit_status = int(any(outcome.state == HELD_BACK for outcome in self.domains))
        self.error, self.may_pass = None, False
        self.attempts += 1


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
    print_notes(report.notes, console)
    print_failures(report, console)


def print_notes(notes: Sequence[str], console: Console) -> None:
    """What sources say they changed or left open, a line each."""
    for note in notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}", soft_wrap=True, highlight=False)


def print_failures(report: RunReport, console: Console) -> None:
    """Why the run failed, and what to do; nothing after a successful one."""
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
        advice = "Run the same command again to continue."
        if any(outcome.needs_change for outcome in held_back):
            advice = "Change what the error names, then run the same command again."
        console.print("Nothing was loaded." if is_before_load else advice)


def keep_report(settings: Settings, report: RunReport, *, is_running: bool = False) -> None:
    """Writes the report to the warehouse's state folder: as that of a running command, and again when it has ended."""
    seconds = (datetime.now(UTC) - datetime.fromisoformat(report.started_at)).total_seconds()
    ended = {"seconds": seconds, "failure": report.failure, "process": None}
    running = {"seconds": None, "failure": None, "process": describe_process()}
    keep_record(settings, {"kind": RUN, **asdict(report), **(running if is_running else ended)})


@contextmanager
def tell_if_not_kept(console: Console) -> Iterator[None]:
    """A report that cannot be written, on a full disk, is no failure: what it would say is printed all the same."""
    try:
        yield
    except OSError as error:
        told = describe_os_error(error)
        console.print(f"[yellow]Note:[/yellow] `headwater runs` will not show this one. {escape(told)}", soft_wrap=True)


def read_last_report(settings: Settings) -> RunReport | None:
    """The report of the newest whole run of this warehouse that has ended, without its resources."""
    for record in read_records(settings):
        if record.kind == RUN and record.outcome != RUNNING:
            kept = {name: value for name, value in record.content.items() if name in RunReport.__dataclass_fields__}
            kept["steps"] = [Step(**step) for step in kept["steps"]]
            kept["domains"] = [DomainOutcome(**outcome) for outcome in kept.get("domains", [])]
            kept["resources"] = []
            report = RunReport(**kept)
            if record.outcome == KILLED:
                report.error, report.seconds = record.failure, 0.0
            return report
    return None


def _build_table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table

"""What a source is: a value that the loader runs. Nothing here knows a source."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import dlt
from dlt.extract import DltSource

from loader.base.errors import HeadwaterError
from loader.fetch.allowance import DailyAllowance
from loader.fetch.session import HttpSession
from loader.raw.ledger import Progress
from loader.raw.record import Record
from loader.raw.replay import Reader
from loader.raw.series import Series
from loader.raw.shapes import Resource
from loader.raw.warehouse import RawSchema
from loader.sources.agenda import Agenda
from loader.sources.questions import Question
from loader.sources.settings import HttpSettings, SourceSettings

S = TypeVar("S", bound=SourceSettings)
# Nobody writes to a run, so a run with a source's own settings is also one with the common settings.
S_co = TypeVar("S_co", bound=SourceSettings, covariant=True)


@dataclass(frozen=True)
class Option:
    """What a run may be narrowed to: `--NAME METAVAR`, given once or repeatedly; without a metavar `--NAME` alone.

    `parse` turns the text into a value, or raises ValueError that says what the text must be.
    """

    name: str
    metavar: str
    help: str
    parse: Callable[[str], Any] = str


def parse_date(text: str) -> date:
    """`2026-01-31` as a date, `2026-01` as the first of that month."""
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == len("2026-01") else text)
    except ValueError:
        raise ValueError("it must be a date, such as 2026-01-31") from None


ONLY = Option("only", "RESOURCE", "Load this resource of the source alone")
SINCE = Option("since", "DATE", "Load what is dated on this day or later (2026-01-31)", parse_date)
UNTIL = Option("until", "DATE", "Load what is dated before this day (2026-01-31)", parse_date)
FOLLOW = Option("follow", "", "Load what is new again and again until Ctrl-C")


@dataclass(frozen=True)
class RunOptions:
    """What a user requests of one run. `is_full_refresh`: request everything again, changed or not.

    `narrowed_to` has the values of each option that was given, by the option's name.
    """

    is_full_refresh: bool = False
    narrowed_to: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def list(self, option: Option) -> tuple[Any, ...]:
        """All values that were given for an option."""
        return self.narrowed_to.get(option.name, ())

    def find(self, option: Option) -> Any | None:
        """The value that was given last for an option, if any was."""
        return next(reversed(self.list(option)), None)


@dataclass(frozen=True)
class Estimate:
    """What a part of a run would cost, in requests that count against the source's budget.

    At least `at_least` and at most `at_most`, which is None if nothing limits it.
    """

    what: str
    at_least: int
    at_most: int | None
    note: str = ""


@dataclass(frozen=True)
class RunEstimate:
    """What a run would cost, in parts. `budget` is the number of requests that a day allows, None if unlimited."""

    parts: list[Estimate]
    budget: int | None = None

    @property
    def at_least(self) -> int:
        """The requests that are certain, as far as the budget allows them."""
        least = sum(part.at_least for part in self.parts)
        return least if self.budget is None else min(least, self.budget)

    @property
    def at_most(self) -> int | None:
        """The most that can be, by the parts and by the budget; None if neither limits it."""
        limits = [part.at_most for part in self.parts]
        most = None if None in limits else sum(limit for limit in limits if limit is not None)
        return min((each for each in (most, self.budget) if each is not None), default=None)


@dataclass(frozen=True)
class NotFound:
    """What the user named and the source does not know, when it was last looked for (UTC)."""

    identifier: str
    name: str | None
    checked_at: datetime


@dataclass(frozen=True)
class Batch:
    """One load: raw gets what these resources bring together, or nothing of it.

    `given` is what their pages are made from, the run itself for most sources.
    """

    resources: tuple[str, ...]
    given: Any


# The batches of a run, in order. When the plan continues, raw holds the batch that it yielded last. If that batch
# failed, its error is raised at the `yield`: the plan ends with it, or catches it and continues.
Plan = Generator[Batch, None, None]


@dataclass(frozen=True)
class SourceRun(Generic[S_co]):
    """One run of a source: all that its plan, its pages and its estimate need.

    `request_counts` is the file that counts requests where there are `requests_per_day`. `agenda` is that of a run that
    follows; in any other run everything on it is due.
    """

    source: "Source[Any]"
    settings: S_co
    raw: RawSchema
    progress: Progress
    options: RunOptions
    request_counts: Path
    agenda: Agenda = field(default_factory=Agenda)

    @property
    def downloads(self) -> Path:
        """The folder of files that are being downloaded, beside the warehouse."""
        return self.request_counts.with_name("downloads")

    def build_allowance(self: "SourceRun[HttpSettings]") -> DailyAllowance | None:
        """The day's requests, where the settings limit them."""
        if self.settings.requests_per_day is None:
            return None
        return DailyAllowance(
            self.request_counts,
            name=self.source.name,
            requests_per_day=self.settings.requests_per_day,
            setting=f"{self.source.section}.requests_per_day",
        )

    def open_session(
        self: "SourceRun[HttpSettings]", *, key_header: str = "Authorization: Bearer {key}", **more: Any
    ) -> HttpSession:
        """An HTTP session by the common settings. The API's key, if there is one, goes into `key_header`.

        `more` goes to HttpSession: `explain`, `observe` …
        """
        name, _, value = key_header.partition(": ")
        key = (self.settings.api_key or "").strip()
        return HttpSession(
            self.settings.base_url,
            section=self.source.section,
            requests_per_second=self.settings.pace,
            allowance=self.build_allowance(),
            key_headers={name: value.format(key=key)} if key else None,
            warn=self.progress.warn,
            **more,
        )


def load_everything(run: SourceRun[Any]) -> Plan:
    """All resources in one load, or those that `--only` names."""
    names = tuple(resource.name for resource in run.source.resources)
    chosen = run.options.list(ONLY)
    if unknown := [name for name in chosen if name not in names]:
        raise HeadwaterError(f"--only: {run.source.name} has no resource {unknown[0]!r}; it has: {', '.join(names)}.")
    yield Batch(tuple(name for name in names if name in chosen) or names, run)


def estimate_nothing(run: SourceRun[Any]) -> None:
    """The requests of a run are not known in advance."""


def find_nothing_missing(raw: RawSchema) -> list[NotFound]:
    """The user names nothing that the source might not know."""
    return []


def use_no_files(settings: SourceSettings) -> list[Path]:
    """The settings name no file."""
    return []


def has_required_settings(settings: SourceSettings) -> bool:
    """Whether every setting without a default is set."""
    return not settings.is_partial()


@dataclass(frozen=True)
class Source(Generic[S]):
    """A source of one domain: its settings, its resources and, where it needs them, a plan and an estimate of its own.

    `options` is what a run may be narrowed to; `after` names the sources that are loaded before this one.
    A source that takes FOLLOW loads once a run what is due on the agenda, and notes there when to look again; it has
    the setting `poll_seconds`, how long such a run waits after a load that failed.
    `is_enabled` gets settings that may lack required ones; `needs` says what a user sets to enable it, and
    `without_key` what is different in a run without an `api_key`. `headwater init` asks the `questions`.
    `list_files` gets such settings, too, and returns the user's own files that they name, which a backup keeps.
    `read_not_found` tells `headwater status` what the user named and the source does not know.
    """

    name: str
    domain: str
    settings: type[S]
    resources: tuple[Resource[Any], ...]
    options: tuple[Option, ...] = (ONLY,)
    plan: Callable[[SourceRun[S]], Plan] = load_everything
    estimate: Callable[[SourceRun[S]], RunEstimate | None] = estimate_nothing
    read_not_found: Callable[[RawSchema], list[NotFound]] = find_nothing_missing
    is_enabled: Callable[[S], bool] = has_required_settings
    list_files: Callable[[S], list[Path]] = use_no_files
    questions: tuple[Question, ...] = ()
    needs: str = ""
    without_key: str = ""
    after: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """Where its settings are in dlt's configuration."""
        return f"sources.{self.name}"

    @property
    def models(self) -> dict[str, type[Record]]:
        """The model of each resource whose records are validated by one."""
        return {resource.name: resource.model for resource in self.resources if resource.model}

    @property
    def readers(self) -> dict[str, Reader]:
        """What reads rejected records again, by resource: a model, or a series."""
        series = {resource.name: resource for resource in self.resources if isinstance(resource, Series)}
        return {**self.models, **series}


def build_dlt_source(source: Source[Any], batch: Batch, raw: RawSchema, progress: Progress) -> DltSource:
    """The dlt source of one batch."""
    resources = [each.build(batch.given, raw, progress) for each in source.resources if each.name in batch.resources]
    return dlt.source(lambda: resources, name=source.name, section=source.name)()

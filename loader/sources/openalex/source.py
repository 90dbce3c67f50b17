"""OpenAlex as a source: its resources, and what a run would cost."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dlt
from dlt.extract import DltResource

from loader.fetch.pages import Page
from loader.raw.documents import DOCUMENT_LIMITS, Documents
from loader.raw.ledger import Progress
from loader.raw.limits import LoadLimits
from loader.raw.warehouse import RawSchema
from loader.sources.contract import RunEstimate, Source, SourceRun
from loader.sources.openalex.bookkeeping import SYNC_STATUS_HINTS
from loader.sources.openalex.estimate import (
    estimate_named,
    estimate_people,
    estimate_unknown_people,
    estimate_works,
)
from loader.sources.openalex.made_records import CoauthorYears, RosterMember
from loader.sources.openalex.members import list_files
from loader.sources.openalex.models import Author, Institution, Topic, Work
from loader.sources.openalex.options import AUTHOR
from loader.sources.openalex.plan import OpenAlexLoad, OpenAlexRun, plan_openalex
from loader.sources.openalex.questions import QUESTIONS
from loader.sources.openalex.settings import OpenAlexSettings
from loader.sources.openalex.state import WorksState
from loader.sources.openalex.unknown_people import read_unknown_people
from loader.sources.openalex.works import plan_works


def describe_roster(load: OpenAlexLoad) -> Iterable[Any]:
    """Whose ORCIDs OpenAlex does not know."""
    return [load.describe_roster()]


def list_authors(load: OpenAlexLoad) -> Iterator[Page]:
    """The records of the load's authors."""
    return load.authors.list_pages() if load.authors else iter(())


def describe_author_checks(load: OpenAlexLoad) -> Iterable[Any]:
    """When these records were requested, and whom OpenAlex does not know."""
    return load.authors.describe() if load.authors else []


def list_works(load: OpenAlexLoad) -> Iterator[Page]:
    """The works of the load's groups."""
    return load.works.list_pages() if load.works else iter(())


def describe_sync(load: OpenAlexLoad) -> Iterable[Any]:
    """How the works were requested, and which of them have left OpenAlex."""
    return load.works.describe() if load.works else []


@dataclass(frozen=True)
class SyncStatus:
    """The resource that notes which groups could not be fetched: bookkeeping only."""

    name: str = "sync_status"
    model: None = None
    limits: LoadLimits = DOCUMENT_LIMITS
    tables: tuple[str, ...] = ("sync_status",)

    def build(self, given: OpenAlexLoad, raw: RawSchema, progress: Progress) -> DltResource:
        """See Resource."""

        def rows() -> Iterator[Any]:
            if given.failures:
                load_id = str(dlt.current.load_package_state()["load_id"])
                yield dlt.mark.with_hints(given.failures.describe_failures(load_id), SYNC_STATUS_HINTS)

        return dlt.resource(
            rows, name=self.name, write_disposition={"disposition": "merge", "strategy": "delete-insert"}
        )


def estimate_openalex(run: SourceRun[OpenAlexSettings]) -> RunEstimate:
    """What a run would request, by what raw holds."""
    parts = OpenAlexRun(run)
    members = parts.members.presume()
    for note in parts.members.notes:
        run.progress.warn(note)
    parts.records.compare_presumed(members.entries)
    state = WorksState(run.raw, members.ids)
    wanted = run.options.list(AUTHOR)
    plan = plan_works(state, parts.members.choose(members.ids, wanted), run.options, run.settings)
    estimates = [
        *estimate_people(members, parts.records),
        *estimate_works(state, plan, run.raw),
        *estimate_unknown_people(members, parts.members.count_unknown(wanted), is_narrowed=bool(wanted)),
        *estimate_named(members, run.raw, plan, is_full_refresh=parts.is_full_refresh),
    ]
    estimates = [each for each in estimates if each.at_most != 0]
    member_count = len(members.ids) + members.unknown_count if members.is_complete else None
    if coauthors := parts.coauthors.estimate(members.ids, member_count):
        estimates.append(coauthors)
    limits = (parts.client.available_credits, run.settings.requests_per_day)
    budget = min(limit for limit in limits if limit is not None)
    return RunEstimate(estimates, budget)


def _list_missing(table: str) -> Callable[[OpenAlexLoad], Iterator[Page]]:
    return lambda load: load.list_missing(table)


SOURCE = Source(
    name="openalex",
    domain="academic",
    settings=OpenAlexSettings,
    resources=(
        Documents("roster", RosterMember, OpenAlexLoad.list_roster, describe_roster),
        Documents("authors", Author, list_authors, describe_author_checks),
        Documents("works", Work, list_works, describe_sync),
        Documents("institutions", Institution, _list_missing("institutions")),
        Documents("topics", Topic, _list_missing("topics")),
        Documents("coauthor_years", CoauthorYears, OpenAlexLoad.list_coauthors),
        SyncStatus(),
    ),
    options=(AUTHOR,),
    plan=plan_openalex,
    estimate=estimate_openalex,
    read_not_found=read_unknown_people,
    is_enabled=lambda settings: bool(settings.roster or settings.institution),
    list_files=list_files,
    without_key="OpenAlex answers about 1,000 lists of 100 records a day, with a free key ten times that",
    questions=QUESTIONS,
    needs="a roster (sources.openalex.roster) or an institution (sources.openalex.institution)",
)

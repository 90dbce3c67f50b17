"""How OpenAlex is loaded: roster and works, batch by batch, authors that are due, what works name, coauthors' years."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.fetch.pages import Page
from loader.sources.contract import Batch, Plan, SourceRun
from loader.sources.openalex.author_records import AuthorRecords, AuthorsLoad
from loader.sources.openalex.batch import WorksLoad
from loader.sources.openalex.client import OpenAlexClient
from loader.sources.openalex.coauthor_cache import CoauthorCache
from loader.sources.openalex.estimate import estimate_works
from loader.sources.openalex.groups import Group
from loader.sources.openalex.made_records import MEMBERS
from loader.sources.openalex.members import Members, describe_members
from loader.sources.openalex.mentioned import Mentioned, Mentions, read_mentioned
from loader.sources.openalex.options import AUTHOR
from loader.sources.openalex.settings import OpenAlexSettings
from loader.sources.openalex.state import WorksState
from loader.sources.openalex.sweep import Sweeper
from loader.sources.openalex.unknown_people import describe_unknown_people, list_cleared
from loader.sources.openalex.works import plan_works

# Institutions and topics are requested when the works that name them are in raw: what is missing there follows from
# the tables alone, so that a killed run leaves nothing out. Coauthors come last: they are many.
_ROSTER, _AUTHORS, _WORKS = ("roster",), ("authors",), ("works",)
_NAMED = ("institutions", "topics")
_COAUTHORS = ("coauthor_years",)
_FAILURES = ("sync_status",)


class OpenAlexRun:
    """The parts of one run, each ready for use."""

    def __init__(self, run: SourceRun[OpenAlexSettings]) -> None:
        settings = run.settings
        self.run = run
        self.is_full_refresh = run.options.is_full_refresh and not run.options.list(AUTHOR)
        self.client = OpenAlexClient(
            settings.base_url,
            settings.api_key,
            settings.requests_per_second,
            run.build_allowance(),
            run.progress.warn,
        )
        self.members = Members(
            self.client, run.raw, settings.roster, settings.institution, is_full_refresh=self.is_full_refresh
        )
        self.records = AuthorRecords(run, self.client, self.members)
        self.coauthors = CoauthorCache(run, self.client)


@dataclass(frozen=True)
class OpenAlexLoad:
    """One load of a run: what each of its resources requests. A part is None where no resource of the load needs it."""

    parts: OpenAlexRun
    authors: AuthorsLoad | None = None
    works: WorksLoad | None = None
    coauthor_ids: Sequence[str] = ()
    failures: WorksState | None = None
    mentions: Mentions | None = None

    def list_roster(self) -> Iterator[Page]:
        """The members, and those who left the roster."""
        members, run = self.parts.members, self.parts.run
        entries = members.find()
        for note in members.notes:
            run.progress.warn(note)
        self.parts.records.compare_held(entries, self.authors.author_ids if self.authors else ())
        current = set(members.find_ids())
        known = run.raw.query_keys("select id from {raw}.roster order by id") if run.raw.has_table("roster") else []
        before = frozenset(run.raw.query_keys(MEMBERS)) if known else frozenset[str]()
        return describe_members(entries, [key for key in known if key not in current], before)

    def describe_roster(self) -> Any:
        """Whose ORCIDs OpenAlex does not know, and who is no longer unknown."""
        members, raw = self.parts.members, self.parts.run.raw
        cleared = list_cleared(raw, members.identifiers, members.unknown)
        return describe_unknown_people(raw, members.unknown, cleared)

    def list_missing(self, table: str) -> Iterator[Page]:
        """The entities that raw works mention and the table lacks; with a full refresh also those that it has."""
        raw = self.parts.run.raw
        if not raw.has_table("works"):
            return iter(())
        loaded: set[str] = set()
        if raw.has_table(table) and not self.parts.is_full_refresh:
            loaded = set(raw.query_keys(f"select id from {{raw}}.{table}"))
        mentioned = self._mentioned._asdict()[table]
        return self.parts.client.list_by(table, "openalex", [key for key in mentioned if key not in loaded])

    def list_coauthors(self) -> Iterator[Page]:
        """When these coauthors published."""
        return self.parts.coauthors.list_pages(self.coauthor_ids)

    @cached_property
    def _mentioned(self) -> Mentioned:
        """Both resources of a load share one reading of the works that came since the run began."""
        return read_mentioned(self.parts.run.raw, self.mentions)


def plan_openalex(run: SourceRun[OpenAlexSettings]) -> Plan:
    """The loads of a run.

    A group of authors that cannot be fetched does not hold up the others: the run ends with its HeadwaterError, and the
    next run begins with it. If the budget ends, nothing more is requested, and the error names the groups that failed
    before, too. A budget that ends among the coauthors is reported, not an error: the next run continues with them.
    """
    parts = OpenAlexRun(run)
    state = WorksState(run.raw, parts.members.find_ids())
    ended_by: HeadwaterError | None = None
    try:
        yield from _plan_in_turn(parts, state)
    except HeadwaterError as error:
        if not state.failures:
            raise
        ended_by = error
    if ended_by:
        yield Batch(_FAILURES, OpenAlexLoad(parts, failures=state))
    errors = [_describe_failures(state)] if state.failures else []
    errors += [str(error) for error in (ended_by, parts.coauthors.error) if error]
    if errors:
        cause = ended_by or next(iter(state.failures.values()), None) or parts.coauthors.error
        raise HeadwaterError(" ".join(errors)) from cause


def _plan_in_turn(parts: OpenAlexRun, state: WorksState) -> Plan:
    """The loads as plan_openalex says. Raises what ends the run."""
    run, records = parts.run, parts.records
    chosen_ids = parts.members.choose(state.member_ids, run.options.list(AUTHOR))
    plan = plan_works(state, chosen_ids, run.options, run.settings)
    parts_of_works = estimate_works(state, plan, run.raw)
    needed = records.count_credits(state.member_ids)[0] + sum(part.at_least for part in parts_of_works)
    _warn_if_over_budget(parts, needed)
    sweeper = Sweeper(parts.client, state, may_stop_early=plan.may_stop_early, has_paid_plan=run.settings.has_paid_plan)
    author_ids = records.find_missing(state.member_ids)
    authors = records.load(author_ids)
    people: tuple[str, ...] = (*_ROSTER, *_AUTHORS) if author_ids else _ROSTER
    if not plan.batches:
        yield Batch(people, OpenAlexLoad(parts, authors))
        people = ()
    for groups in plan.batches:
        works = WorksLoad(parts.client, state, sweeper, groups)
        try:
            yield Batch((*people, *_WORKS), OpenAlexLoad(parts, authors, works))
        except HeadwaterError as error:
            if isinstance(error, StopLoadingError) or not _is_full(groups):
                raise
            state.fail(groups[0], error)
            continue
        people = ()
        if works.stopped_by:
            raise works.stopped_by
    if state.failures:
        yield Batch(_FAILURES, OpenAlexLoad(parts, failures=state))
    if not people:
        due = records.find_due(state.member_ids)
        yield Batch(
            (*_AUTHORS, *_NAMED) if due else _NAMED,
            OpenAlexLoad(parts, records.load(due), mentions=state.known.mentions),
        )
    for coauthor_ids in parts.coauthors.plan(len(state.member_ids)):
        yield Batch(_COAUTHORS, OpenAlexLoad(parts, coauthor_ids=coauthor_ids))
        if parts.coauthors.has_ended:
            break
    parts.coauthors.report()


def _is_full(groups: Sequence[Group]) -> bool:
    """Whether it is a load of a group whose works are requested in full: such a group has its own load."""
    return groups[0].is_full


def _warn_if_over_budget(parts: OpenAlexRun, needed: int) -> None:
    """Warns, before anything is requested, if the daily budget looks too small."""
    available = parts.client.available_credits
    if needed > available:
        parts.run.progress.warn(
            f"This run needs at least {needed:,} lists of OpenAlex, and today's budget is {available:,}. It stops when"
            " that is used up; completed groups of authors are kept, and the next run continues."
        )


def _describe_failures(state: WorksState) -> str:
    members = sum(len(group.author_ids) for group in state.failures)
    first = next(iter(state.failures.values()))
    return f"The works of {members:,} members could not be brought up to date; they come first next time. {first}"

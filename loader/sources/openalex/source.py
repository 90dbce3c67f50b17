"""The resources of OpenAlex and the order in which they are loaded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.extract import DltResource

from loader.fetch.allowance import DailyAllowance
from loader.fetch.pages import Page
from loader.raw.documents import document_resource, load_documents
from loader.raw.ledger import Progress
from loader.raw.record import Record
from loader.raw.warehouse import RawSchema
from loader.sources.contract import LoadOptions
from loader.sources.openalex.author_records import AuthorRecords
from loader.sources.openalex.bookkeeping import SYNC_STATUS_HINTS
from loader.sources.openalex.client import OpenAlexClient
from loader.sources.openalex.coauthor_cache import CoauthorCache
from loader.sources.openalex.members import Members, describe_members
from loader.sources.openalex.mentioned import Mentioned, read_mentioned
from loader.sources.openalex.models import Author, CoauthorYears, Institution, RosterMember, Topic, Work
from loader.sources.openalex.sync import WorksSync

# Institutions and topics are asked for when the works that name them are in raw: what is missing there
# follows from the tables alone, so that a killed run leaves nothing out. Coauthors come last: they are many.
# A run loads authors where they are missing, and after the works those whose works changed.
STAGES = (("roster", "authors", "works"), ("institutions", "topics"), ("coauthor_years",))
MODELS: dict[str, type[Record]] = {
    "roster": RosterMember,
    "authors": Author,
    "works": Work,
    "institutions": Institution,
    "topics": Topic,
    "coauthor_years": CoauthorYears,
}


@dlt.source(name="openalex", section="openalex")
def openalex_source(
    raw: RawSchema,
    progress: Progress,
    request_counts: Path,
    base_url: str = "https://api.openalex.org",
    api_key: dlt.TSecretStrValue | None = None,
    roster: str | None = None,
    institution: str | None = None,
    requests_per_second: float | None = None,
    requests_per_day: int | None = None,
    refresh_after_days: float = 0,
    sweep_credits: int = 100,
    has_paid_plan: bool = False,
    coauthor_credits: int = 1_000,
    sync: WorksSync | None = None,
    records: AuthorRecords | None = None,
    cache: CoauthorCache | None = None,
) -> Iterable[DltResource]:
    """OpenAlex's entities around a roster of researchers, as documents.

    `raw`, `progress`, `sync`, `records`, `cache` and `request_counts` (the file that counts requests where there are
    `requests_per_day`) come from the run; all else from dlt's configuration, `sources.openalex.*`.
    """
    if not api_key:
        progress.warn(
            "There is no key in sources.openalex.api_key: OpenAlex answers about 1,000 lists of 100 records a day,"
            " with a free key ten times that."
        )
    allowance = None
    if requests_per_day is not None:
        allowance = DailyAllowance(
            request_counts,
            name="openalex",
            requests_per_day=requests_per_day,
            setting="sources.openalex.requests_per_day",
        )
    client = OpenAlexClient(base_url, api_key, requests_per_second, allowance, progress.warn)

    def build(name: str, pages: Callable[[], Iterable[Page]]) -> DltResource:
        def rows() -> Iterator[Any]:
            yield from load_documents(pages(), resource=name, model=MODELS[name], raw=raw, progress=progress)

        return document_resource(name, rows)

    works_sync = sync or WorksSync(raw, LoadOptions())
    members = Members(client, raw, roster, institution, is_everything_asked_again=works_sync.is_everything_asked_again)
    works_sync.connect(
        client,
        members,
        progress.warn,
        refresh_after_days=refresh_after_days,
        sweep_credits=sweep_credits,
        has_paid_plan=has_paid_plan,
    )

    author_records = records or AuthorRecords(raw, LoadOptions())
    author_records.connect(client, members, progress)

    coauthor_cache = cache or CoauthorCache(raw, LoadOptions())
    coauthor_cache.connect(client, progress, coauthor_credits=coauthor_credits)

    def load_authors() -> Iterator[Any]:
        yield from load_documents(
            author_records.list_pages(), resource="authors", model=MODELS["authors"], raw=raw, progress=progress
        )
        yield author_records.describe()

    def load_works() -> Iterator[Any]:
        load = works_sync.begin()
        yield from load_documents(
            load.list_pages(), resource="works", model=MODELS["works"], raw=raw, progress=progress
        )
        yield from load.describe()

    @lru_cache(maxsize=1)
    def read_mentioned_once(load_id: str) -> Mentioned:
        """Both resources of a load share one reading of all works."""
        return read_mentioned(raw)

    def list_missing(table: str) -> Iterator[Page]:
        if not raw.has_table("works"):
            return iter(())
        mentioned = read_mentioned_once(str(dlt.current.load_package_state()["load_id"]))._asdict()[table]
        return _list_missing(client, raw, table, mentioned, is_all=works_sync.is_everything_asked_again)

    return [
        build("roster", lambda: _list_roster(members, author_records, raw, progress)),
        document_resource("authors", load_authors),
        document_resource("works", load_works),
        build("institutions", lambda: list_missing("institutions")),
        build("topics", lambda: list_missing("topics")),
        build("coauthor_years", coauthor_cache.list_pages),
        dlt.resource(
            lambda: iter([dlt.mark.with_hints(works_sync.describe_failures(), SYNC_STATUS_HINTS)]),
            name="sync_status",
            write_disposition={"disposition": "merge", "strategy": "delete-insert"},
        ),
    ]


def is_configured() -> bool:
    """Whether the configuration names anyone to follow."""
    for key in ("sources.openalex.roster", "sources.openalex.institution"):
        try:
            if dlt.config[key]:
                return True
        except (KeyError, ConfigFieldMissingException):
            continue
    return False


def _list_roster(members: Members, author_records: AuthorRecords, raw: RawSchema, progress: Progress) -> Iterator[Page]:
    entries = members.find()
    for note in members.notes:
        progress.warn(note)
    author_records.compare_held()
    current = set(members.find_ids())
    known = raw.query_keys("select id from {raw}.roster order by id") if raw.has_table("roster") else []
    return describe_members(entries, [key for key in known if key not in current])


def _list_missing(
    client: OpenAlexClient, raw: RawSchema, table: str, mentioned: Sequence[str], *, is_all: bool
) -> Iterator[Page]:
    """The entities that raw works mention and the table lacks; with `is_all` also those that it has."""
    loaded = set()
    if raw.has_table(table) and not is_all:
        loaded = set(raw.query_keys(f"select id from {{raw}}.{table}"))
    return client.list_by(table, "openalex", [key for key in mentioned if key not in loaded])

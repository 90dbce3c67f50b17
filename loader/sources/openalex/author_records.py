"""The roster authors' own records: asked for where raw lacks them, where works changed, and once a month.

What they tell (h-index, counts, affiliations) follows from works. Whose is due follows from raw alone, so that a killed
run leaves nobody out.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dlt

from loader.base.errors import HeadwaterError
from loader.fetch.pages import Page
from loader.fetch.records import read_id
from loader.raw.arrow import build_table
from loader.raw.ledger import Progress
from loader.raw.merge import mark_rows
from loader.raw.warehouse import RawSchema
from loader.sources.contract import LoadOptions
from loader.sources.openalex.bookkeeping import (
    AUTHOR_CHECK_HINTS,
    AUTHOR_CHECK_SCHEMA,
    AuthorCheck,
    is_recent,
    read_record_times,
    read_sync_statuses,
)
from loader.sources.openalex.client import MOST_VALUES, OpenAlexClient
from loader.sources.openalex.members import Members, choose_members, read_author

_ORCIDS = "select id, document ->> '$.orcid' from {raw}.authors"


class AuthorRecords:
    """Asks for authors' records in one run: for those of `batch`, or for all that are due where nobody sets it."""

    def __init__(self, raw: RawSchema, options: LoadOptions) -> None:
        self.batch: Sequence[str] | None = None
        self._raw = raw
        self._options = options
        self._checks: list[AuthorCheck] = []
        self._compared: set[str] = set()

    def connect(self, client: OpenAlexClient, members: Members, progress: Progress) -> None:
        """Says whom to ask and about whom; comes before everything else."""
        self._client = client
        self._members = members
        self._progress = progress

    def find_missing(self, member_ids: Sequence[str]) -> list[str]:
        """Who is asked for before the works: whose record raw lacks, and whom the user wants again."""
        held = read_record_times(self._raw).keys()
        wanted: set[str] = set()
        if self._options.authors or self._options.is_full_refresh:
            wanted.update(choose_members(member_ids, self._options.authors))
        return [author_id for author_id in member_ids if author_id not in held or author_id in wanted]

    def find_due(self, member_ids: Sequence[str]) -> list[str]:
        """Who is asked for after the works: whose works changed since the record was asked for, or that long ago."""
        asked_at = read_record_times(self._raw)
        statuses = read_sync_statuses(self._raw)

        def is_due(author_id: str) -> bool:
            at = asked_at[author_id]
            changed_at = statuses[author_id].works_changed_at if author_id in statuses else None
            return not is_recent(at) or (changed_at is not None and changed_at >= at)

        return [author_id for author_id in member_ids if author_id in asked_at and is_due(author_id)]

    def count_credits(self, member_ids: Sequence[str]) -> int:
        """What asking costs, by what raw holds; asks for nothing."""
        missing = self.find_missing(member_ids)
        due = set(self.find_due(member_ids)) - set(missing)
        return -(-len(missing) // MOST_VALUES) - (-len(due) // MOST_VALUES)

    def list_pages(self) -> Iterator[Page]:
        """The records; tells which authors OpenAlex does not know, and which ORCIDs it knows otherwise."""
        author_ids = self._list_batch()
        given = {entry.author_id: entry.orcid for entry in self._members.find()}
        unseen = set(author_ids)
        asked_at = datetime.now(UTC)
        for page in self._client.list_by("authors", "openalex", author_ids):
            for record in page.records:
                author = read_author(record)
                unseen.discard(author.id if author else read_id(record) or "")
                if author:
                    self._compare_orcids(author.id, given.get(author.id), author.orcid)
            yield page
        if unseen.issuperset(self._members.find_ids()):
            raise HeadwaterError("OpenAlex knows nobody of this roster.")
        for author_id in sorted(unseen):
            self._progress.warn(f"OpenAlex knows no author {author_id}; the roster's others are loaded.")
        self._checks = [AuthorCheck(author_id, asked_at, author_id not in unseen) for author_id in author_ids]

    def describe(self) -> Any:
        """The rows of bookkeeping, with their table; called within the load, after all pages."""
        load_id = str(dlt.current.load_package_state()["load_id"])
        rows = build_table([check.describe(load_id) for check in self._checks], AUTHOR_CHECK_SCHEMA)
        return mark_rows(rows, AUTHOR_CHECK_HINTS)

    def compare_held(self) -> None:
        """Tells the ORCIDs that raw knows otherwise than the roster, of all who are not asked for at once."""
        if not self._raw.has_table("authors"):
            return
        held = dict(self._raw.query(_ORCIDS))
        asked = set(self._list_batch())
        for entry in self._members.find():
            if entry.author_id and entry.author_id not in asked:
                self._compare_orcids(entry.author_id, entry.orcid, held.get(entry.author_id))

    def _list_batch(self) -> Sequence[str]:
        if self.batch is not None:
            return self.batch
        member_ids = self._members.find_ids()
        return list(dict.fromkeys([*self.find_missing(member_ids), *self.find_due(member_ids)]))

    def _compare_orcids(self, author_id: str, given: str | None, found: str | None) -> None:
        """Tells once in a run where both are there and differ."""
        if given and found and given != found and author_id not in self._compared:
            self._compared.add(author_id)
            self._progress.warn(f"The roster gives {author_id} the ORCID {given}; OpenAlex says {found}.")

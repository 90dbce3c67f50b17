"""The roster authors' own records: requested where raw lacks them, where works changed, and once a month.

What they hold (h-index, counts, affiliations) follows from works. Which are due follows from raw alone, so that a
killed run leaves no author out.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dlt

from loader.base.errors import HeadwaterError
from loader.fetch.pages import Page
from loader.fetch.records import read_id
from loader.raw.arrow import build_table
from loader.raw.merge import mark_rows
from loader.sources.contract import SourceRun
from loader.sources.openalex.bookkeeping import (
    AUTHOR_CHECK_HINTS,
    AUTHOR_CHECK_SCHEMA,
    AuthorCheck,
    is_recent,
    read_record_times,
    read_sync_statuses,
)
from loader.sources.openalex.client import MAX_VALUES, OpenAlexClient
from loader.sources.openalex.members import Members, choose_members, read_author
from loader.sources.openalex.options import AUTHOR
from loader.sources.openalex.settings import OpenAlexSettings

_ORCIDS = "select id, document ->> '$.orcid' from {raw}.authors"


class AuthorRecords:
    """Which authors' records are due in one run, and how their ORCIDs compare with the roster's."""

    def __init__(self, run: SourceRun[OpenAlexSettings], client: OpenAlexClient, members: Members) -> None:
        self.client = client
        self.members = members
        self.progress = run.progress
        self._raw = run.raw
        self._options = run.options
        self._compared: set[str] = set()

    def load(self, author_ids: Sequence[str]) -> "AuthorsLoad":
        """The load of these authors' records."""
        return AuthorsLoad(self, author_ids)

    def find_missing(self, member_ids: Sequence[str]) -> list[str]:
        """The authors to request before the works: those that raw lacks, and those that the user wants again."""
        held = read_record_times(self._raw).keys()
        wanted: set[str] = set()
        if self._options.list(AUTHOR) or self._options.is_full_refresh:
            wanted.update(choose_members(member_ids, self._options.list(AUTHOR)))
        return [author_id for author_id in member_ids if author_id not in held or author_id in wanted]

    def find_due(self, member_ids: Sequence[str]) -> list[str]:
        """The authors to request after the works: their works changed since, or their record is old."""
        asked_at = read_record_times(self._raw)
        statuses = read_sync_statuses(self._raw)

        def is_due(author_id: str) -> bool:
            at = asked_at[author_id]
            changed_at = statuses[author_id].works_changed_at if author_id in statuses else None
            return not is_recent(at) or (changed_at is not None and changed_at >= at)

        return [author_id for author_id in member_ids if author_id in asked_at and is_due(author_id)]

    def count_credits(self, member_ids: Sequence[str]) -> int:
        """What these requests cost, by what raw holds."""
        missing = self.find_missing(member_ids)
        due = set(self.find_due(member_ids)) - set(missing)
        return -(-len(missing) // MAX_VALUES) - (-len(due) // MAX_VALUES)

    def compare_held(self, requested_ids: Sequence[str]) -> None:
        """Warns of ORCIDs that differ between raw and roster, except for authors that are requested anyway."""
        if not self._raw.has_table("authors"):
            return
        held, requested = dict(self._raw.query(_ORCIDS)), set(requested_ids)
        for entry in self.members.find():
            if entry.author_id and entry.author_id not in requested:
                self.compare_orcids(entry.author_id, entry.orcid, held.get(entry.author_id))

    def compare_orcids(self, author_id: str, given: str | None, found: str | None) -> None:
        """Warns once in a run if both are given and differ."""
        if given and found and given != found and author_id not in self._compared:
            self._compared.add(author_id)
            self.progress.warn(f"The roster gives {author_id} the ORCID {given}; OpenAlex says {found}.")


class AuthorsLoad:
    """The records of some authors, in one load."""

    def __init__(self, records: AuthorRecords, author_ids: Sequence[str]) -> None:
        self.author_ids = author_ids
        self._records = records
        self._checks: list[AuthorCheck] = []

    def list_pages(self) -> Iterator[Page]:
        """The records. Warns of authors that OpenAlex does not know, and of ORCIDs that differ."""
        given = {entry.author_id: entry.orcid for entry in self._records.members.find()}
        unseen = set(self.author_ids)
        asked_at = datetime.now(UTC)
        for page in self._records.client.list_by("authors", "openalex", self.author_ids):
            for record in page.records:
                author = read_author(record)
                unseen.discard(author.id if author else read_id(record) or "")
                if author:
                    self._records.compare_orcids(author.id, given.get(author.id), author.orcid)
            yield page
        if unseen.issuperset(self._records.members.find_ids()):
            raise HeadwaterError("OpenAlex knows no author of this roster.")
        for author_id in sorted(unseen):
            self._records.progress.warn(f"OpenAlex knows no author {author_id}; the roster's others are loaded.")
        self._checks = [AuthorCheck(author_id, asked_at, author_id not in unseen) for author_id in self.author_ids]

    def describe(self) -> Any:
        """The rows of bookkeeping, with their table; called within the load, after all pages."""
        load_id = str(dlt.current.load_package_state()["load_id"])
        rows = build_table([check.describe(load_id) for check in self._checks], AUTHOR_CHECK_SCHEMA)
        return mark_rows(rows, AUTHOR_CHECK_HINTS)

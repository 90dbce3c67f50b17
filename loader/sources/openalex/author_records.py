"""The roster authors' own records: requested where raw lacks them, where works changed, and once a month.

What they hold (h-index, counts, affiliations) follows from works. Which are due follows from raw alone, so that a
killed run leaves no author out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dlt

from loader.base.errors import SettingsError
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
from loader.sources.openalex.members import Members, read_author
from loader.sources.openalex.options import AUTHOR
from loader.sources.openalex.presumed import list_contradictions
from loader.sources.openalex.roster import RosterEntry
from loader.sources.openalex.settings import OpenAlexSettings
from loader.sources.openalex.unknown_people import describe_unknown_people

_ORCIDS = "select id, document ->> '$.orcid' from {raw}.authors"


class AuthorRecords:
    """Which authors' records are due in one run, and how their ORCIDs compare with the roster's."""

    def __init__(self, run: SourceRun[OpenAlexSettings], client: OpenAlexClient, members: Members) -> None:
        self.client = client
        self.members = members
        self.progress = run.progress
        self.raw = run.raw
        self._options = run.options
        self._compared: set[str] = set()

    def load(self, author_ids: Sequence[str]) -> "AuthorsLoad":
        """The load of these authors' records."""
        return AuthorsLoad(self, author_ids)

    def find_missing(self, member_ids: Sequence[str]) -> list[str]:
        """The authors to request before the works: those that raw lacks, and those that the user wants again."""
        held = read_record_times(self.raw).keys()
        wanted: set[str] = set()
        if self._options.list(AUTHOR) or self._options.is_full_refresh:
            wanted.update(self.members.choose(member_ids, self._options.list(AUTHOR)))
        return [author_id for author_id in member_ids if author_id not in held or author_id in wanted]

    def list_held(self) -> set[str]:
        """The members whose record raw holds and OpenAlex had when it was last requested."""
        return set(read_record_times(self.raw))

    def find_due(self, member_ids: Sequence[str]) -> list[str]:
        """The authors to request after the works: their works changed since, or their record is old."""
        asked_at = read_record_times(self.raw)
        statuses = read_sync_statuses(self.raw)

        def is_due(author_id: str) -> bool:
            at = asked_at[author_id]
            changed_at = statuses[author_id].works_changed_at if author_id in statuses else None
            return not is_recent(at) or (changed_at is not None and changed_at >= at)

        return [author_id for author_id in member_ids if author_id in asked_at and is_due(author_id)]

    def count_credits(self, member_ids: Sequence[str], unknown_count: int = 0) -> tuple[int, int]:
        """The least and the most that these requests cost, by what raw holds.

        `unknown_count` more members may be found. All whose works a run changes are requested after their works.
        """
        missing = self.find_missing(member_ids)
        held = set(member_ids) - set(missing)
        due = set(self.find_due(member_ids)) - set(missing)
        return (
            count_lists(len(missing)) + count_lists(len(due)),
            count_lists(len(missing) + unknown_count) + count_lists(len(held)),
        )

    def compare_held(self, entries: Sequence[RosterEntry], requested_ids: Sequence[str] = ()) -> None:
        """Warns of ORCIDs that differ between raw and roster, except for authors that are requested anyway."""
        if not self.raw.has_table("authors"):
            return
        held, requested = dict(self.raw.query(_ORCIDS)), set(requested_ids)
        for entry in entries:
            if entry.author_id and entry.author_id not in requested:
                self.compare_orcids(entry.author_id, entry.orcid, held.get(entry.author_id))

    def compare_presumed(self, entries: list[RosterEntry]) -> None:
        """Warns of what raw shows to be wrong with the roster's identifiers."""
        self.compare_held(entries)
        for author_id, orcid, holder in list_contradictions(self.raw, entries):
            if author_id not in self._compared:
                self._compared.add(author_id)
                self.progress.warn(f"The roster gives {author_id} the ORCID {orcid}; OpenAlex gives it to {holder}.")
        for twice, count in Counter(entry.author_id for entry in entries).items():
            if count > 1:
                self.progress.warn(f"{twice} is on the roster twice, once by ORCID; the first line counts.")

    def compare_orcids(self, author_id: str, given: str | None, found: str | None) -> None:
        """Warns once in a run if both are given and differ."""
        if given and found and given != found and author_id not in self._compared:
            self._compared.add(author_id)
            self.progress.warn(f"The roster gives {author_id} the ORCID {given}; OpenAlex says {found}.")


def count_lists(values: int) -> int:
    """How many requests ask for so many values."""
    return -(-values // MAX_VALUES)


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
            raise SettingsError("OpenAlex knows no author of this roster.")
        for author_id in sorted(unseen):
            self._records.progress.warn(f"OpenAlex knows no author {author_id}; the roster's others are loaded.")
        held = self._records.list_held()
        yield Page([], len(self.author_ids), left_count=len(held & unseen))
        self._checks = [AuthorCheck(author_id, asked_at, author_id not in unseen) for author_id in self.author_ids]

    def describe(self) -> Iterator[Any]:
        """The rows of bookkeeping, with their tables; called within the load, after all pages."""
        load_id = str(dlt.current.load_package_state()["load_id"])
        rows = build_table([check.describe(load_id) for check in self._checks], AUTHOR_CHECK_SCHEMA)
        yield mark_rows(rows, AUTHOR_CHECK_HINTS)
        entries = {entry.author_id: entry for entry in self._records.members.find()}
        unknown = {check.author_id: entries.get(check.author_id) for check in self._checks if not check.is_found}
        found = [check.author_id for check in self._checks if check.is_found]
        yield describe_unknown_people(self._records.raw, unknown, found)

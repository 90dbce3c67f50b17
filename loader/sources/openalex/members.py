"""From what the user names, a file or an institution, to the authors that OpenAlex knows."""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, replace
from pathlib import Path

import msgspec

from loader.base.errors import HeadwaterError, SettingsError
from loader.base.settings import ROOT
from loader.fetch.pages import Page
from loader.fetch.records import read_id
from loader.raw.warehouse import RawSchema
from loader.sources.openalex.bookkeeping import is_recent, read_record_times
from loader.sources.openalex.client import OpenAlexClient
from loader.sources.openalex.presumed import (
    PresumedMembers,
    find_people_of,
    read_held_orcids,
    read_roster_orcids,
)
from loader.sources.openalex.roster import (
    RosterEntry,
    exclude_each_other,
    is_orcid,
    join_entries,
    normalise_author_id,
    normalise_orcid,
    read_roster_file,
)
from loader.sources.openalex.settings import OpenAlexSettings

EXAMPLE_ROSTER = Path(__file__).with_name("example_roster.csv")
_INSTITUTION_ID = re.compile(r"(?:https?://openalex\.org/)?(I\d+)", re.IGNORECASE)
_ROR = re.compile(r"(?:https?://ror\.org/)?(0[a-z0-9]{6}\d{2})", re.IGNORECASE)


class FoundAuthor(msgspec.Struct):
    """What identifies an author; `id` and `orcid` are full addresses."""

    id: str
    orcid: str | None = None
    display_name: str | None = None
    works_count: int = 0


def read_author(record: bytes) -> FoundAuthor | None:
    """Reads it from an author's record; None where that cannot be read."""
    try:
        author = msgspec.json.decode(record, type=FoundAuthor)
        return msgspec.structs.replace(author, id=normalise_author_id(author.id), orcid=_read_orcid(author.orcid))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _read_orcid(text: str | None) -> str | None:
    """None for an invalid ORCID: it cannot identify a person."""
    try:
        return normalise_orcid(text or "")
    except ValueError:
        return None


class Members:
    """The roster's authors, found once per run. `notes` is what the user should know about them.

    `identifiers` are those of the roster's lines, `unknown` the lines whose ORCID OpenAlex does not know.

    OpenAlex is asked for the ORCIDs that raw has no recent answer for; with `is_full_refresh`, for all. Raises
    HeadwaterError if neither or both of `roster` and `institution` are given, or if nobody is found.
    """

    def __init__(
        self,
        client: OpenAlexClient,
        raw: RawSchema,
        roster: str | None,
        institution: str | None,
        *,
        is_full_refresh: bool,
    ) -> None:
        if institution and roster and _resolve(roster) == EXAMPLE_ROSTER:
            roster = None  # an institution given beside the configuration that ships
        if bool(roster) == bool(institution):
            raise SettingsError(
                "Set either sources.openalex.roster (a CSV file) or sources.openalex.institution (an OpenAlex or ROR"
                f" id), not both: {'both are' if roster else 'neither is'} set."
            )
        self._client = client
        self._raw = raw
        self._is_full_refresh = is_full_refresh
        self._roster = roster
        self._institution = institution
        self._entries: list[RosterEntry] | None = None
        self.notes: list[str] = []
        self.unknown: dict[str, RosterEntry] = {}
        self.identifiers: set[str] = set()
        self._by_orcid: dict[str, str] = {}
        # The ORCIDs of members whom a dry run does not know, and whether there may be members whom no file names.
        self._unresolved: set[str] = set()
        self._is_open = False

    def find(self) -> list[RosterEntry]:
        """The members, each with its author id, sorted by it."""
        if self._entries is None:
            found = self._read_file() if self._roster else self._ask_institution()
            if not found:
                raise SettingsError("OpenAlex knows no author of this roster.")
            self._entries = sorted(found, key=lambda entry: entry.author_id or "")
            self._note_orcids(self._entries)
        return self._entries

    def find_ids(self) -> list[str]:
        """The members' author ids."""
        return [entry.author_id for entry in self.find() if entry.author_id]

    def presume(self) -> PresumedMembers:
        """The members by what the file and raw say, without a request."""
        if not self._roster:
            self._is_open = True
            ids = find_people_of(self._raw, *self._read_institution())
            return PresumedMembers([RosterEntry(author_id=each, orcid=None) for each in ids], 0, 0, is_complete=False)
        entries = self._read_roster()
        held = read_held_orcids(self._raw)
        lookups = len(self._list_unresolved(entries, self._read_orcids()))
        self._unresolved = set(self._list_unresolved(entries, held))
        known = [
            entry if entry.author_id else replace(entry, author_id=held[entry.orcid or ""])
            for entry in entries
            if entry.author_id or entry.orcid in held
        ]
        self._note_orcids(known)
        return PresumedMembers(known, lookups, len(self._unresolved), is_complete=True)

    def choose(self, member_ids: Sequence[str], wanted: Sequence[str]) -> list[str]:
        """The author ids that `--author` names by an id or an ORCID, or all if none is named.

        Raises HeadwaterError for anyone else. A dry run leaves out who may be on the roster but was never looked up.
        """
        if not wanted:
            return list(member_ids)
        chosen: set[str] = set()
        for identifier in wanted:
            author_id = self._by_orcid.get(identifier, identifier)
            if author_id in member_ids:
                chosen.add(author_id)
            elif identifier in self.unknown:
                raise HeadwaterError(f"--author: OpenAlex knows no author with {identifier}.")
            elif not self._may_find(identifier):
                raise HeadwaterError(f"--author: {identifier} is not on the roster.")
        return sorted(chosen)

    def count_unknown(self, wanted: Sequence[str]) -> int:
        """How many of those that a run loads a dry run does not know: of those that `--author` names, if any is."""
        if not wanted:
            return len(self._unresolved)
        known = set(self._by_orcid)
        return sum(each not in known and self._may_find(each) for each in set(wanted))

    def _may_find(self, identifier: str) -> bool:
        """Whether a run may find that it belongs to a member whom a dry run does not know."""
        return self._is_open or identifier in self._unresolved or (bool(self._unresolved) and not is_orcid(identifier))

    def _note_orcids(self, entries: Sequence[RosterEntry]) -> None:
        self._by_orcid = {entry.orcid: entry.author_id for entry in entries if entry.orcid and entry.author_id}

    def _read_file(self) -> list[RosterEntry]:
        entries = self._read_roster()
        orcids = [entry.orcid for entry in entries if entry.orcid and not entry.author_id]
        known = self._read_orcids()
        by_orcid = known | self._resolve_orcids(self._list_unresolved(entries, known))
        self.identifiers = {text for entry in entries for text in (entry.author_id or entry.orcid,) if text}
        self.unknown = {
            entry.orcid: entry
            for entry in entries
            if entry.orcid and not entry.author_id and entry.orcid not in by_orcid
        }
        self.notes += [
            f"OpenAlex knows no author with {orcid}; the roster's others are loaded."
            for orcid in orcids
            if orcid not in by_orcid
        ]
        resolved = [
            entry if entry.author_id else replace(entry, author_id=by_orcid[entry.orcid or ""])
            for entry in entries
            if entry.author_id or entry.orcid in by_orcid
        ]
        people: dict[str, RosterEntry] = {}
        for entry in resolved:
            same = people.setdefault(entry.author_id or "", entry)
            if same is entry:
                continue
            if exclude_each_other(same, entry):
                self.notes.append(f"{entry.author_id} is on the roster twice, once by ORCID; the first line counts.")
            else:
                people[entry.author_id or ""] = join_entries([same, entry])
        return list(people.values())

    def _read_roster(self) -> list[RosterEntry]:
        try:
            roster = read_roster_file(_resolve(self._roster or ""))
        except HeadwaterError as error:
            raise SettingsError(str(error)) from error
        self.notes += roster.notes
        return roster.entries

    def _read_orcids(self) -> dict[str, str]:
        """The author of each ORCID as an earlier run found it, unless that is too long ago."""
        recent = {author_id for author_id, at in read_record_times(self._raw).items() if is_recent(at)}
        if not recent or self._is_full_refresh:
            return {}
        return {orcid: author_id for orcid, author_id in read_roster_orcids(self._raw) if author_id in recent}

    def _list_unresolved(self, entries: Sequence[RosterEntry], by_orcid: Mapping[str, str]) -> list[str]:
        return [entry.orcid for entry in entries if entry.orcid and not entry.author_id and entry.orcid not in by_orcid]

    def _resolve_orcids(self, orcids: Sequence[str]) -> dict[str, str]:
        """The author of each ORCID; of several the one with the most works, then the smallest id."""
        found: dict[str, list[FoundAuthor]] = {}
        for author in self._list_authors("orcid", orcids):
            found.setdefault(author.orcid or "", []).append(author)
        return {
            orcid: min(authors, key=lambda author: (-author.works_count, author.id)).id
            for orcid, authors in found.items()
        }

    def _ask_institution(self) -> list[RosterEntry]:
        filter_name, value = self._read_institution()
        return [
            RosterEntry(author_id=author.id, orcid=author.orcid, display_name=author.display_name)
            for author in self._list_authors(filter_name, [value])
        ]

    def _read_institution(self) -> tuple[str, str]:
        """The filter for its people, and the id that it takes."""
        try:
            return read_institution(self._institution or "")
        except ValueError as error:
            raise SettingsError(f"sources.openalex.institution is {self._institution!r}; {error}.") from None

    def _list_authors(self, filter_name: str, values: Sequence[str]) -> Iterator[FoundAuthor]:
        for page in self._client.list_by("authors", filter_name, values):
            for record in page.records:
                if author := read_author(record):
                    yield author
                else:
                    self.notes.append(f"OpenAlex's record of {read_id(record) or 'an author'} cannot be read.")


def read_institution(text: str) -> tuple[str, str]:
    """The filter of authors that an institution's id means, and its value. Raises ValueError for another text."""
    if match := _INSTITUTION_ID.fullmatch(text.strip()):
        return "last_known_institutions.id", match.group(1).upper()
    if match := _ROR.fullmatch(text.strip()):
        return "last_known_institutions.ror", f"https://ror.org/{match.group(1).lower()}"
    raise ValueError("it must be an OpenAlex id (I136199984) or a ROR id (https://ror.org/03vek6s52)")


def list_files(settings: OpenAlexSettings) -> list[Path]:
    """The roster's file, if there is one."""
    return [_resolve(settings.roster)] if settings.roster else []


def _resolve(roster: str) -> Path:
    """Relative paths start at the repository's root, wherever the command runs."""
    return ROOT / roster


def describe_members(
    entries: Sequence[RosterEntry], former_ids: Sequence[str], members_before: Set[str]
) -> Iterator[Page]:
    """The roster as records: the members, and former members. Some of these were `members_before` until now."""
    current = [{**asdict(entry), "is_member": True} for entry in entries]
    former = [{"author_id": author_id, "is_member": False} for author_id in former_ids]
    yield Page(
        [msgspec.json.encode(record) for record in [*current, *former]],
        len(current) + len(former),
        left_count=len(members_before & set(former_ids)),
    )

"""The list of researchers to follow: read from a CSV file, checked whole before any request."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from loader.base.errors import HeadwaterError
from loader.sources.openalex.memberships import Membership, read_membership
from loader.sources.openalex.roster_file import read_lines

T = TypeVar("T")
_AUTHOR_ID = re.compile(r"(?:https?://(?:api\.)?openalex\.org/(?:authors/|people/)?)?(A\d{4,})", re.IGNORECASE)
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX])", re.IGNORECASE)
_YES = frozenset({"1", "true", "yes", "y", "t"})
_NO = frozenset({"0", "false", "no", "n", "f"})
_FIRST_YEAR = 1500
_LARGEST_GROUP = 100_000
_MAX_COMPLAINTS = 100
# What lines of one person must not say differently: an id is another person's by mistake, or a line is out of date.
_OF_ONE_PERSON = {
    "author_id": "openalex_id",
    "orcid": "orcid",
    "display_name": "display_name",
    "first_publication_year": "first_publication_year",
    "has_research_group": "has_research_group",
    "group_size": "group_size",
    "is_professor": "is_professor",
}


@dataclass(frozen=True)
class RosterEntry:
    """A person of the roster. `author_id` and `orcid` are full addresses; at least one of them is given.

    There is one membership for each line that the file has of the person, in the file's order.
    """

    author_id: str | None
    orcid: str | None
    display_name: str | None = None
    memberships: tuple[Membership, ...] = (Membership(),)
    first_publication_year: int | None = None
    group_url: str | None = None
    has_research_group: bool | None = None
    group_size: int | None = None
    is_professor: bool | None = None


@dataclass(frozen=True)
class Roster:
    """The people of a file, and its headings that mean no column."""

    entries: list[RosterEntry]
    ignored: Sequence[str]

    @property
    def notes(self) -> list[str]:
        """What the user should know and what stops nothing."""
        if not self.ignored:
            return []
        *others, last = self.ignored
        if not others:
            return [f"The roster's column {last} is ignored."]
        return [f"The roster's columns {', '.join(others)} and {last} are ignored."]


def read_roster(path: Path) -> list[RosterEntry]:
    """The people of a roster, by the rules of `read_roster_file`."""
    return read_roster_file(path).entries


def read_roster_file(path: Path) -> Roster:
    """Reads a roster: a CSV file with a header, and an `openalex_id` or an `orcid` in every line.

    Commas, semicolons and tabs separate; columns that no field is made of are ignored. Lines with the same identifier
    are one person with several memberships. Raises HeadwaterError that names the file and all that is wrong in it.
    """
    read = read_lines(path)
    complaints = [*read.complaints]
    lines: list[tuple[int, RosterEntry]] = []
    for line, row in read.lines:
        try:
            lines.append((line, _read_entry(row)))
        except _LineError as error:
            complaints += [(line, text) for text in error.complaints]
    people = _group_lines(lines)
    complaints += [complaint for person in people for complaint in _list_complaints(person)]
    if complaints:
        raise HeadwaterError(f"The roster {path} cannot be used: {_join_complaints(complaints)}.")
    if not people:
        raise HeadwaterError(f"The roster {path} contains only a header.")
    return Roster([join_entries([entry for _, entry in person]) for person in people], read.ignored)


def _join_complaints(complaints: Sequence[tuple[int, str]]) -> str:
    """All complaints in one line, in the order of the file; lines with the same one are named together."""
    lines: dict[str, list[int]] = {}
    for line, text in sorted(complaints):
        lines.setdefault(text, []).append(line)
    texts = [f"{_name_lines(each)}{text}" for text, each in lines.items()]
    more = len(texts) - _MAX_COMPLAINTS
    return "; ".join(texts[:_MAX_COMPLAINTS]).replace(".;", ";").removesuffix(".") + (
        f"; and {more} more" if more > 0 else ""
    )


def _name_lines(lines: Sequence[int]) -> str:
    if lines == [0]:
        return ""
    numbers = [str(line) for line in lines]
    return f"line {numbers[0]}: " if len(numbers) == 1 else f"lines {', '.join(numbers)}: "


def join_entries(entries: Sequence[RosterEntry]) -> RosterEntry:
    """Entries of one person as one, with the memberships of all; else the first that has a value gives it."""
    joined = entries[0]
    for entry in entries[1:]:
        values = {name: value for name, value in vars(entry).items() if getattr(joined, name) is None}
        joined = replace(joined, **values | {"memberships": joined.memberships + entry.memberships})
    return joined


def exclude_each_other(one: RosterEntry, other: RosterEntry) -> bool:
    """Whether entries of one person contradict each other, or overlap."""
    return bool(_list_contradictions(one, other)) or _overlap(one, other)


def _group_lines(lines: Sequence[tuple[int, RosterEntry]]) -> list[list[tuple[int, RosterEntry]]]:
    """The lines of each person: those that an author id or an ORCID connects, also by way of a third line."""
    people: list[list[tuple[int, RosterEntry]]] = []
    by_identifier: dict[str, list[tuple[int, RosterEntry]]] = {}
    for line in lines:
        identifiers = [each for each in (line[1].author_id, line[1].orcid) if each]
        person = next((by_identifier[each] for each in identifiers if each in by_identifier), None)
        if person is None:
            person = []
            people.append(person)
        person.append(line)
        for identifier in identifiers:
            same = by_identifier.setdefault(identifier, person)
            if same is not person:
                person += same
                people = [each for each in people if each is not same]
                by_identifier |= {key: person for key, each in by_identifier.items() if each is same}
    return [sorted(person, key=lambda line: line[0]) for person in people]


def _list_complaints(person: Sequence[tuple[int, RosterEntry]]) -> Iterator[tuple[int, str]]:
    """Each line of a person that an earlier one excludes, with the first of these."""
    for place, (line, entry) in enumerate(person):
        for earlier_line, earlier in person[:place]:
            if differences := _list_contradictions(earlier, entry):
                yield line, f"{differences[0]} on line {earlier_line}, for the same person"
                break
            if _overlap(earlier, entry):
                person_id = entry.author_id or entry.orcid
                yield (
                    line,
                    f"{person_id} is already on line {earlier_line}, in the same department and at the same time"
                    " (delete one, or set member_from and member_until apart)",
                )
                break


def _list_contradictions(one: RosterEntry, other: RosterEntry) -> list[str]:
    found = []
    for name, column in _OF_ONE_PERSON.items():
        former, value = getattr(one, name), getattr(other, name)
        if former is not None and value is not None and _fold(former) != _fold(value):
            found.append(f"{column} is {value}, but {former}")
    return found


def _fold(value: str | int) -> str:
    """A text in which case and spaces do not count."""
    return " ".join(str(value).casefold().split())


def _overlap(one: RosterEntry, other: RosterEntry) -> bool:
    return any(each.overlaps(membership) for each in one.memberships for membership in other.memberships)


def normalise_author_id(text: str) -> str:
    """The full address of `a5012345678` or `https://openalex.org/A5012345678`. Raises ValueError for anything else."""
    if match := _AUTHOR_ID.fullmatch(text.strip()):
        return f"https://openalex.org/{match.group(1).upper()}"
    raise ValueError(f"{text!r} is not an OpenAlex author id (such as A5023888391)")


def normalise_orcid(text: str) -> str:
    """An ORCID in any of its spellings as `https://orcid.org/0000-0000-0000-0000`. Raises ValueError for anything else.

    The last character is a checksum (ISO 7064 mod 11-2), so that a typing error is noticed.
    """
    match = _ORCID.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is not an ORCID (such as 0000-0002-1825-0097)")
    digits = match.group(1).replace("-", "").upper()
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    if digits[-1] != ("X" if check == 10 else str(check)):
        raise ValueError(f"{text!r} is not an ORCID: its last character does not fit the others")
    return "https://orcid.org/" + "-".join(digits[start : start + 4] for start in range(0, 16, 4))


class _LineError(Exception):
    """A line that cannot be read; `complaints` has all that is wrong with it."""

    def __init__(self, complaints: Sequence[str]) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = complaints


def _read_entry(row: Mapping[str, str]) -> RosterEntry:
    """One line. Raises _LineError."""
    complaints: list[str] = []

    def read(reader: Callable[[str], T], column: str) -> T | None:
        text = row.get(column)
        try:
            return reader(text) if text else None
        except ValueError as error:
            complaints.append(str(error))
            return None

    if row.keys() & {"openalex_id", "orcid"} and not row.get("openalex_id") and not row.get("orcid"):
        complaints.append("neither openalex_id nor orcid is filled in")
    membership = Membership()
    try:
        membership = read_membership(row)
    except ValueError as error:
        complaints.append(str(error))
    entry = RosterEntry(
        author_id=read(normalise_author_id, "openalex_id"),
        orcid=read(normalise_orcid, "orcid"),
        display_name=row.get("display_name") or None,
        memberships=(membership,),
        first_publication_year=read(_read_year, "first_publication_year"),
        group_url=row.get("group_url") or None,
        has_research_group=read(partial(_read_answer, "has_research_group"), "has_research_group"),
        group_size=read(_read_size, "group_size"),
        is_professor=read(partial(_read_answer, "is_professor"), "is_professor"),
    )
    if complaints:
        raise _LineError(complaints)
    return entry


def is_orcid(identifier: str) -> bool:
    """Whether a normalised identifier is an ORCID and not an author id."""
    return bool(_ORCID.fullmatch(identifier))


def _read_year(text: str) -> int:
    try:
        year = int(text)
    except ValueError:
        raise ValueError(f"first_publication_year {text!r} is not a year") from None
    if not _FIRST_YEAR <= year <= datetime.now(UTC).year + 1:
        raise ValueError(f"first_publication_year {year} is not a year of a living researcher's work")
    return year


def _read_size(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= _LARGEST_GROUP:
        return int(text)
    raise ValueError(f"group_size {text!r} is not a number of people")


def _read_answer(column: str, text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"{column} {text!r} is neither true nor false")

"""The list of researchers to follow: read from a CSV file, checked whole before any request."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loader.base.errors import HeadwaterError
from loader.sources.openalex.memberships import Membership, read_membership

_AUTHOR_ID = re.compile(r"(?:https?://(?:api\.)?openalex\.org/(?:authors/|people/)?)?(A\d{4,})", re.IGNORECASE)
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-?\d{4}-?\d{4}-?\d{3}[\dX])", re.IGNORECASE)
_YES = frozenset({"1", "true", "yes", "y", "t"})
_NO = frozenset({"0", "false", "no", "n", "f"})
_FIRST_YEAR = 1500
_MAX_COMPLAINTS = 3
_SURPLUS = "beyond the header"
# What lines of one person must not say differently: their ids belong to one of two people by mistake.
_OF_ONE_PERSON = {
    "author_id": "openalex_id",
    "orcid": "orcid",
    "display_name": "display_name",
    "first_publication_year": "first_publication_year",
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


def read_roster(path: Path) -> list[RosterEntry]:
    """Reads a roster: a CSV file with a header, and an `openalex_id` or an `orcid` in every line.

    Commas, semicolons and tabs separate; columns that no field is made of are ignored. Lines with the same identifier
    are one person with several memberships. Raises HeadwaterError that names the file and the lines at fault.
    """
    rows = _read_rows(path)
    lines: list[tuple[int, RosterEntry]] = []
    complaints: list[tuple[int, str]] = []
    for line, row in rows:
        try:
            lines.append((line, _read_entry(row)))
        except ValueError as error:
            complaints.append((line, str(error)))
    people = _group_lines(lines)
    complaints += [complaint for person in people for complaint in _list_complaints(person)]
    if complaints:
        more = len(complaints) - _MAX_COMPLAINTS
        texts = [f"line {line}: {text}" for line, text in sorted(complaints)[:_MAX_COMPLAINTS]]
        listed = "; ".join(texts) + (f"; and {more} more" if more > 0 else "")
        raise HeadwaterError(f"The roster {path} cannot be used: {listed}.")
    if not people:
        raise HeadwaterError(f"The roster {path} contains only a header.")
    return [join_entries([entry for _, entry in person]) for person in people]


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


def _read_rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The lines that are not empty, each with its number in the file."""
    if not path.exists():
        raise HeadwaterError(f"The roster {path} does not exist. Name a CSV file in sources.openalex.roster.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise HeadwaterError(
            f"The roster {path} cannot be read ({type(error).__name__}). Save it as CSV in UTF-8."
        ) from error
    if not text.strip():
        raise HeadwaterError(f"The roster {path} is empty.")
    header = text.lstrip().splitlines()[0]
    separator = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator, restval="", strict=True)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or []]
    if not {"openalex_id", "orcid"} & set(reader.fieldnames):
        found = ", ".join(reader.fieldnames)
        raise HeadwaterError(f"The roster {path} has neither a column openalex_id nor orcid (it has: {found}).")
    try:
        rows = [(reader.line_num, {key: value.strip() for key, value in row.items()}) for row in _join_surplus(reader)]
    except csv.Error as error:
        raise HeadwaterError(
            f"The roster {path} cannot be used: from line {reader.line_num + 1} on a quotation mark is not closed"
            f" or is in the wrong place ({error})."
        ) from error
    return [(line, row) for line, row in rows if any(row.values())]


def _join_surplus(reader: "csv.DictReader[str]") -> Iterator[dict[str, str]]:
    """The rows, with the cells beyond the header's last as one text under _SURPLUS."""
    for row in reader:
        surplus = row.pop(None, [])
        yield {**row, _SURPLUS: "".join(surplus)}


def _read_entry(row: dict[str, str]) -> RosterEntry:
    if row[_SURPLUS]:
        raise ValueError("it has more cells than the header")
    author_id, orcid = row.get("openalex_id"), row.get("orcid")
    if not author_id and not orcid:
        raise ValueError("neither openalex_id nor orcid is filled in")
    return RosterEntry(
        author_id=normalise_author_id(author_id) if author_id else None,
        orcid=normalise_orcid(orcid) if orcid else None,
        display_name=row.get("display_name") or None,
        memberships=(read_membership(row),),
        first_publication_year=_read_year(row.get("first_publication_year")),
        group_url=row.get("group_url") or None,
        has_research_group=_read_answer(row.get("has_research_group")),
    )


def _read_year(text: str | None) -> int | None:
    if not text:
        return None
    try:
        year = int(text)
    except ValueError:
        raise ValueError(f"first_publication_year {text!r} is not a year") from None
    if not _FIRST_YEAR <= year <= datetime.now(UTC).year + 1:
        raise ValueError(f"first_publication_year {year} is not a year of a living researcher's work")
    return year


def _read_answer(text: str | None) -> bool | None:
    if not text:
        return None
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise ValueError(f"has_research_group {text!r} is neither true nor false")

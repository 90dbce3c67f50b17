"""A roster's file: its encoding, its header in the spellings that offices use, and its lines."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loader.base.errors import HeadwaterError

# How each column may be headed; case, spaces and punctuation do not count. A heading that may mean something else
# (`Title`, `Last name`, `Email`) is not among them.
_HEADINGS = {
    "openalex_id": ("openalex", "openalex author", "openalex author id", "openalex url"),
    "orcid": ("orcid id", "orcid url"),
    "display_name": ("name", "full name"),
    "department": ("dept",),
    "college": (),
    "position": (),
    "first_publication_year": ("year of first publication",),
    "group_url": (),
    "has_research_group": (),
    "group_size": (),
    "is_professor": (),
    "member_from": ("member since",),
    "member_until": (),
}
_IDENTIFIERS = ("openalex_id", "orcid")
_SAVE = 'In Excel, save it as "CSV UTF-8 (comma delimited)".'
_WORKBOOK = b"PK\x03\x04"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
HEADER_LINE = 1


@dataclass(frozen=True)
class RosterLines:
    """What a file says: the lines that are not empty, each with its number and its cells by column.

    `ignored` are headings that mean no column. `complaints` are wrong lines and why; 0 is the file as a whole.
    """

    lines: Sequence[tuple[int, Mapping[str, str]]]
    ignored: Sequence[str]
    complaints: Sequence[tuple[int, str]]


def read_lines(path: Path) -> RosterLines:
    """Reads as much as can be read. Raises HeadwaterError where that is nothing."""
    text, complaints = _read_text(path)
    if not text.strip():
        raise HeadwaterError(f"The roster {path} is empty.")
    separator = max(",;\t", key=text.lstrip().splitlines()[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        for row in reader:  # what comes before an error counts
            rows.append((reader.line_num, [cell.strip() for cell in row]))
    except csv.Error as error:
        wrong = f"from here on a quotation mark is not closed or is in the wrong place ({error})"
        complaints.append((rows[-1][0] + 1 if rows else HEADER_LINE, wrong))
    filled = [(line, cells) for line, cells in rows if any(cells)]
    if not filled:
        return RosterLines([], [], complaints)
    (header_line, header), *body = filled
    columns = [_find_column(heading) for heading in header]
    complaints += [(header_line, text) for text in _list_header_complaints(header, columns)]
    complaints += [(line, "it has more cells than the header") for line, cells in body if any(cells[len(header) :])]
    ignored = [
        heading or f"{place + 1} (without a heading)"
        for place, (heading, column) in enumerate(zip(header, columns, strict=True))
        if column is None and (heading or any(any(cells[place : place + 1]) for _, cells in body))
    ]
    lines = [
        # Of two cells of one column one that is filled, so that it is checked.
        (line, {column: cell for column, cell in sorted(zip(columns, cells, strict=False), key=_is_filled) if column})
        for line, cells in body
    ]
    return RosterLines(lines, ignored, complaints)


def _read_text(path: Path) -> tuple[str, list[tuple[int, str]]]:
    """The file's text, by the likely encoding where it is not UTF-8, and a complaint then."""
    if not path.exists():
        raise HeadwaterError(f"The roster {path} does not exist. Name a CSV file in sources.openalex.roster.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HeadwaterError(f"The roster {path} cannot be read ({type(error).__name__}).") from error
    if content.startswith(_WORKBOOK):
        raise HeadwaterError(f"The roster {path} is an Excel workbook and no CSV file. {_SAVE}")
    if content.startswith(_UTF_16):
        return content.decode("utf-16", errors="replace"), [(0, f"it is UTF-16 and not UTF-8. {_SAVE}")]
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        wrong = f"it is not UTF-8 (first on line {line}) but probably Windows-1252. {_SAVE}"
        return content.decode("cp1252", errors="replace"), [(0, wrong)]


def _fold(heading: str) -> str:
    return re.sub(r"[\W_]", "", heading.casefold())


_COLUMNS = {_fold(spelling): column for column, spellings in _HEADINGS.items() for spelling in (column, *spellings)}


def _is_filled(cell: tuple[str | None, str]) -> bool:
    return bool(cell[1])


def _find_column(heading: str) -> str | None:
    return _COLUMNS.get(_fold(heading))


def _list_header_complaints(header: Sequence[str], columns: Sequence[str | None]) -> Iterator[str]:
    for column, count in Counter(columns).items():
        if column and count > 1:
            same = [heading for heading, each in zip(header, columns, strict=True) if each == column]
            yield f"the columns {' and '.join(same)} both mean {column} (delete one)"
    if not set(_IDENTIFIERS) & set(columns):
        yield f"there is neither a column openalex_id nor orcid (there is: {', '.join(filter(None, header))})"

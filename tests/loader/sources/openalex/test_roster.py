"""A roster is read whole and right, or refused with the lines at fault."""

from datetime import date
from pathlib import Path

import pytest

from loader.base.errors import HeadwaterError
from loader.sources.openalex.members import EXAMPLE_ROSTER
from loader.sources.openalex.memberships import Membership
from loader.sources.openalex.roster import (
    RosterEntry,
    normalise_author_id,
    normalise_orcid,
    read_roster,
    read_roster_file,
)


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "roster.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_all_columns_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "openalex_id,orcid,display_name,department,college,position,first_publication_year,group_url,"
        "has_research_group,group_size,is_professor,member_from,member_until,note\n"
        "A5012345678,0000-0002-1825-0097,Josiah Carberry,Ceramics,Arts,Professor,1999,https://x.example,yes,12,TRUE,"
        "2001-10-01,2024-03-31,ignored\n",
    )
    assert read_roster(path) == [
        RosterEntry(
            author_id="https://openalex.org/A5012345678",
            orcid="https://orcid.org/0000-0002-1825-0097",
            display_name="Josiah Carberry",
            memberships=(Membership("Ceramics", "Arts", "Professor", date(2001, 10, 1), date(2024, 3, 31)),),
            first_publication_year=1999,
            group_url="https://x.example",
            has_research_group=True,
            group_size=12,
            is_professor=True,
        )
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    text = f" OpenAlex_ID {separator}Department\r\nA5012345678{separator}Öl\r\n{separator}\r\n"
    (entry,) = read_roster(write(tmp_path, text, encoding))
    assert (entry.author_id, entry.memberships) == ("https://openalex.org/A5012345678", (Membership("Öl"),))


@pytest.mark.parametrize(
    ("member_from", "member_until", "first", "last"),
    [
        ("2023", "2024", date(2023, 1, 1), date(2024, 12, 31)),
        ("2023-02", "2024-02", date(2023, 2, 1), date(2024, 2, 29)),
        ("2024-02-29", "2024-02-29", date(2024, 2, 29), date(2024, 2, 29)),
        ("", "9999-12-31", None, date(9999, 12, 31)),
        ("2024", "", date(2024, 1, 1), None),
    ],
)
def test_a_period_has_its_first_and_last_day(
    tmp_path: Path, member_from: str, member_until: str, first: date | None, last: date | None
) -> None:
    text = f"openalex_id,member_from,member_until\nA5012345678,{member_from},{member_until}\n"
    (entry,) = read_roster(write(tmp_path, text))
    assert entry.memberships == (Membership(member_from=first, member_until=last),)


def test_a_person_may_have_a_line_for_each_department_and_period(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "openalex_id,orcid,display_name,department,member_from,member_until,first_publication_year\n"
        "A5012345678,,Josiah  Carberry,Ceramics,,2019-09,\n"
        "A5000000001,,Another,Ceramics,,,\n"
        "A5012345678,0000-0002-1825-0097,,Glass,2019-10,,1999\n"
        ",0000-0002-1825-0097,josiah carberry,Ceramics,2022,,1999\n",
    )
    first, second = read_roster(path)
    assert first == RosterEntry(
        author_id="https://openalex.org/A5012345678",
        orcid="https://orcid.org/0000-0002-1825-0097",
        display_name="Josiah  Carberry",
        memberships=(
            Membership("Ceramics", member_until=date(2019, 9, 30)),
            Membership("Glass", member_from=date(2019, 10, 1)),
            Membership("Ceramics", member_from=date(2022, 1, 1)),
        ),
        first_publication_year=1999,
    )
    assert second.memberships == (Membership("Ceramics"),)


def test_lines_that_a_later_one_connects_are_one_person(tmp_path: Path) -> None:
    header = "openalex_id,orcid,department\n"
    lines = "A5012345678,,Glass\n,0000-0002-1825-0097,Clay\nA5012345678,0000-0002-1825-0097,Ceramics\n"
    (entry,) = read_roster(write(tmp_path, header + lines))
    assert [membership.department for membership in entry.memberships] == ["Glass", "Clay", "Ceramics"]
    with pytest.raises(HeadwaterError, match=r"line 5: .* is already on line 3, in the same department"):
        read_roster(write(tmp_path, header + lines + ",0000-0002-1825-0097,clay\n"))


@pytest.mark.parametrize(
    "text",
    ["A5012345678", "a5012345678", "https://openalex.org/A5012345678", "https://openalex.org/authors/a5012345678"],
)
def test_every_spelling_of_an_author_id_is_one(text: str) -> None:
    assert normalise_author_id(text) == "https://openalex.org/A5012345678"


@pytest.mark.parametrize("text", ["0000-0002-1694-233x", "https://orcid.org/0000-0002-1694-233X", "000000021694233X"])
def test_every_spelling_of_an_orcid_is_one(text: str) -> None:
    assert normalise_orcid(text) == "https://orcid.org/0000-0002-1694-233X"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("openalex_id,orcid\n", "contains only a header"),
        ("name,department\nAda,Maths\n", "neither a column openalex_id nor orcid"),
        ("openalex_id\nW5012345678\n", "line 2: 'W5012345678' is not an OpenAlex author id"),
        ("orcid\n0000-0002-1825-0098\n", "line 2: .* its last character does not fit"),
        ("orcid\n1825-0097\n", "line 2: '1825-0097' is not an ORCID"),
        ("openalex_id,orcid\n,\nA5012345678,\n,,x\n", "line 4: it has more cells than the header"),
        ("openalex_id,department\n,Maths\n", "line 2: neither openalex_id nor orcid is filled in"),
        ("openalex_id\nA5012345678\na5012345678\n", "line 3: .*A5012345678 is already on line 2"),
        (
            "openalex_id,department,member_from,member_until\n"
            "A5012345678,Glass,,2019-06-30\nA5012345678,Clay,,\nA5012345678,glass,2019-06-30,\n",
            "line 4: .*A5012345678 is already on line 2, in the same department",
        ),
        (
            "openalex_id,orcid,department\nA5012345678,0000-0002-1825-0097,Glass\nA5012345678,0000000218250097,Clay\n"
            "A5012345678,0000-0002-1694-233X,Ceramics\n",
            "line 4: orcid is .*0000-0002-1694-233X, but .*0000-0002-1825-0097 on line 2, for the same person",
        ),
        (
            "openalex_id,orcid,department\nA5012345678,0000-0002-1825-0097,Glass\nA5012345679,0000-0002-1825-0097,Clay\n",
            "line 3: openalex_id is .*A5012345679, but .*A5012345678 on line 2",
        ),
        (
            "openalex_id,department,first_publication_year\nA5012345678,Glass,1999\nA5012345678,Clay,2000\n",
            "line 3: first_publication_year is 2000, but 1999 on line 2",
        ),
        (
            "openalex_id,department,display_name\nA5012345678,Glass,Ada\nA5012345678,Clay,Grace\n",
            "line 3: display_name is Grace, but Ada on line 2",
        ),
        ("openalex_id,member_from\nA5012345678,01.10.2019\n", "line 2: member_from '01.10.2019' is not a date; write"),
        ("openalex_id,member_from\nA5012345678,2019-13\n", "line 2: member_from '2019-13' is not a date"),
        ("openalex_id,member_from\nA5012345678,0219\n", "line 2: member_from '0219' is not a date"),
        ("openalex_id,member_until\nA5012345678,2023-02-29\n", "line 2: member_until '2023-02-29' is not a date"),
        (
            "openalex_id,member_from,member_until\nA5012345678,2020,2019-12\n",
            "line 2: member_until 2019-12 is before member_from 2020",
        ),
        ("openalex_id,first_publication_year\nA5012345678,soon\n", "line 2: first_publication_year 'soon'"),
        ("openalex_id,first_publication_year\nA5012345678,19\n", "line 2: first_publication_year 19"),
        ("openalex_id,is_professor\nA5012345678,emeritus\n", "line 2: is_professor 'emeritus' is neither true nor"),
        ("openalex_id,group_size\nA5012345678,about 5\n", "line 2: group_size 'about 5' is not a number of people"),
        (
            "openalex_id,department,is_professor\nA5012345678,Glass,yes\nA5012345678,Clay,no\n",
            "line 3: is_professor is False, but True on line 2",
        ),
        ("openalex_id,has_research_group\nA5012345678,maybe\n", "line 2: has_research_group 'maybe'"),
        ("openalex_id\n" + "x\n" * 3, "lines 2, 3, 4: 'x' is not an OpenAlex author id"),
        ("openalex_id\n" + "".join(f"x{n}\n" for n in range(109)), "; and 9 more"),
        ("ORCID,Name,orcid_iD\n,Ada,\n", "line 1: the columns ORCID and orcid_iD both mean orcid"),
        ('openalex_id,department\nA5012345678,"Chem\nA5012345679,Bio\n', "a quotation mark is not closed"),
    ],
)
def test_a_roster_at_fault_is_refused_with_its_lines(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(HeadwaterError, match=message) as refused:
        read_roster(write(tmp_path, text))
    assert "\n" not in str(refused.value)


def test_a_roster_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match=r"nowhere\.csv does not exist"):
        read_roster(tmp_path / "nowhere.csv")


ERRORS = """Name;ORCID;ORCID iD;First publication year;Member from;Has research group
Böhm;0000-0002-1825-0098;;soon;01.10.2019;maybe
Ada;;;;;;;more
"Grace;;;;;
"""


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("cp1252", "it is not UTF-8 (first on line 2) but probably Windows-1252"),
        ("utf-16", "it is UTF-16 and not UTF-8"),
    ],
)
def test_all_errors_come_at_once(tmp_path: Path, encoding: str, told: str) -> None:
    with pytest.raises(HeadwaterError) as refused:
        read_roster(write(tmp_path, ERRORS, encoding))
    message = str(refused.value)
    assert f'cannot be used: {told}. In Excel, save it as "CSV UTF-8 (comma delimited)"; line 1: the columns' in message
    for error in (
        "line 1: the columns ORCID and ORCID iD both mean orcid (delete one)",
        "line 2: '0000-0002-1825-0098' is not an ORCID",
        "line 2: first_publication_year 'soon' is not a year",
        "line 2: member_from '01.10.2019' is not a date",
        "line 2: has_research_group 'maybe' is neither true nor false",
        "line 3: it has more cells than the header",
        "line 3: neither openalex_id nor orcid is filled in",
        "line 4: from here on a quotation mark is not closed",
    ):
        assert error in message
    assert "\n" not in message
    assert ".;" not in message


def test_an_excel_workbook_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(b"PK\x03\x04\x14\x00")
    with pytest.raises(HeadwaterError, match=r"is an Excel workbook and no CSV file\. In Excel, save it as"):
        read_roster(path)


@pytest.mark.parametrize("heading", ["ORCID iD", "ORCID", "orcid-id", "ORCID_iD", " OrcID "])
def test_the_spellings_of_an_orcid_s_heading(tmp_path: Path, heading: str) -> None:
    (entry,) = read_roster(write(tmp_path, f"{heading}\n0000-0002-1825-0097\n"))
    assert entry.orcid == "https://orcid.org/0000-0002-1825-0097"


def test_headings_of_other_spellings_are_recognised_and_the_others_named(tmp_path: Path) -> None:
    text = "OpenAlex Author ID,Full Name,Last Name,Dept,Member-since,Phone,,\nA5012345678,Ada B.,B.,Glass,2019,+49,x,\n"
    roster = read_roster_file(write(tmp_path, text))
    assert roster.entries == [
        RosterEntry(
            author_id="https://openalex.org/A5012345678",
            orcid=None,
            display_name="Ada B.",
            memberships=(Membership("Glass", member_from=date(2019, 1, 1)),),
        )
    ]
    assert roster.notes == ["The roster's columns Last Name, Phone and 7 (without a heading) are ignored."]


def test_the_example_roster_is_sound() -> None:
    entries = read_roster(EXAMPLE_ROSTER)
    assert len(entries) >= 3

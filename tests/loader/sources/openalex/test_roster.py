"""A roster is read whole and right, or refused with the lines at fault."""

from pathlib import Path

import pytest

from loader.base.errors import HeadwaterError
from loader.sources.openalex.members import EXAMPLE_ROSTER
from loader.sources.openalex.roster import RosterEntry, normalise_author_id, normalise_orcid, read_roster


def write(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "roster.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_all_columns_are_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "openalex_id,orcid,display_name,department,college,position,first_publication_year,group_url,"
        "has_research_group,note\n"
        "A5012345678,0000-0002-1825-0097,Josiah Carberry,Ceramics,Arts,Professor,1999,https://x.example,yes,ignored\n",
    )
    assert read_roster(path) == [
        RosterEntry(
            author_id="https://openalex.org/A5012345678",
            orcid="https://orcid.org/0000-0002-1825-0097",
            display_name="Josiah Carberry",
            department="Ceramics",
            college="Arts",
            position="Professor",
            first_publication_year=1999,
            group_url="https://x.example",
            has_research_group=True,
        )
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_what_spreadsheets_write_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    text = f" OpenAlex_ID {separator}Department\r\nA5012345678{separator}Öl\r\n{separator}\r\n"
    (entry,) = read_roster(write(tmp_path, text, encoding))
    assert (entry.author_id, entry.department) == ("https://openalex.org/A5012345678", "Öl")


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
        ("openalex_id,first_publication_year\nA5012345678,soon\n", "line 2: first_publication_year 'soon'"),
        ("openalex_id,first_publication_year\nA5012345678,19\n", "line 2: first_publication_year 19"),
        ("openalex_id,has_research_group\nA5012345678,maybe\n", "line 2: has_research_group 'maybe'"),
        ("openalex_id\n" + "x\n" * 9, "and 6 more"),
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


def test_a_roster_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(b"openalex_id\n\xff\xfe\x00")
    with pytest.raises(HeadwaterError, match="Save it as CSV in UTF-8"):
        read_roster(path)


def test_the_example_roster_is_sound() -> None:
    entries = read_roster(EXAMPLE_ROSTER)
    assert len(entries) >= 3

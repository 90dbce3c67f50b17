"""Membership in time: each paper against the roster's periods, by plain Python; what stays when someone leaves."""

import csv
from pathlib import Path

import duckdb
import pytest

from tests.end_to_end.academic.test_history import change
from tests.support.sample import Sample
from tests.support.workspace import Workspace

_PAPERS = "select paper_id, author_id, is_written_as_member from marts.fct_papers"
_MEMBERSHIPS = """
    select author_id, department, college, position, membership_rank, cast(member_from as varchar),
        cast(member_until as varchar), membership_status, is_main
    from marts.dim_memberships order by author_id, membership_rank
"""
_REBUILT = (
    "base_openalex__roster stg_openalex__roster stg_openalex__memberships int_author_memberships"
    " int_papers_deduplicated int_authors dim_authors dim_memberships fct_papers"
)


@pytest.fixture
def sample(published: Workspace) -> Sample:
    """The sample that was published, and its roster file."""
    return Sample(published)


def read_lines(sample: Sample) -> dict[str, list[dict[str, str]]]:
    """The lines of the roster file by author."""
    by_orcid = {author["orcid"]: author["id"] for author in sample.catalogue.authors}
    lines: dict[str, list[dict[str, str]]] = {}
    with Path(sample.roster).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            author = f"https://openalex.org/{row['openalex_id']}" if row["openalex_id"] else ""
            lines.setdefault(author or by_orcid[f"https://orcid.org/{row['orcid']}"], []).append(row)
    return lines


def is_within(day: str, row: dict[str, str]) -> bool:
    """Texts are compared, each as long as the roster gives it: 2019-10-31 is within 2019 and 2019-10."""
    return row["member_from"] <= day and (
        not row["member_until"] or day[: len(row["member_until"])] <= row["member_until"]
    )


def test_papers_written_as_a_member_are_those_of_plain_python(published: Workspace, sample: Sample) -> None:
    lines, works = read_lines(sample), sample.roster_works
    rows = published.query_postgres(_PAPERS)
    for paper, author, is_written_as_member in rows:
        day = works[str(paper)]["publication_date"]
        assert is_written_as_member == any(is_within(day, row) for row in lines[str(author)]), (paper, author)
    with_dates = {author for author, own in lines.items() if any(row["member_from"] for row in own)}
    assert {(author in with_dates, is_member) for _, author, is_member in rows} == {
        (False, True),
        (True, True),
        (True, False),
    }


def test_each_line_of_the_roster_is_a_membership_and_one_of_each_person_is_shown(
    published: Workspace, sample: Sample
) -> None:
    lines = read_lines(sample)
    memberships = published.query_postgres(_MEMBERSHIPS)
    expected = [
        (author, row["department"], row["college"], row["position"], rank)
        for author, own in sorted(lines.items())
        for rank, row in enumerate(own, start=1)
    ]
    assert [row[:5] for row in memberships] == expected
    assert len(expected) == len(lines) + 2
    given = {(author, rank): row for author, own in lines.items() for rank, row in enumerate(own, start=1)}
    for author, *_, rank, first, last, status, _ in memberships:
        row = given[str(author), int(str(rank))]
        assert (str(first or "")[: len(row["member_from"])], bool(first)) == (
            row["member_from"],
            bool(row["member_from"]),
        )
        assert (str(last or "")[: len(row["member_until"])], bool(last)) == (
            row["member_until"],
            bool(row["member_until"]),
        )
        assert status == ("past" if row["member_until"] else "current")
    shown = {row[0]: row[1:4] for row in memberships if row[-1]}
    authors = published.query_postgres(
        "select author_id, department, college, position from marts.dim_authors where is_roster"
    )
    assert {row[0]: row[1:] for row in authors} == shown
    assert shown.keys() == lines.keys()


def test_who_leaves_keeps_the_papers_written_as_a_member_and_an_older_record_has_no_period(
    published: Workspace, sample: Sample
) -> None:
    always = sorted(author for author, own in read_lines(sample).items() if not own[0]["member_from"])
    leaving, older, moving = always[:3]
    ended = [{"department": "Glass", "position": "Dean", "member_until": "2015-06-30"}]
    change(published, "roster", leaving, {"memberships": ended})
    change(published, "roster", older, {"memberships": None, "department": "Clay", "position": "Reader"})
    change(published, "roster", moving, {"memberships": [*ended, {"department": "Clay", "member_from": "2015-07-01"}]})
    before = read_papers(published)
    published.run_well("dbt", "run", "--select", _REBUILT)
    after = read_papers(published)
    assert after.keys() == before.keys(), "nobody's papers leave"
    days = {work: record["publication_date"] for work, record in sample.roster_works.items()}
    assert {author for (paper, author) in after if after[paper, author] != before[paper, author]} == {leaving}
    of_leaving = {days[paper]: is_member for (paper, author), is_member in after.items() if author == leaving}
    assert set(of_leaving.values()) == {True, False}
    assert all(is_member == (day <= "2015-06-30") for day, is_member in of_leaving.items())
    with published.open_duckdb() as connection:
        shown = connection.execute(
            "select author_id, department, position, is_roster from marts.dim_authors where author_id in ?"
            " order by all",
            [[leaving, older, moving]],
        ).fetchall()
        statuses = connection.execute(
            "select list(membership_status order by membership_rank) from marts.dim_memberships where author_id in ?"
            " group by author_id order by author_id",
            [[leaving, older, moving]],
        ).fetchall()
    assert shown == [(leaving, "Glass", "Dean", True), (older, "Clay", "Reader", True), (moving, "Clay", None, True)]
    assert statuses == [(["past"],), (["current"],), (["past", "current"],)]


def read_papers(workspace: Workspace) -> dict[tuple[str, str], bool]:
    """Whether each was written as a member, in DuckDB, by paper and author."""
    with duckdb.connect(str(workspace.settings.warehouse), read_only=True) as connection:
        return {(paper, author): is_member for paper, author, is_member in connection.execute(_PAPERS).fetchall()}

"""A seeded research institution and its world, day by day, as a stand-in OpenAlex would hold it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random

from loader.samples.openalex.catalogue import Catalogue, Record
from loader.samples.openalex.next_day import change_world
from loader.samples.openalex.people import LAST_YEAR, Person, build_ror, create_institutions, create_roster
from loader.samples.openalex.teams import Paper, Society
from loader.samples.openalex.vocabulary import DEPARTMENTS
from loader.samples.openalex.work_records import FIRST_DAY, WorkWriter

HOME_ROR = build_ror(1)
"""The ROR of the sample institution, the same for every seed."""

_INSTITUTION_COUNT = 310
_ROSTER_COLUMNS = (
    "openalex_id",
    "orcid",
    "display_name",
    "department",
    "college",
    "position",
    "first_publication_year",
    "group_url",
    "has_research_group",
    "group_size",
    "is_professor",
    "member_from",
    "member_until",
)


@dataclass(frozen=True, slots=True)
class _Founding:
    institutions: list[Record]
    roster: list[Person]


def generate_catalogue(*, day: int = 1, seed: int = 20260, roster_size: int = 60, work_count: int = 3000) -> Catalogue:
    """Generate the world as it stands on a day; the same arguments give the same bytes.

    Day 1 holds `work_count` distinct works. Each later day adds, changes, merges and deletes a few and leaves
    the rest as it was. About one work in twelve has no roster author: the early papers of advisors and senior
    coauthors, from which their true first year is seen. Raises ValueError for a day before 1, a roster of
    nobody or fewer than two works for each roster author.
    """
    if day < 1 or roster_size < 1 or work_count < 2 * roster_size:
        raise ValueError("day and roster_size must be at least 1, work_count at least twice roster_size")
    founding = _found(seed, roster_size)
    rng = Random(f"{seed}:day 1")
    society = Society(rng, founding.institutions, founding.roster)
    writer = WorkWriter(rng, FIRST_DAY)
    works = _write_first_works(society, writer, work_count)
    merged: dict[str, str] = {}
    for later in range(2, day + 1):
        society.rng = writer.rng = Random(f"{seed}:day {later}")
        writer.today = FIRST_DAY + timedelta(days=later - 1)
        works, newly_merged = change_world(works, society, writer)
        merged |= newly_merged
    return Catalogue.from_works(works, merged=merged)


def write_roster(path: Path, *, seed: int = 20260, roster_size: int = 60) -> None:
    """Write the roster of the same world as a CSV with a header.

    Every tenth researcher is named only by ORCID. `first_publication_year` is given for every third and empty for the
    others; `has_research_group` and `is_professor` are `true` or `false`, and a group has a size. Of twenty researchers
    one has left, one has changed the department, which takes two rows, and one is in two departments; the others have
    no dates.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _ROSTER_COLUMNS)
        writer.writeheader()
        for number, person in enumerate(_found(seed, roster_size).roster):
            member = _describe_member(number, person)
            writer.writerows(member | membership for membership in _describe_memberships(number, person))


def _found(seed: int, roster_size: int) -> _Founding:
    rng = Random(f"{seed}:roster")
    institutions = create_institutions(rng, _INSTITUTION_COUNT)
    return _Founding(institutions, create_roster(rng, institutions, roster_size))


def _write_first_works(society: Society, writer: WorkWriter, work_count: int) -> list[Record]:
    early_count = work_count // 12
    pair_count = work_count // 75
    papers = society.write_papers(work_count - early_count - pair_count)
    if work_count >= 1000:
        papers[-1] = _write_large_paper(society, 130)
        papers[-2] = _write_large_paper(society, 34)
    early = society.write_early_papers(early_count)
    # What the early papers fall short of, in a small world, the roster writes.
    papers += society.write_papers(early_count - len(early)) if len(early) < early_count else []
    _misattribute(early, society.roster)
    paired = set(writer.rng.sample(range(len(papers)), pair_count))
    works = [writer.write_work(paper) for paper in early]
    for number, paper in enumerate(papers):
        works += writer.write_pair(paper) if number in paired else [writer.write_work(paper)]
    return works


def _write_large_paper(society: Society, size: int) -> Paper:
    return society.write_paper(society.roster[0], LAST_YEAR - 4, size=size)


def _misattribute(early: list[Paper], roster: list[Person]) -> None:
    """Give a few young researchers, whose first year the roster states, a paper from before their time."""
    members = [person for number, person in enumerate(roster) if _states_first_year(number)][-3:]
    for person, paper in zip(members, early, strict=False):
        if paper.year < person.first_year:
            paper.authors.append(person)


def _states_first_year(number: int) -> bool:
    return number % 3 == 0


def _describe_member(number: int, person: Person) -> dict[str, str | int]:
    is_orcid_only = number % 10 == 7
    age = LAST_YEAR - person.first_year
    has_research_group = age > 14
    slug = f"group-{number + 1}"
    return {
        "openalex_id": "" if is_orcid_only else person.author_id.rpartition("/")[2],
        "orcid": (person.orcid or "").removeprefix("https://orcid.org/"),
        "display_name": person.name,
        "first_publication_year": person.first_year if _states_first_year(number) else "",
        "group_url": f"https://www.lindmere.example/groups/{slug}" if has_research_group else "",
        "has_research_group": "true" if has_research_group else "false",
        "group_size": 3 + number % 8 if has_research_group else "",
        "is_professor": "true" if "Professor" in _name_position(age) else "false",
    }


def _describe_memberships(number: int, person: Person) -> list[dict[str, str | int]]:
    """The columns of department and period, for each row of the person; today's department is the person's own."""
    own, other = (DEPARTMENTS[(person.department + step) % len(DEPARTMENTS)] for step in (0, 1))
    came = person.moves[-1][0]
    age = LAST_YEAR - person.first_year
    current: dict[str, str | int] = {
        "department": own.name,
        "college": own.college,
        "position": _name_position(age),
    }
    elsewhere: dict[str, str | int] = {"department": other.name, "college": other.college}
    match number % 20:
        case 2:
            return [current | {"member_from": came, "member_until": max(came, LAST_YEAR - 3)}]
        case 4:
            moved = max(came, LAST_YEAR - 6)
            before = elsewhere | {"position": _name_position(age - 6)}
            return [
                before | {"member_from": came, "member_until": f"{moved}-06"},
                current | {"member_from": f"{moved}-07"},
            ]
        case 6:
            return [current | {"member_from": came}, current | elsewhere | {"member_from": f"{came}-10-01"}]
    return [current]


def _name_position(age: int) -> str:
    if age < 9:
        return "Postdoctoral Researcher"
    if age < 15:
        return "Assistant Professor"
    if age < 22:
        return "Associate Professor"
    return "Professor" if age < 38 else "Professor Emeritus"

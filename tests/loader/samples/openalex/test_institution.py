import csv
from collections import Counter, defaultdict

import orjson
import pytest

from loader.samples.openalex.catalogue import Catalogue, Record
from loader.samples.openalex.institution import HOME_ROR, generate_catalogue, write_roster
from loader.samples.openalex.work_records import NULL_AUTHOR_ID


@pytest.fixture(scope="module")
def first_day() -> Catalogue:
    return generate_catalogue()


@pytest.fixture(scope="module")
def second_day() -> Catalogue:
    return generate_catalogue(day=2)


@pytest.fixture(scope="module")
def roster(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    path = tmp_path_factory.mktemp("roster") / "roster.csv"
    write_roster(path)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_scale_is_as_asked(first_day: Catalogue) -> None:
    assert len({work["id"] for work in first_day.works}) == len(first_day.works) == 3000
    assert 5000 < len(first_day.authors) < 7000
    assert 250 < len(first_day.institutions) < 350
    assert 24 < len(first_day.topics) < 60


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    small = [generate_catalogue(seed=seed, roster_size=6, work_count=80) for seed in (1, 1, 2)]
    first, again, other = (orjson.dumps([each.works, each.authors, each.institutions]) for each in small)
    assert first == again != other


def test_a_tiny_world_has_as_many_works_as_asked() -> None:
    assert len(generate_catalogue(roster_size=1, work_count=5).works) == 5


@pytest.mark.parametrize("wrong", [{"day": 0}, {"roster_size": 0}, {"work_count": 3}])
def test_impossible_worlds_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        generate_catalogue(**wrong)


def test_every_orcid_has_a_valid_check_digit(first_day: Catalogue) -> None:
    orcids = [author["orcid"] for author in first_day.authors if author["orcid"]]
    assert len(set(orcids)) == len(orcids) > 3000
    assert all(_sums_to_one(orcid.rpartition("/")[2].replace("-", "")) for orcid in orcids)


def _sums_to_one(code: str) -> bool:
    total = 0
    for character in code:
        total = total * 2 + (10 if character == "X" else int(character))
    return total % 11 == 1


def test_the_roster_is_in_the_catalogue(first_day: Catalogue, roster: list[dict[str, str]]) -> None:
    ids = {author["id"].rpartition("/")[2] for author in first_day.authors}
    orcids = {author["orcid"] for author in first_day.authors}
    assert len({row["orcid"] or row["openalex_id"] for row in roster}) == 60
    assert len(roster) == 66
    assert len({row["department"] for row in roster}) == 6
    for row in roster:
        assert row["openalex_id"] in ids or f"https://orcid.org/{row['orcid']}" in orcids
    assert 3 < sum(not row["openalex_id"] for row in roster) < 15
    assert 10 < sum(bool(row["first_publication_year"]) for row in roster) < 50


def test_the_roster_works_at_the_home_institution(first_day: Catalogue, roster: list[dict[str, str]]) -> None:
    home = {
        author["id"].rpartition("/")[2]
        for author in first_day.authors
        if HOME_ROR in {place["ror"] for place in author["last_known_institutions"]}
    }
    assert sum(row["openalex_id"] in home for row in roster) > 45


def test_citations_of_the_listed_years_never_exceed_the_total(first_day: Catalogue) -> None:
    for entity in (*first_day.works, *first_day.authors):
        assert sum(each["cited_by_count"] for each in entity["counts_by_year"]) <= entity["cited_by_count"]


def test_open_access_rises_over_the_years(first_day: Catalogue) -> None:
    assert _measure_open_share(first_day, 1985, 1999) + 0.3 < _measure_open_share(first_day, 2015, 2026)


def _measure_open_share(catalogue: Catalogue, first: int, last: int) -> float:
    works = [work for work in catalogue.works if first <= work["publication_year"] <= last]
    return sum(bool(work["open_access"]["is_oa"]) for work in works) / len(works)


def test_students_become_last_authors(first_day: Catalogue, roster: list[dict[str, str]]) -> None:
    positions: dict[bool, Counter[str]] = defaultdict(Counter)
    ids = [f"https://openalex.org/{row['openalex_id']}" for row in roster if row["openalex_id"]]
    first_years = {each: _find_first_year(first_day, each) for each in ids}
    for work in first_day.works:
        for authorship in work["authorships"]:
            first_year = first_years.get(authorship["author"]["id"])
            if first_year and len(work["authorships"]) > 1:
                is_senior = work["publication_year"] - first_year > 15
                positions[is_senior][authorship["author_position"]] += 1
    assert positions[False]["first"] > positions[False]["last"]
    assert positions[True]["last"] > positions[True]["first"]


def _find_first_year(catalogue: Catalogue, author_id: str) -> int:
    return min(
        int(work["publication_year"])
        for work in catalogue.works
        if any(each["author"]["id"] == author_id for each in work["authorships"])
    )


def test_some_collaborators_recur(first_day: Catalogue) -> None:
    pairs = Counter(
        (work["authorships"][0]["author"]["id"], each["author"]["id"])
        for work in first_day.works
        for each in work["authorships"][1:]
    )
    assert sum(count >= 3 for count in pairs.values()) > 200


@pytest.mark.parametrize(
    "is_awkward",
    [
        lambda work: work["doi"] is None,
        lambda work: work["abstract_inverted_index"] is None,
        lambda work: work["title"].startswith("Figure 3"),
        lambda work: work["title"].startswith("Author Correction: "),
        lambda work: "supporting information" in work["title"],
        lambda work: "<i>" in work["title"],
        lambda work: "&amp;" in work["title"],
        lambda work: not work["title"].isascii(),
        lambda work: work["type"] in ("editorial", "letter", "dataset", "paratext"),
        lambda work: not work["topics"],
        lambda work: not work["authorships"][0]["institutions"],
        lambda work: NULL_AUTHOR_ID in {each["author"]["id"] for each in work["authorships"]},
        lambda work: len(work["authorships"]) == 130,
        lambda work: 25 < len(work["authorships"]) < 100,
    ],
)
def test_awkward_works_occur_and_are_few(first_day: Catalogue, is_awkward: object) -> None:
    assert callable(is_awkward)
    assert 1 <= sum(map(is_awkward, first_day.works)) < 800


def test_preprints_share_titles_with_articles(first_day: Catalogue) -> None:
    types: dict[str, set[str]] = defaultdict(set)
    for work in first_day.works:
        types[" ".join(work["title"].casefold().split())].add(work["type"])
    assert sum(found == {"preprint", "article"} for found in types.values()) == 40


def test_the_next_day_adds_changes_merges_and_deletes(first_day: Catalogue, second_day: Catalogue) -> None:
    before, after = _index(first_day), _index(second_day)
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    assert (len(gone), len(new), len(changed)) == (3, 20, 60)
    ((old_id, new_id),) = second_day.merged.items()
    assert old_id in gone
    assert new_id in after
    for key in changed:
        assert after[key]["updated_date"] > before[key]["updated_date"]
        assert after[key]["cited_by_count"] > before[key]["cited_by_count"]
    assert {author["id"] for author in second_day.authors} - {author["id"] for author in first_day.authors}
    assert {after[key]["publication_year"] for key in new} > {2026}


def _index(catalogue: Catalogue) -> dict[str, Record]:
    return {work["id"]: work for work in catalogue.works}


def test_of_two_works_with_one_id_the_entities_follow_the_latest() -> None:
    work = generate_catalogue(roster_size=1, work_count=2).works[0]
    later = work | {"cited_by_count": 999, "updated_date": "2027-01-01T00:00:00.000000"}
    catalogue = Catalogue.from_works([later, work])
    assert len(catalogue.works) == 2
    assert {author["works_count"] for author in catalogue.authors} == {1}
    assert {author["cited_by_count"] for author in catalogue.authors} == {999}


def test_last_known_institutions_occur_in_the_works(first_day: Catalogue) -> None:
    known = {institution["id"] for institution in first_day.institutions}
    assert {place["id"] for author in first_day.authors for place in author["last_known_institutions"]} <= known

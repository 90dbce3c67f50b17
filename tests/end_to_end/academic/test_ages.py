"""The ages that readers see: a coauthor's counts from the first paper of all, not the first with the roster."""

from typing import Any

from loader.samples.openalex.institution import generate_catalogue
from tests.support.sample import ROSTER_SIZE, WORK_COUNT
from tests.support.workspace import Workspace


def find_first_years(works: list[dict[str, Any]]) -> dict[str, int]:
    first_years: dict[str, int] = {}
    for work in works:
        for authorship in work["authorships"]:
            author, year = authorship["author"]["id"], work["publication_year"]
            first_years[author] = min(year, first_years.get(author, year))
    return first_years


def test_the_age_of_a_coauthor_counts_from_the_first_paper_that_openalex_knows(published: Workspace) -> None:
    works = generate_catalogue(roster_size=ROSTER_SIZE, work_count=WORK_COUNT).works
    first_years = find_first_years(works)
    rows = published.query_postgres(
        "select coauthor_id, publication_year, coauthor_first_publication_year, coauthor_age"
        " from marts.fct_coauthorships where not is_roster_coauthor"
    )
    assert rows
    for coauthor, year, first_year, age in rows:
        assert (first_year, age) == (first_years[str(coauthor)], int(str(year)) - first_years[str(coauthor)])
    with published.open_duckdb() as connection:
        loaded = {key for (key,) in connection.execute("select id from raw_openalex.works").fetchall()}
    seen = find_first_years([work for work in works if work["id"] in loaded])
    assert any(first_years[str(coauthor)] < seen[str(coauthor)] for coauthor, *_ in rows)


def test_readers_see_where_a_first_year_comes_from(published: Workspace) -> None:
    sources = set(published.query_postgres("select is_roster, first_year_source from marts.dim_authors"))
    assert sources == {(True, "given"), (True, "roster"), (False, "cache")}

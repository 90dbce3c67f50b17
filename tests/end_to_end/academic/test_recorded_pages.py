"""Real records, from HTTP to Postgres: every number agrees with plain Python over the same JSON."""

import hashlib
from collections.abc import Iterable, Iterator

import pytest

from loader.samples.openalex.server import OpenAlexServer
from tests.support.recorded import RecordedWorks, needs_recorded_pages
from tests.support.truth import AcademicTruth, Row, list_authors
from tests.support.workspace import Workspace

pytestmark = needs_recorded_pages

# Of 4,371 coauthors.
ASKED_FOR = 400

Numbers = dict[str, object]


@pytest.fixture(scope="module")
def recorded() -> RecordedWorks:
    return RecordedWorks()


@pytest.fixture(scope="module")
def truth(recorded: RecordedWorks) -> AcademicTruth:
    years = recorded.count_years(ASKED_FOR)
    return AcademicTruth(recorded.roster_works, recorded.papers, recorded.roster, years)


@pytest.fixture(scope="module")
def published(module_workspace: Workspace, recorded: RecordedWorks) -> Iterator[Workspace]:
    """The recorded pages loaded, built, handed off and published once; the server stays for another run."""
    with OpenAlexServer(recorded.build_catalogue()) as server:
        module_workspace.serve(server.url, module_workspace.write_roster("openalex_id", *sorted(recorded.roster)))
        module_workspace.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = str(ASKED_FOR)
        module_workspace.run_well("headwater", "run")
        # Later runs would continue with the other coauthors.
        module_workspace.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = "0"
        yield module_workspace


def test_the_recorded_pages_are_those_that_the_numbers_were_taken_from(recorded: RecordedWorks) -> None:
    assert len(recorded.records) == 5600
    assert len(recorded.works) == 5553
    assert len(recorded.roster) == 160


def test_raw_holds_the_roster_works_once_and_byte_for_byte(published: Workspace, recorded: RecordedWorks) -> None:
    with published.open_duckdb() as connection:
        rows = connection.execute("select id, document, record_hash from raw_openalex.works").fetchall()
    assert len(rows) == len(recorded.roster_works) == 1186
    assert {key for key, _, _ in rows} == {work["id"] for work in recorded.roster_works}
    assert all(hashlib.sha256(document.encode()).hexdigest() == record_hash for _, document, record_hash in rows)


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_the_numbers_are_those_of_the_records(published: Workspace, recorded: RecordedWorks, engine: str) -> None:
    works = recorded.roster_works
    expected: Numbers = {
        "select count(*) from transform.int_works": len(works),
        "select sum(cited_by_count) from transform.int_works": sum(work["cited_by_count"] for work in works),
        "select count(*) from transform.int_authorships": sum(len(list_authors(work)) for work in works),
        "select count(*) from marts.dim_authors": len(set().union(*map(list_authors, works))),
        "select sum(work_count) from marts.dim_authors": sum(len(list_authors(work)) for work in works),
        "select count(*) from marts.dim_institutions": len(
            {
                institution["id"]
                for work in works
                for authorship in work["authorships"]
                for institution in authorship["institutions"]
            }
        ),
        "select count(*) from transform.int_works where exclusion_reason is null": len(recorded.papers),
        "select count(*) from (select paper_id, author_id from marts.fct_papers"
        " union all select paper_id, author_id from marts.fct_papers_set_aside) as pairs": len(recorded.pairs),
        "select count(*) from marts.dim_topics": len({topic["id"] for work in works for topic in work["topics"]}),
    }
    assert list(expected.values()) == [1186, 48829, 9000, 4531, 9000, 1170, 1171, 2392, 147]
    found: Numbers = {}
    if engine == "postgres":
        for sql in expected:
            ((found[sql],),) = published.query_postgres(sql)
    else:
        with published.open_duckdb() as connection:
            for sql in expected:
                ((found[sql],),) = connection.execute(sql).fetchall()
    assert {sql: int(str(number)) for sql, number in found.items()} == expected


def test_what_the_rules_leave_out_is_listed_pair_by_pair_with_its_reason(
    published: Workspace, recorded: RecordedWorks, truth: AcademicTruth
) -> None:
    with published.open_duckdb() as connection:
        kept = set(connection.execute("select paper_id, author_id from marts.fct_papers").fetchall())
        set_aside = set(connection.execute("select paper_id, author_id from transform.int_papers_set_aside").fetchall())
    assert kept | set_aside == recorded.pairs
    assert not kept & set_aside
    rows = published.query_postgres("select paper_id, author_id, set_aside_reason from marts.fct_papers_set_aside")
    assert_same(rows, truth.list_set_aside(), key_length=2)
    assert {row[-1] for row in rows} >= {"duplicate_title", "work_type_not_kept"}


def test_papers_percentiles_and_categories_are_those_of_plain_python(
    published: Workspace, truth: AcademicTruth
) -> None:
    rows = published.query_postgres(
        "select paper_id, author_id, publication_year, cited_by_count, coauthor_count, citation_percentile,"
        " citation_category from marts.fct_papers"
    )
    assert_same(rows, truth.list_papers(), key_length=2)
    assert {row[-1] for row in rows} >= {"low_impact", "medium_impact", "high_impact", "very_high_impact"}


def test_coauthors_ages_and_institutions_are_those_of_plain_python(published: Workspace, truth: AcademicTruth) -> None:
    rows = published.query_postgres(
        "select author_id, coauthor_id, publication_year, cast(publication_date as text), collaboration_count,"
        " collaboration_count_to_date, is_new_collaboration, author_first_publication_year, author_age,"
        " coauthor_first_publication_year, coauthor_age, age_difference, age_category, author_institution_id,"
        " coauthor_institution_id, is_roster_coauthor, is_large_collaboration from marts.fct_coauthorships"
    )
    assert_same(rows, truth.list_coauthorships(), key_length=3)
    assert {row[12] for row in rows} == {"younger", "same", "older"}
    assert {row[6] for row in rows} == {row[15] for row in rows} == {row[16] for row in rows} == {True, False}
    named = published.query_postgres(
        "select count(*) from marts.fct_coauthorships where (author_institution = 'Unknown') !="
        " (author_institution_id is null) or (coauthor_institution = 'Unknown') != (coauthor_institution_id is null)"
        " or shared_institution is distinct from"
        " case when author_institution_id = coauthor_institution_id then author_institution end"
    )
    assert named == [(0,)]


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_every_collaboration_can_be_opened_paper_by_paper(
    published: Workspace, truth: AcademicTruth, engine: str
) -> None:
    sql = "select author_id, coauthor_id, paper_id, publication_year from marts.bridge_coauthorship_papers"
    if engine == "postgres":
        rows = published.query_postgres(sql)
    else:
        with published.open_duckdb() as connection:
            rows = connection.execute(sql).fetchall()
    expected = list(truth.list_coauthorship_papers())
    assert len(rows) == len(expected) > 10_000
    assert set(rows) == set(expected)


def test_openalexs_own_percentile_is_that_of_the_records(published: Workspace, recorded: RecordedWorks) -> None:
    rows = published.query_postgres("select paper_id, openalex_citation_percentile from marts.fct_papers")
    sent = {work["id"]: (work["citation_normalized_percentile"] or {}).get("value") for work in recorded.roster_works}
    assert len({value for _, value in rows}) > 100
    for paper, percentile in rows:
        value = sent[str(paper)]
        assert percentile == (None if value is None else pytest.approx(100 * value))


def test_the_years_of_authors_are_those_of_plain_python(published: Workspace, truth: AcademicTruth) -> None:
    rows = published.query_postgres(
        "select author_id, publication_year, author_age, paper_count, citation_count, coauthor_count,"
        " new_coauthor_count, returning_coauthor_count, younger_count, same_age_count, older_count, share_younger,"
        " distinct_institution_count, mean_coauthors_per_paper, h_index_to_date, younger_collaboration_count,"
        " same_age_collaboration_count, older_collaboration_count, author_institution_id,"
        " same_institution_coauthor_count from marts.fct_author_years"
    )
    assert_same(rows, truth.list_author_years(), key_length=2)
    assert len({row[-2] for row in rows}) > 50
    assert sum(int(str(row[-1])) for row in rows) > 100
    assert any(row[3] == 0 for row in rows), "a year without a paper is among them"


def test_authors_and_their_h_indexes_are_those_of_plain_python(published: Workspace, truth: AcademicTruth) -> None:
    rows = published.query_postgres(
        "select author_id, is_roster, first_publication_year, last_publication_year, first_year_source, work_count,"
        " paper_count, cited_by_count, h_index, paper_cited_by_count, paper_h_index from marts.dim_authors"
    )
    assert_same(rows, truth.list_authors(), key_length=1)
    assert {row[4] for row in rows} == {"cache", "roster", "seen"}
    assert max(row[-1] for row in rows) > 10
    assert any(row[-1] != row[-3] for row in rows), "works that are no papers make a difference"


def test_outside_coauthors_have_the_institution_of_their_newest_work(
    published: Workspace, truth: AcademicTruth
) -> None:
    rows = published.query_postgres(
        "select author_id, last_known_institution_id, last_institution_source from marts.dim_authors"
        " where not is_roster"
    )
    newest = truth.find_newest_institutions()
    assert len(rows) > 4_000
    assert {author: (institution, source) for author, institution, source in rows} == {
        author: (newest.get(str(author)), "newest_work" if author in newest else None) for author, *_ in rows
    }
    assert sum(institution is not None for _, institution, _ in rows) > 3_000


def assert_same(found: Iterable[Row], expected: Iterable[Row], *, key_length: int) -> None:
    """The same rows by key, and the same values in each; of floats, but for the last bits."""
    there, wanted = ({row[:key_length]: row[key_length:] for row in rows} for rows in (list(found), list(expected)))
    assert there.keys() == wanted.keys()
    assert there
    for key, values in wanted.items():
        assert there[key] == pytest.approx(values), key


def test_every_mart_is_equal_in_both_engines_row_for_row(published: Workspace) -> None:
    with published.open_both() as connection:
        marts = [
            name
            for (name,) in connection.execute(
                "select table_name from duckdb_tables() where database_name = current_database()"
                " and schema_name = 'marts' order by 1"
            ).fetchall()
        ]
        assert len(marts) >= 8
        for mart in marts:
            types = [
                connection.execute(f"select * from {place}.{mart} limit 0").description
                for place in ("marts", "postgres_server.marts")
            ]
            assert types[0] == types[1], mart
            for left, right in (("marts", "postgres_server.marts"), ("postgres_server.marts", "marts")):
                surplus = connection.execute(
                    f"select count(*) from (from {left}.{mart} except all from {right}.{mart})"
                ).fetchone()
                assert surplus == (0,), f"{mart}: rows of {left} that {right} lacks"


def test_a_second_run_writes_nothing_and_publishes_the_same(published: Workspace) -> None:
    def fingerprint() -> dict[str, object]:
        with published.open_both() as connection:
            tables = connection.execute(
                "select database_name, schema_name, table_name from duckdb_tables()"
                " where schema_name in ('raw_openalex', 'transform', 'marts')"
                " and not starts_with(table_name, '_dlt')"
                " and table_name not in ('load_counts', 'sync_status') order by all"
            ).fetchall()
            return {
                ".".join(table): connection.execute(
                    f"select count(*), sum(hash(t)) from {'.'.join(table)} as t"
                ).fetchone()
                for table in tables
            }

    before = fingerprint()
    with published.open_duckdb() as connection:
        ((last_load,),) = connection.execute("select max(_dlt_load_id) from raw_openalex.load_counts").fetchall()
    published.run_well("headwater", "run")
    assert fingerprint() == before
    with published.open_duckdb() as connection:
        counts = connection.execute(
            "select sum(new_count), sum(changed_count), sum(unchanged_count) from raw_openalex.load_counts"
            " where _dlt_load_id > ?",
            [last_load],
        ).fetchone()
    assert counts == (0, 0, 160 + 1186)


def test_status_says_that_both_engines_hold_the_same(published: Workspace) -> None:
    assert "DuckDB and Postgres hold the same marts." in published.run_well("headwater", "status")

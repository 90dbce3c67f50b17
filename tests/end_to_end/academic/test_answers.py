"""The questions of docs/answers.md: each runs as a reader in Postgres, means the same in DuckDB, and adds up."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
from psycopg2.extensions import connection as postgres_connection

from loader.base.errors import HeadwaterError
from loader.publish.answers import Chart, Question, answer_questions
from tests.support.answers import ANALYSES, Answer, ask, ask_all, read_exposures, read_sql
from tests.support.publishing import execute
from tests.support.workspace import Workspace

QUESTIONS = list(read_exposures())


@pytest.fixture
def reader(published: Workspace) -> Iterator[postgres_connection]:
    with closing(published.server.as_reader().connect()) as connection:
        yield connection


def test_every_question_has_its_file_and_names_the_marts_it_reads() -> None:
    assert {path.stem for path in ANALYSES.glob("*.sql")} == set(QUESTIONS)
    assert len(QUESTIONS) == 11
    for name, exposure in read_exposures().items():
        marts = set(re.findall(r"marts\.(\w+)", read_sql(name)))
        assert {f"ref('{mart}')" for mart in marts} == set(exposure["depends_on"]), name
        assert exposure["label"].endswith("?")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_reader_gets_the_same_answer_from_both_engines(
    published: Workspace, reader: postgres_connection, name: str
) -> None:
    answer = ask(reader, name)
    assert answer.rows
    with published.open_duckdb() as connection:
        rows = connection.execute(read_sql(name)).fetchall()
    assert len(rows) == len(answer.rows)
    for here, there in zip(rows, answer.rows, strict=True):
        # DuckDB divides in binary, Postgres in decimal: the last digit of a half may be rounded either way
        assert [
            value if isinstance(value, str | None) else pytest.approx(float(value), abs=0.11) for value in here
        ] == [value if isinstance(value, str | None) else float(value) for value in there]


def test_the_answers_add_up(published: Workspace, reader: postgres_connection) -> None:
    answers = ask_all(reader)

    def add(name: str, column: str) -> int:
        return int(sum(value or 0 for value in answers[name].list_values(column)))

    def count(sql: str) -> int:
        ((number,),) = published.query_postgres(sql)
        return int(str(number))

    assert add("coauthor_age_over_a_career", "coauthors") == count(
        "select count(*) from marts.fct_coauthorships where age_category != 'unknown'"
    )
    finished = count("select last_finished_year from marts.dim_loads")
    assert finished == datetime.now(UTC).year - 1
    assert add("size_of_teams", "papers") == count(
        f"select count(distinct paper_id) from marts.fct_papers where publication_year <= {finished}"
    )
    assert add("open_access_by_year", "papers") == count(
        f"select count(distinct paper_id) from marts.fct_papers where publication_year between {finished - 9}"
        f" and {finished}"
    )
    assert max(answers["central_collaborators"].list_values("researchers")) == count(
        "select max(researchers) from (select count(distinct author_id) as researchers from marts.fct_coauthorships"
        " where not is_roster_coauthor and not is_large_collaboration group by coauthor_id) as collaborators"
    )
    assert max(answers["rising_researchers"].list_values("h_index_now")) <= count(
        "select max(h_index_to_date) from marts.fct_author_years"
    )
    check_shares(answers["coauthor_age_over_a_career"], ["percent_older", "percent_same_age", "percent_younger"])


def check_shares(answer: Answer, columns: list[str]) -> None:
    """Shares of a whole make 100, but for rounding."""
    for shares in zip(*(answer.list_values(column) for column in columns), strict=True):
        assert None in shares or sum(map(float, shares)) == pytest.approx(100, abs=0.2)


def read_cells(page: str, name: str) -> list[list[str]]:
    """The rows of an answer's table on the page of the report."""
    (section,) = re.findall(rf'<section id="{name}">(.*?)</section>', page, re.DOTALL)
    (body,) = re.findall(r"<tbody>(.*?)</tbody>", section, re.DOTALL)
    return [
        [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body)
    ]


def test_the_report_shows_every_answer_as_readers_of_postgres_get_it(
    published: Workspace, reader: postgres_connection, tmp_path: Path
) -> None:
    # Postgres alone has this name, and DuckDB another.
    hostile = "<script>alert(''x'')</script> & Söns"
    (first,) = ask(reader, "central_collaborators").list_values("collaborator")[:1]
    reader.rollback()
    execute(published, f"update marts.dim_authors set author_name = '{hostile}' where author_name = '{first}'")
    try:
        published.run_well("headwater", "report", "--output", str(tmp_path))
        answers = ask_all(reader)
    finally:
        reader.rollback()
        execute(
            published,
            "update marts.dim_authors set author_name = int_authors.author_name"
            " from transform.int_authors where int_authors.author_id = dim_authors.author_id",
        )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert answers["central_collaborators"].rows[0][0] == hostile.replace("''", "'")
    for name, answer in answers.items():
        shown = [["–" if value is None else str(value) for value in row] for row in answer.rows]
        assert [[cell.replace(",", "") for cell in row] for row in read_cells(page, name)] == [
            [value.replace(",", "") for value in row] for row in shown
        ], name
    assert re.findall(r'<section id="(\w+)"', page) == QUESTIONS
    # Every question has its picture, two of them have two.
    assert page.count("<figure><svg") == len(QUESTIONS) + 2
    assert "<script" not in page
    ((loaded,),) = published.query_postgres("select loaded_date from marts.dim_loads")
    assert f"Last load: openalex on {loaded}." in page
    assert "groups of people" not in page
    assert (tmp_path / "report.xlsx").stat().st_size > 10_000


def test_a_pseudonymous_report_says_so(published: Workspace, tmp_path: Path) -> None:
    execute(published, "comment on schema marts is 'Published pseudonymously for a test'")
    try:
        published.run_well("headwater", "report", "--output", str(tmp_path))
    finally:
        execute(published, "comment on schema marts is null")
    assert "names stand for groups of people" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("sql", "charts", "reason"),
    [
        ("select nothing from marts.dim_dates", (), 'column "nothing" does not exist'),
        ("delete from marts.dim_topics", (), "cannot execute DELETE in a read-only transaction"),
        ("select 1 as one", (Chart(mark="bar", x="one", y="two"),), "names the column 'two'; its answer has: one."),
    ],
)
def test_a_question_that_cannot_be_answered_is_named(
    published: Workspace, sql: str, charts: tuple[Chart, ...], reason: str
) -> None:
    with pytest.raises(HeadwaterError, match=re.escape(reason)) as error:
        answer_questions(published.server, [Question("mine", "academic", "Mine?", "", sql, charts)])
    assert "mine" in str(error.value)
    assert "\n" not in str(error.value)

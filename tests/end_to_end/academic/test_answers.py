"""The questions of docs/answers.md: each runs as a reader in Postgres, means the same in DuckDB, and adds up."""

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from psycopg2.extensions import connection as postgres_connection

from tests.support.answers import ANALYSES, Answer, ask, ask_all, read_exposures, read_sql
from tests.support.workspace import Workspace

QUESTIONS = list(read_exposures())


@pytest.fixture
def reader(published: Workspace) -> Iterator[postgres_connection]:
    with closing(published.server.as_reader().connect()) as connection:
        yield connection


def test_every_question_has_its_file_and_names_the_marts_it_reads() -> None:
    assert {path.stem for path in ANALYSES.glob("*.sql")} == set(QUESTIONS)
    assert len(QUESTIONS) == 10
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

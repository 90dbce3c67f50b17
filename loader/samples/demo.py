"""`headwater demo`: everything from sample sources to Postgres, without a key or a network."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from loader.base.settings import ROOT
from loader.publish.postgres import Server
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.samples.semantic_scholar.records import describe_papers
from loader.samples.semantic_scholar.server import SemanticScholarServer

# Each answer is a question and the SQL that answers it from the marts alone.
ANSWERS = [
    (
        "Which new collaborations of the last five finished years are the strongest?",
        """
        with pairs as (
            select
                author_id,
                coauthor_id,
                min(publication_year) as since,
                max(collaboration_count_to_date) as papers
            from marts.fct_coauthorships
            inner join marts.dim_loads on publication_year <= loaded_year
            where
                not is_large_collaboration
                -- two researchers of the roster are one pair
                and not (is_roster_coauthor and author_id > coauthor_id)
            group by author_id, coauthor_id
        )
        select
            authors.author_name as researcher,
            authors.department,
            coauthors.author_name as coauthor,
            pairs.since,
            pairs.papers
        from pairs
        inner join marts.dim_loads as loads
            on pairs.since between loads.last_finished_year - 4 and loads.last_finished_year
        inner join marts.dim_authors as authors on pairs.author_id = authors.author_id
        inner join marts.dim_authors as coauthors on pairs.coauthor_id = coauthors.author_id
        order by pairs.papers desc, authors.author_name, coauthors.author_name
        limit 5
        """,
    ),
    (
        "How open and how cited is the work of each department since 2015?",
        """
        with department_papers as (
            -- a paper of two colleagues counts once for their department
            select distinct
                authors.department,
                papers.paper_id,
                papers.is_open_access,
                papers.fwci,
                papers.openalex_citation_percentile
            from marts.fct_papers as papers
            inner join marts.dim_authors as authors on papers.author_id = authors.author_id
            inner join marts.dim_loads as loads
                on papers.publication_year between 2015 and loads.last_finished_year
        )
        select
            department,
            count(*) as papers,
            round(100.0 * avg(case when is_open_access then 1 else 0 end), 1) as percent_open_access,
            -- of field, type and year: departments of different fields can be compared
            round(cast(avg(fwci) as numeric), 2) as mean_fwci,
            round(cast(avg(openalex_citation_percentile) as numeric), 1) as mean_percentile_in_field
        from department_papers
        group by department
        order by papers desc
        """,
    ),
    (
        "With whom do people publish as their careers go on?",
        """
        select
            case
                when author_age < 5 then '1st to 5th year'
                when author_age < 10 then '6th to 10th year'
                when author_age < 20 then '11th to 20th year'
                else 'later'
            end as career,
            sum(collaboration_count) as collaborations,
            round(100.0 * sum(case when age_category = 'older' then collaboration_count else 0 end)
                / sum(collaboration_count), 1) as percent_with_older,
            round(100.0 * sum(case when age_category = 'same' then collaboration_count else 0 end)
                / sum(collaboration_count), 1) as percent_with_same_age,
            round(100.0 * sum(case when age_category = 'younger' then collaboration_count else 0 end)
                / sum(collaboration_count), 1) as percent_with_younger
        from marts.fct_coauthorships
        inner join marts.dim_loads on publication_year <= loaded_year
        where author_age >= 0
        group by 1
        order by min(author_age)
        """,
    ),
]


@dataclass(frozen=True)
class ServedSample:
    """Where the sample sources answer."""

    openalex_url: str
    semantic_scholar_url: str


@contextmanager
def serve_sample(day: int, data: Path) -> Iterator[ServedSample]:
    """Serves the sample institution as it is on that day, and what is known of its papers.

    Writes the roster to `data`.
    """
    data.mkdir(parents=True, exist_ok=True)
    write_roster(data / "roster.csv")
    catalogue = generate_catalogue(day=day)
    with OpenAlexServer(catalogue) as openalex, SemanticScholarServer(describe_papers(catalogue)) as semantic_scholar:
        yield ServedSample(openalex.url, semantic_scholar.url)


def prepare_environment(served: ServedSample, data: Path) -> None:
    """Points this process and its children at the samples, away from the user's warehouse, Postgres and keys."""
    for name in list(os.environ):
        if name.startswith(("PG", "SOURCES__")):
            del os.environ[name]
    os.environ.update(
        {
            "HEADWATER_DATA": str(data),
            "HEADWATER_WAREHOUSE": "",
            "HEADWATER_DOMAINS": "academic",
            # They test code and not data, and this code is as it was shipped: `make test` runs them.
            "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
            "SOURCES__OPENALEX__BASE_URL": served.openalex_url,
            "SOURCES__OPENALEX__ROSTER": str(data / "roster.csv"),
            "SOURCES__OPENALEX__INSTITUTION": "",
            "SOURCES__OPENALEX__API_KEY": "sample",
            "SOURCES__OPENALEX__REQUESTS_PER_SECOND": "1000",
            # One request each. Some are enough to show what they change.
            "SOURCES__OPENALEX__COAUTHOR_CREDITS": "400",
            "SOURCES__SEMANTIC_SCHOLAR__ENABLED": "true",
            "SOURCES__SEMANTIC_SCHOLAR__BASE_URL": served.semantic_scholar_url,
            "SOURCES__SEMANTIC_SCHOLAR__API_KEY": "sample",
            "SOURCES__SEMANTIC_SCHOLAR__REQUESTS_PER_SECOND": "1000",
        }
    )


def print_answers(server: Server, console: Console) -> None:
    """Answers the three questions from Postgres."""
    with server.connect() as connection, connection.cursor() as cursor:
        for question, sql in ANSWERS:
            cursor.execute(sql)
            table = Table(title=question, title_justify="left")
            for column in cursor.description or []:
                table.add_column(column.name.replace("percent_", "% ").replace("_", " "))
            for row in cursor.fetchall():
                table.add_row(*(escape(str(value)) for value in row))
            console.print()
            console.print(table)


def print_next_steps(server: Server, data: Path, day: int, console: Console) -> None:
    """How to look further."""
    shown = data.relative_to(ROOT) if data.is_relative_to(ROOT) else data
    console.print()
    console.print("To look further:", style="bold")
    if "VIRTUAL_ENV" not in os.environ:
        console.print("  . .venv/bin/activate  # first: the commands below are in it")
    console.print(f'  psql "{server.as_reader().url}"  # the marts, to read', soft_wrap=True)
    console.print(f"  HEADWATER_DATA={shown} headwater status", soft_wrap=True)
    if day == 1:
        console.print("  headwater demo --day 2  # a day later: only what changed is loaded")
    console.print(f"  HEADWATER_DATA={shown} make docs  # every table and column, with lineage", soft_wrap=True)
    console.print(f"  HEADWATER_DATA={shown} headwater postgres stop  # when you are done", soft_wrap=True)

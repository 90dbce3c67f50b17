"""`headwater demo`: the sample institution, and what is known of its papers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from loader.samples.demo import Demo
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.samples.semantic_scholar.records import describe_papers
from loader.samples.semantic_scholar.server import SemanticScholarServer

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


@contextmanager
def serve_institution(day: int, data: Path) -> Iterator[Mapping[str, str]]:
    """Serves the sample institution as it is on that day. Writes the roster to `data`."""
    write_roster(data / "roster.csv")
    catalogue = generate_catalogue(day=day)
    with OpenAlexServer(catalogue) as openalex, SemanticScholarServer(describe_papers(catalogue)) as semantic_scholar:
        yield {
            "SOURCES__OPENALEX__BASE_URL": openalex.url,
            "SOURCES__OPENALEX__ROSTER": str(data / "roster.csv"),
            "SOURCES__OPENALEX__INSTITUTION": "",
            "SOURCES__OPENALEX__API_KEY": "sample",
            "SOURCES__OPENALEX__REQUESTS_PER_SECOND": "1000",
            # One request each. Some are enough to show what they change.
            "SOURCES__OPENALEX__COAUTHOR_CREDITS": "400",
            "SOURCES__OPENALEX__DEFER_COAUTHORS_UP_TO": "0",
            "SOURCES__SEMANTIC_SCHOLAR__ENABLED": "true",
            "SOURCES__SEMANTIC_SCHOLAR__BASE_URL": semantic_scholar.url,
            "SOURCES__SEMANTIC_SCHOLAR__API_KEY": "sample",
            "SOURCES__SEMANTIC_SCHOLAR__REQUESTS_PER_SECOND": "1000",
        }


DEMO = Demo(
    domain="academic",
    folder="demo",
    serve=serve_institution,
    answers=ANSWERS,
    days=2,
    next_steps=(("headwater demo --day 2", "a day later: only what changed is loaded"),),
)

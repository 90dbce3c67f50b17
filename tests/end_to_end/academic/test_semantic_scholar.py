"""What Semantic Scholar knows reaches Postgres; without it, or if it fails, everything else works as before."""

from collections.abc import Iterator

import pytest

from loader.samples.faults import answer_status, delay
from loader.samples.openalex.catalogue import Record
from loader.samples.semantic_scholar.records import describe_papers
from loader.samples.semantic_scholar.server import SemanticScholarServer
from tests.support.publishing import HAND_OFF, PUBLISH
from tests.support.sample import Sample, serve_sample
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace

_COLUMNS = "fields_of_study, s2_fields_of_study, tldr, influential_citation_count"
_FILLED = f"select lower(doi), {_COLUMNS}, abstract, abstract_source from marts.fct_papers"


@pytest.fixture
def papers(published: Workspace) -> dict[str, Record]:
    return describe_papers(Sample(published).catalogue)


@pytest.fixture
def server(published: Workspace, papers: dict[str, Record]) -> Iterator[SemanticScholarServer]:
    with SemanticScholarServer(papers) as made:
        published.serve_papers(made.url)
        yield made


def test_what_it_knows_reaches_postgres_also_after_a_kill(
    published: Workspace, server: SemanticScholarServer, papers: dict[str, Record]
) -> None:
    # Published without it: the columns are there, and empty.
    before = published.query_postgres(_FILLED)
    assert before
    assert all(row[1:5] == (None,) * 4 for row in before)
    assert {row[6] for row in before} == {"openalex", None}
    known = {str(row[0]): row[5] for row in before}

    server.fail_next(delay())
    running = published.start("dlt", "pipeline", "semantic_scholar", "run")
    assert wait_until(lambda: server.requests, running)
    running.kill()
    assert "semantic_scholar.lookups" in published.run_well("dlt", "pipeline", "semantic_scholar", "run")
    published.run_well("dbt", "build", "--select", "source:semantic_scholar+")
    published.run_well(*HAND_OFF)
    published.run_well(*PUBLISH)

    after = published.query_postgres(_FILLED)
    assert sorted(row[0] for row in after) == sorted(row[0] for row in before)
    for url, *found, abstract, source in after:
        paper = papers.get(str(url).removeprefix("https://doi.org/"))
        assert found == describe(paper)
        if known[str(url)] is None and paper and paper["abstract"]:
            assert (abstract, source) == (paper["abstract"], "semantic_scholar")
        else:
            assert (abstract, source) == (known[str(url)], "openalex" if known[str(url)] else None)
    assert {row[6] for row in after} == {"openalex", "semantic_scholar", None}
    assert sum(found[3] is not None for _, *found in after) > len(after) / 2
    assert "DuckDB and Postgres hold the same marts." in published.run_well("headwater", "status")
    with published.open_duckdb() as connection:
        asked = connection.execute(
            "select sum(extracted_count) from raw_semantic_scholar.load_counts where resource = 'lookups'"
        ).fetchone()
        # The killed load left nothing: every DOI was answered once, in the load after it.
        assert asked == connection.execute("select count(*) from raw_semantic_scholar.lookups").fetchone()


def describe(paper: Record | None) -> list[object]:
    """The four columns of a paper, by plain Python."""
    if paper is None:
        return [None] * 4
    s2_names = sorted({each["category"] for each in paper["s2FieldsOfStudy"]})
    return [
        "; ".join(sorted(paper["fieldsOfStudy"])) if paper["fieldsOfStudy"] else None,
        "; ".join(s2_names) or None,
        paper["tldr"]["text"] if paper["tldr"] else None,
        paper["influentialCitationCount"],
    ]


def test_a_run_requests_it_only_if_enabled_and_its_failure_costs_openalex_nothing(workspace: Workspace) -> None:
    sample = Sample(workspace)
    with serve_sample(workspace, sample), SemanticScholarServer(describe_papers(sample.catalogue)) as server:
        workspace.serve_papers(server.url)
        server.fail_next(*[answer_status(503)] * 100)
        failed = workspace.run("dlt", "pipeline", "run")
        assert failed.status == 1
        assert "semantic_scholar: " in failed.output
        assert "answered 503" in failed.output
        assert "Traceback" not in failed.output
        with workspace.open_duckdb() as connection:
            works = connection.execute("select count(*) from raw_openalex.works").fetchone()
        assert works == (len(sample.roster_works),)

        server.requests.clear()
        del workspace.environment["SOURCES__SEMANTIC_SCHOLAR__ENABLED"]
        assert "semantic_scholar" not in workspace.run_well("dlt", "pipeline", "run")
        assert server.requests == []

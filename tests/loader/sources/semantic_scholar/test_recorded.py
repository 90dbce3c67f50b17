"""Recorded papers load as they are; only what names no paper is rejected."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from loader.samples.semantic_scholar.server import SemanticScholarServer
from loader.sources.semantic_scholar.models import Paper
from tests.support.semantic_scholar import PaperLoader
from tests.support.workspace import RECORDED

FOLDER = RECORDED / "semantic_scholar"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason=f"no recorded responses at {RECORDED}")


def read_papers() -> Iterator[dict[str, Any]]:
    """Every paper in every recorded answer, those in lists of citations, references and authors included."""
    for path in sorted(FOLDER.rglob("*.json*")):
        text = path.read_bytes()
        yield from find_papers(json.loads(gzip.decompress(text) if path.suffix == ".gz" else text))


def find_papers(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for each in value:
            yield from find_papers(each)
    elif isinstance(value, dict):
        if "paperId" in value:
            yield value
        for each in value.values():
            yield from find_papers(each)


def test_no_recorded_paper_is_rejected_but_those_without_an_id() -> None:
    papers = list(read_papers())
    nameless = [paper for paper in papers if paper["paperId"] is None]
    assert (len(papers), len(nameless)) == (13_735, 14)
    for paper in papers:
        if paper["paperId"] is not None:
            assert Paper.read(json.dumps(paper).encode()).key == paper["paperId"]


def test_recorded_papers_are_found_by_their_dois(loader: PaperLoader) -> None:
    whole = {
        paper["externalIds"]["DOI"].lower(): paper
        for paper in read_papers()
        if paper["paperId"] and "DOI" in (paper.get("externalIds") or {})
    }
    assert len(whole) > 500
    dois = sorted(whole)[:600]
    with duckdb.connect(str(loader.settings.warehouse)) as connection:
        work_ids = connection.execute("select id from raw_openalex.works order by id limit 600").fetchall()
        (author_id,) = connection.execute("select min(id) from raw_openalex.roster").fetchone() or ("",)
        connection.execute("delete from raw_openalex.works")
        connection.executemany(
            "insert into raw_openalex.works (id, record_hash, document, _dlt_load_id) values (?, '', ?, '')",
            [
                (work_id, json.dumps(describe_work(work_id, doi, author_id)))
                for (work_id,), doi in zip(work_ids, dois, strict=True)
            ],
        )
    with SemanticScholarServer(whole) as server:
        load = loader.load(base_url=server.url)
    assert load.error is None
    (counts,) = [row.counts for row in load.resources if row.resource == "papers"]
    assert (counts.extracted, counts.rejected) == (600, 0)
    assert {paper_id for _, paper_id in loader.read_lookups().values()} == loader.read_papers().keys()


def describe_work(work_id: str, doi: str, author_id: str) -> dict[str, Any]:
    authorships = [{"author": {"id": author_id}}]
    return {"id": work_id, "doi": f"https://doi.org/{doi}", "type": "article", "authorships": authorships}

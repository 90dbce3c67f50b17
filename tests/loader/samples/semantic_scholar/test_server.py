"""The stand-in answers as Semantic Scholar does, refusals included."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from loader.samples.openalex.catalogue import Catalogue, Record
from loader.samples.openalex.institution import generate_catalogue
from loader.samples.semantic_scholar.records import describe_papers
from loader.samples.semantic_scholar.server import SemanticScholarServer, refuse_pace


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return generate_catalogue(work_count=1000, roster_size=20)


@pytest.fixture(scope="module")
def papers(catalogue: Catalogue) -> dict[str, Record]:
    return describe_papers(catalogue)


@pytest.fixture
def server(papers: dict[str, Record]) -> Iterator[SemanticScholarServer]:
    with SemanticScholarServer(papers, api_keys=frozenset({"good"}), most_bytes=200_000) as made:
        yield made


def ask(server: SemanticScholarServer, ids: list[str], fields: str = "title", **headers: str) -> requests.Response:
    url = f"{server.url}/graph/v1/paper/batch"
    return requests.post(url, params={"fields": fields}, json={"ids": ids}, headers=headers, timeout=5)


def test_papers_come_in_the_places_of_their_ids_with_the_fields_requested(
    server: SemanticScholarServer, papers: dict[str, Record]
) -> None:
    first, second = sorted(papers)[:2]
    answer = ask(server, [f"DOI:{second}", "DOI:10.1/none", f"doi:{first.upper()}", papers[first]["paperId"]])
    assert answer.status_code == 200
    expected = [{name: papers[doi][name] for name in ("paperId", "title")} for doi in (second, first)]
    assert answer.json() == [expected[0], None, expected[1], expected[1]]


@pytest.mark.parametrize(
    ("ids", "fields", "error"),
    [
        (["DOI:10.1/none", "nonsense"], "title", "No valid paper ids given"),
        (["DOI:10.1/none"], "title,nonsense", "Unrecognized or unsupported fields: [nonsense]"),
        (["DOI:10.1/none"] * 501, "title", "Too many ids"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    server: SemanticScholarServer, ids: list[str], fields: str, error: str
) -> None:
    answer = ask(server, ids, fields)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(error)


def test_a_large_answer_is_refused_and_its_half_is_not(
    server: SemanticScholarServer, papers: dict[str, Record]
) -> None:
    ids = [f"DOI:{doi}" for doi in sorted(papers)[:400]]
    refused = ask(server, ids, "title,abstract")
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("Response would exceed maximum size")
    assert len(ask(server, ids[:200], "title,abstract").json()) == 200


def test_keys_and_pace_are_refused_as_by_its_gateway(server: SemanticScholarServer, papers: dict[str, Record]) -> None:
    ids = [f"DOI:{min(papers)}"]
    statuses = [ask(server, ids).status_code, ask(server, ids, **{"x-api-key": "good"}).status_code]
    assert statuses == [200, 200]
    refused = ask(server, ids, **{"x-api-key": "bad"})
    assert (refused.status_code, refused.json()) == (403, {"message": "Forbidden"})
    server.fail_next(refuse_pace())
    too_soon = ask(server, ids)
    assert too_soon.status_code == 429
    assert too_soon.json()["code"] == "429"
    assert "Retry-After" not in too_soon.headers


def test_the_sample_has_what_makes_look_ups_hard(catalogue: Catalogue, papers: dict[str, Record]) -> None:
    dois = {work["doi"].removeprefix("https://doi.org/") for work in catalogue.works if work["doi"]}
    assert papers.keys() < dois
    assert len({paper["paperId"] for paper in papers.values()}) < len(papers)

    def count(field: str) -> int:
        return sum(paper[field] is None for paper in papers.values())

    assert all(0 < count(field) < len(papers) for field in ("tldr", "fieldsOfStudy", "openAccessPdf"))
    assert describe_papers(catalogue) == papers


def test_a_paper_has_the_shape_of_a_recorded_one(papers: dict[str, Record]) -> None:
    paper: dict[str, Any] = next(each for each in papers.values() if each["tldr"] and each["openAccessPdf"])
    assert len(paper["paperId"]) == 40
    assert set(paper["externalIds"]) == {"DOI", "CorpusId"}
    assert set(paper["tldr"]) == {"model", "text"}
    assert all(set(each) == {"category", "source"} for each in paper["s2FieldsOfStudy"])

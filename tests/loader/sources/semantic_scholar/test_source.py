"""Every paper of the roster is requested once, in Semantic Scholar's protocol, and again when it is due."""

from dataclasses import astuple
from pathlib import Path

import duckdb
import pytest

from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.samples.openalex.catalogue import Record
from loader.samples.semantic_scholar.server import SemanticScholarServer
from loader.sources import select_sources
from loader.sources.contract import RunOptions
from tests.support.loading import narrow
from tests.support.semantic_scholar import PaperLoader


def test_every_paper_of_the_roster_is_requested_once_and_what_is_known_is_in_raw(
    loader: PaperLoader, server: SemanticScholarServer, expected_dois: set[str], papers: dict[str, Record]
) -> None:
    load = loader.load()
    assert load.error is None
    asked = [doi for batch in server.list_asked() for doi in batch]
    assert len(asked) == len(set(asked))
    assert set(asked) == {f"DOI:{doi}" for doi in expected_dois}
    assert [len(batch) for batch in server.list_asked()] == [500, len(expected_dois) - 500]

    known = {doi: papers[doi] for doi in expected_dois & papers.keys()}
    unknown = expected_dois - papers.keys()
    assert unknown
    assert loader.read_lookups() == {
        **{doi: ("found", paper["paperId"]) for doi, paper in known.items()},
        **dict.fromkeys(unknown, ("not_found", None)),
    }
    assert loader.read_papers() == {paper["paperId"]: paper for paper in known.values()}


def test_two_dois_of_one_paper_make_one_paper_and_two_lookups(
    loader: PaperLoader, expected_dois: set[str], papers: dict[str, Record]
) -> None:
    known = [papers[doi]["paperId"] for doi in expected_dois & papers.keys()]
    assert len(set(known)) < len(known)
    counts = {row.resource: row.counts for row in loader.load().resources}
    assert counts["papers"].new == len(set(known))
    assert counts["papers"].repeated == len(known) - len(set(known))
    assert loader.ask("select count(*), count(distinct id) from raw_semantic_scholar.papers") == [
        (len(set(known)),) * 2
    ]


def test_a_second_load_requests_nothing_and_writes_nothing(loader: PaperLoader, server: SemanticScholarServer) -> None:
    loader.load()
    lookups, requests = loader.read_lookups(), len(server.requests)
    load = loader.load()
    assert load.error is None
    assert [set(astuple(row.counts)) for row in load.resources] == [{0}, {0}]
    assert len(server.requests) == requests
    assert loader.read_lookups() == lookups


@pytest.mark.parametrize(("status", "days"), [("found", 30), ("not_found", 90)])
def test_an_answer_is_requested_again_when_it_is_old(
    loader: PaperLoader, server: SemanticScholarServer, status: str, days: int
) -> None:
    loader.load()
    of_status = {f"DOI:{doi}" for doi, (found, _) in loader.read_lookups().items() if found == status}
    server.requests.clear()
    loader.age_lookups(status, days - 0.1)
    loader.load()
    assert server.requests == []
    loader.age_lookups(status, days + 0.1)
    loader.load()
    assert {doi for batch in server.list_asked() for doi in batch} == of_status


def test_a_full_refresh_requests_everything_again_and_a_run_can_be_estimated(
    loader: PaperLoader,
    server: SemanticScholarServer,
    expected_dois: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With an institution, the members are those in raw.
    monkeypatch.setenv("SOURCES__OPENALEX__INSTITUTION", "I136199984")
    requests = -(-len(expected_dois) // 500)
    assert [estimate.at_least for estimate in loader.estimate().parts] == [requests]
    assert server.requests == []
    loader.load()
    assert [estimate.at_least for estimate in loader.estimate().parts] == [0]
    assert loader.estimate(RunOptions(is_full_refresh=True)).at_least == requests
    server.requests.clear()
    assert loader.load(RunOptions(is_full_refresh=True)).error is None
    asked = [doi for batch in server.list_asked() for doi in batch]
    assert sorted(asked) == sorted(f"DOI:{doi}" for doi in expected_dois)


def test_a_run_of_single_authors_leaves_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__OPENALEX__ROSTER", "roster.csv")
    monkeypatch.setenv("SOURCES__SEMANTIC_SCHOLAR__ENABLED", "true")
    of_one = narrow("author", "A5023888391")
    assert [entry.name for entry in select_sources(None)] == ["openalex", "semantic_scholar"]
    assert [entry.name for entry in select_sources(None, of_one)] == ["openalex"]
    with pytest.raises(
        HeadwaterError, match="semantic_scholar cannot be narrowed by --author; it takes no such option"
    ):
        select_sources("semantic_scholar", of_one)


def test_a_paper_that_appears_is_found_and_one_that_changed_is_renewed(
    loader: PaperLoader, server: SemanticScholarServer
) -> None:
    loader.load()
    lookups = loader.read_lookups()
    new = min(doi for doi, (status, _) in lookups.items() if status == "not_found")
    cited = min(doi for doi, (status, _) in lookups.items() if status == "found")
    server.papers[new] = {**server.papers[cited], "paperId": "f" * 40, "title": "Found at last"}
    server.papers[cited] = {**server.papers[cited], "influentialCitationCount": 99_999}
    loader.age_lookups("not_found", 91)
    loader.age_lookups("found", 31)
    counts = {row.resource: row.counts for row in loader.load().resources}
    assert (counts["papers"].new, counts["papers"].changed) == (1, 1)
    assert loader.read_lookups()[new] == ("found", "f" * 40)
    papers = loader.read_papers()
    assert papers["f" * 40]["title"] == "Found at last"
    assert papers[server.papers[cited]["paperId"]]["influentialCitationCount"] == 99_999


def test_works_of_former_members_and_what_is_no_doi_are_not_requested(
    loader: PaperLoader, server: SemanticScholarServer, expected_dois: set[str]
) -> None:
    with duckdb.connect(str(loader.settings.warehouse)) as connection:
        for old, new in (
            (min(expected_dois), "10.1234/has a space"),
            (max(expected_dois), "none"),
        ):
            connection.execute(
                "update raw_openalex.works"
                " set document = replace(document::varchar, $old, $new), summary = replace(summary, $old, $new)",
                {"old": f"org/{old}", "new": f"org/{new}"},
            )
        connection.execute(
            "update raw_openalex.roster set document = replace(document::varchar, 'true', 'false')"
            " where id != (select min(id) from raw_openalex.roster)"
        )
        rows = connection.execute(
            "select document ->> '$.doi' from raw_openalex.works"
            " where contains(document::varchar, (select min(id) from raw_openalex.roster))"
        ).fetchall()
    of_the_one_left = {str(doi).removeprefix("https://doi.org/") for (doi,) in rows}
    assert loader.load().error is None
    asked = {doi.removeprefix("DOI:") for batch in server.list_asked() for doi in batch}
    assert asked == of_the_one_left & expected_dois
    assert 0 < len(asked) < len(expected_dois) / 2


def test_without_openalex_there_is_nothing_to_request_and_that_is_said(
    tmp_path: Path, server: SemanticScholarServer, capsys: pytest.CaptureFixture[str]
) -> None:
    loader = PaperLoader(read_settings({"HEADWATER_DATA": str(tmp_path / "empty")}), server)
    assert loader.load().error is None
    assert "No works of OpenAlex are loaded yet" in capsys.readouterr().out
    assert server.requests == []
    assert loader.ask("select count(*) from raw_semantic_scholar.papers") == [(0,)]


def test_the_key_goes_into_its_header_and_batches_are_posted_as_json(
    loader: PaperLoader, server: SemanticScholarServer
) -> None:
    assert loader.load(api_key="a-good-key").error is None
    assert {request.headers["x-api-key"] for request in server.requests} == {"a-good-key"}
    assert {request.headers["content-type"] for request in server.requests} == {"application/json"}
    assert not any("a-good-key" in str(request.parameters) + request.body.decode() for request in server.requests)

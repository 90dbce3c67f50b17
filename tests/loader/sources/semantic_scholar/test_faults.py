"""A refusal or a broken answer of Semantic Scholar costs no other answer: the next run requests the rest."""

from collections.abc import Callable

import duckdb
import orjson
import pytest

from loader.raw.rejects import list_open
from loader.raw.warehouse import RawSchema
from loader.samples.faults import Answer, Fault, Request, answer_status
from loader.samples.openalex.catalogue import Record
from loader.samples.semantic_scholar.server import SemanticScholarServer, refuse_pace
from tests.support.semantic_scholar import PaperLoader

_ATTEMPTS = 5  # of the session, for one request


def change_answer(change: Callable[[list[Record | None]], object]) -> Fault:
    """The true answer, changed."""
    return lambda _, answer: Answer(200, orjson.dumps(change(orjson.loads(answer.body))))


NOT_READ = answer_status(400, {"error": "Cannot parse the request body"})
SHORTER = change_answer(lambda records: records[:-1])
LONGER = change_answer(lambda records: [*records, None])


def test_an_answer_that_would_be_too_large_is_requested_in_halves(
    loader: PaperLoader, papers: dict[str, Record], expected_dois: set[str]
) -> None:
    with SemanticScholarServer(papers, most_bytes=100_000) as small:
        assert loader.load(base_url=small.url).error is None
        answered = {doi for batch in small.list_asked() for doi in batch}
        lengths = [len(batch) for batch in small.list_asked()]
    assert answered == {f"DOI:{doi}" for doi in expected_dois}
    assert lengths[:3] == [500, 250, 125]
    assert loader.read_lookups().keys() == expected_dois
    # What was too large once is not tried again: every request but the first refusals brings an answer.
    assert sum(length for length in lengths if length <= lengths[-2]) == len(expected_dois)


def test_one_paper_too_large_by_itself_is_reported(loader: PaperLoader, papers: dict[str, Record]) -> None:
    with SemanticScholarServer(papers, most_bytes=10) as tiny:
        error = loader.load(base_url=tiny.url).error
    assert error is not None
    assert "Response would exceed maximum size" in error


def test_papers_too_large_by_themselves_keep_no_other_from_its_answer(
    loader: PaperLoader, papers: dict[str, Record], expected_dois: set[str]
) -> None:
    known = sorted(expected_dois & papers.keys())
    large = {doi: {**papers[doi], "abstract": "x" * 2_000_000} for doi in (known[3], known[-3])}
    with SemanticScholarServer(papers | large, most_bytes=2_000_000) as small:
        error = loader.load(base_url=small.url).error or ""
        assert error.startswith(f"2 of {len(expected_dois)} DOIs were not answered")
        assert "Response would exceed maximum size" in error
        # The paper that is too large does not make the batches after it smaller.
        assert len(small.requests) < 50
        assert loader.read_lookups().keys() == expected_dois - large.keys()
        small.requests.clear()
        assert (loader.load(base_url=small.url).error or "").startswith("2 of 2 DOIs")
    assert loader.load().error is None
    assert loader.read_lookups().keys() == expected_dois


def test_a_batch_of_which_nothing_is_known_is_remembered_as_not_found(
    loader: PaperLoader, expected_dois: set[str]
) -> None:
    with SemanticScholarServer({}) as empty:
        assert loader.load(base_url=empty.url).error is None
        requests = len(empty.requests)
        assert loader.load(base_url=empty.url).error is None
        assert len(empty.requests) == requests == 2
    assert loader.read_lookups() == dict.fromkeys(expected_dois, ("not_found", None))


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(refuse_pace(), id="too many requests"),
        pytest.param(answer_status(504, {"message": "Endpoint request timed out"}), id="a time-out of the server"),
        pytest.param(answer_status(200, {"message": "Internal Server Error"}), id="an error inside a 200"),
        pytest.param(SHORTER, id="a shorter list than asked for"),
        pytest.param(LONGER, id="a longer list than asked for"),
        pytest.param(change_answer(lambda records: {"data": records}), id="a list inside an object"),
    ],
)
def test_a_passing_fault_is_waited_out(
    loader: PaperLoader, server: SemanticScholarServer, expected_dois: set[str], fault: Fault
) -> None:
    server.fail_next(fault, fault)
    assert loader.load().error is None
    assert loader.read_lookups().keys() == expected_dois
    assert len(server.requests) == 2 + 2


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        pytest.param(refuse_pace(), _ATTEMPTS, id="too many requests"),
        pytest.param(SHORTER, _ATTEMPTS, id="a shorter list"),
        pytest.param(NOT_READ, 1, id="a refusal"),
    ],
)
def test_a_batch_without_an_answer_keeps_no_other_from_its_own_and_is_requested_next_time(
    loader: PaperLoader, server: SemanticScholarServer, expected_dois: set[str], fault: Fault, requests: int
) -> None:
    server.fail_next(*[fault] * requests)
    load = loader.load()
    assert load.error is not None
    assert load.error.startswith(f"500 of {len(expected_dois)} DOIs were not answered")
    assert {row.resource for row in load.resources} == {"papers", "lookups"}
    assert len(server.requests) == requests + 1
    failed, answered = server.list_asked()[0], server.list_asked()[-1]
    assert {f"DOI:{doi}" for doi in loader.read_lookups()} == set(answered)
    server.requests.clear()
    assert loader.load().error is None
    assert server.list_asked() == [failed]
    assert loader.read_lookups().keys() == expected_dois


def test_batches_that_are_refused_in_every_run_keep_no_other_from_its_own(
    loader: PaperLoader, server: SemanticScholarServer, expected_dois: set[str]
) -> None:
    with duckdb.connect(str(loader.settings.warehouse)) as connection:
        connection.execute(
            "insert into raw_openalex.works by name select * replace (id || '0' as id,"
            " replace(document::varchar, '/doi.org/10.', '/doi.org/10.9')::json as document,"
            " replace(summary, '/doi.org/10.', '/doi.org/10.9') as summary) from raw_openalex.works"
        )
    dois = sorted(expected_dois | {doi.replace("10.", "10.9", 1) for doi in expected_dois})
    # The first of the first two batches: requested at the same position every time.
    bad = {f"DOI:{dois[0]}", f"DOI:{dois[500]}"}

    def refuse_bad(request: Request, answer: Answer) -> Answer:
        return NOT_READ(request, answer) if bad & set(orjson.loads(request.body)["ids"]) else answer

    server.fail_next(*[refuse_bad] * 20)
    for batches in (-(-len(dois) // 500), 2):
        server.requests.clear()
        error = loader.load().error or ""
        assert error.startswith("1,000 of ")
        assert "Cannot parse the request body" in error
        assert len(server.requests) == batches
        assert loader.read_lookups().keys() == set(dois[1000:])


def test_a_server_that_is_down_is_not_sent_every_batch(
    loader: PaperLoader, server: SemanticScholarServer, expected_dois: set[str]
) -> None:
    server.fail_next(*[answer_status(503)] * 100)
    load = loader.load()
    assert load.error is not None
    assert "answered 503" in load.error
    assert len(server.requests) == 2 * _ATTEMPTS
    assert loader.read_lookups() == {}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (answer_status(400, {"error": "Unrecognized or unsupported fields: [tldr]"}), "[tldr]"),
        (answer_status(403, {"message": "Forbidden"}), "sources.semantic_scholar.api_key"),
        (answer_status(401, {"message": "Unauthorized"}), "sources.semantic_scholar.api_key"),
    ],
    ids=["a field that is gone", "a key that is refused", "a key that is wanted"],
)
def test_what_waiting_cannot_mend_ends_the_run_at_once_and_what_came_before_is_kept(
    loader: PaperLoader, server: SemanticScholarServer, fault: Fault, told: str
) -> None:
    server.fail_next(fault, lambda _, answer: answer, fault)
    for requests in (1, 1 + 2):
        error = loader.load().error
        assert error is not None
        assert told in error
        assert "\n" not in error
        assert len(server.requests) == requests
    assert len(loader.read_lookups()) == 500


def test_a_bad_key_is_refused_in_one_line_without_the_key(loader: PaperLoader, server: SemanticScholarServer) -> None:
    error = loader.load(api_key="a-bad-key").error
    assert error is not None
    assert "sources.semantic_scholar.api_key" in error
    assert "a-bad-key" not in error


def test_a_bad_record_is_rejected_alone_and_its_paper_is_known_by_its_id(
    loader: PaperLoader, server: SemanticScholarServer, expected_dois: set[str], papers: dict[str, Record]
) -> None:
    known = sorted(expected_dois & papers.keys())
    wrong, not_json, nameless = known[:3]

    def spoil(_: Request, answer: Answer) -> Answer:
        body = answer.body
        body = _replace_once(body, papers[wrong], {**papers[wrong], "influentialCitationCount": "many"})
        body = _replace_once(body, papers[not_json], {**papers[not_json], "citationCount": "NaN"})
        body = _replace_once(body, papers[nameless], {**papers[nameless], "paperId": None})
        return Answer(200, body.replace(b'"citationCount":"NaN"', b'"citationCount":NaN'))

    server.fail_next(spoil)
    load = loader.load()
    assert load.error is None
    (counts,) = [row.counts for row in load.resources if row.resource == "papers"]
    assert counts.rejected == 3
    rejected = {papers[doi]["paperId"] for doi in (wrong, not_json, nameless)}
    others = {papers[doi]["paperId"] for doi in known} - rejected
    assert others <= loader.read_papers().keys()
    lookups = loader.read_lookups()
    assert lookups[wrong] == ("found", papers[wrong]["paperId"])
    told = loader.ask("select record_id from raw_semantic_scholar.rejected_records where record_id is not null")
    assert {key for (key,) in told} == {papers[wrong]["paperId"], papers[not_json]["paperId"]}
    # An answer without a paper id is no answer: it is requested again.
    assert expected_dois - lookups.keys() == {not_json, nameless}
    server.requests.clear()
    assert loader.load().error is None
    assert server.list_asked() == [[f"DOI:{doi}" for doi in sorted((not_json, nameless))]]
    assert loader.read_lookups().keys() == expected_dois
    loader.age_lookups("found", days=31)
    assert loader.load().error is None
    with duckdb.connect(str(loader.settings.warehouse), read_only=True) as connection:
        still_open = list_open(RawSchema(connection, "raw_semantic_scholar"))
    # A later load brought the fixed record; the one without an id cannot be matched to a paper.
    assert [reject.record_id for reject in still_open] == [None]


def _replace_once(body: bytes, record: Record, replacement: Record) -> bytes:
    """The answer with another record in the place of the one with this id."""
    records = orjson.loads(body)
    place = next(index for index, each in enumerate(records) if each and each["paperId"] == record["paperId"])
    records[place] = replacement
    return orjson.dumps(records)

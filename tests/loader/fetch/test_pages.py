"""Every way of paging brings every record of a list, or an error that says what went wrong."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.fetch.pages import Page, read_pages
from loader.fetch.paging import Cursor, CursorRefusedError, Header, LinkHeader, Offset, PageNumber, Place
from loader.fetch.refusals import Refusal
from loader.samples.faults import Answer, Fault, Request, answer_status, cut_body, truncate_json
from tests.support.paged import (
    COUNTED_BY_CLIENT,
    NAMED_BY_SERVER,
    WAYS,
    build_session,
    change_body,
    end_early,
    lead_back,
    leave_alone,
    list_records,
    serve,
)
from tests.support.scripted import ScriptedServer, give

TEN = list_records(10)
EMPTY = change_body(results=[])
TOTAL = "meta.count"


class Reader:
    """Reads the list of a server and keeps the pages and the warnings."""

    def __init__(self, server: ScriptedServer, way: str, **changed: Any) -> None:
        self.warnings: list[str] = []
        self.pages: list[Page] = []
        self._session = build_session(server.url, warn=self.warnings.append)
        self._options = {"records": "results", "paging": WAYS[way], "total": TOTAL, **changed}

    def read(self) -> list[dict[str, Any]]:
        """The records as they came; the pages are kept also if the list fails."""
        for page in read_pages(self._session, "/list", {"per_page": "3"}, **self._options):
            self.pages.append(page)
        return [orjson.loads(record) for page in self.pages for record in page.records]


def list_ids(records: Sequence[dict[str, Any]]) -> list[str]:
    return [record["id"] for record in records]


@pytest.mark.parametrize(
    "total", [None, TOTAL, Header("X-Total-Count")], ids=["no total", "in the body", "in a header"]
)
@pytest.mark.parametrize("count", [0, 1, 9, 10])
@pytest.mark.parametrize("way", WAYS)
def test_every_record_comes_once_in_every_way_of_paging(way: str, count: int, total: Place | None) -> None:
    records = list_records(count)
    with ScriptedServer(serve(records)) as server:
        reader = Reader(server, way, total=total)
        assert reader.read() == records
        assert {request.parameters["per_page"] for request in server.requests} == {"3"}
        # Without a total or a last page, an empty page ends the list.
        unknown_end = total is None and way in COUNTED_BY_CLIENT and way != "a page number of so many"
        assert len(server.requests) == max(1, -(-count // 3)) + (1 if unknown_end and count else 0)
    assert {page.expected for page in reader.pages} == {None if total is None else count}
    assert reader.warnings == []


def test_a_list_may_come_in_one_answer() -> None:
    with ScriptedServer(give([{"id": 1}, {"id": 2}])) as server:
        (page,) = read_pages(build_session(server.url), "/list", records="")
        assert page == Page([b'{"id":1}', b'{"id":2}'])
        (request,) = server.requests
        assert request.parameters == {}


@pytest.mark.parametrize("way", WAYS)
def test_faults_of_single_answers_leave_no_trace(way: str) -> None:
    faults = [answer_status(503), truncate_json(), leave_alone, cut_body(), answer_status(200, {"error": "Failed"})]
    with ScriptedServer(serve(TEN), *faults) as server:
        reader = Reader(server, way)
        assert reader.read() == TEN
    assert reader.warnings == []


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        pytest.param([leave_alone, end_early], "ended after 6 of 10 records", id="an early end"),
        pytest.param([leave_alone, lead_back], "leads back to a page already read", id="a loop"),
        pytest.param([EMPTY], "ended after 7 of 10 records", id="an empty page at the start"),
        pytest.param([leave_alone, EMPTY], "ended after 7 of 10 records", id="an empty page"),
        pytest.param(
            [leave_alone, change_body(results=TEN[:3])], "ended after 7 of 10 records", id="a page in place of another"
        ),
        pytest.param(
            [leave_alone, change_body(results=TEN[2:5])], "ended after 9 of 10 records", id="a record that moves"
        ),
        *(
            pytest.param(
                [leave_alone, answer_status(status)], "cannot be continued after 3 of 10 records", id=f"status {status}"
            )
            for status in (400, 404, 410, 422)
        ),
    ],
)
@pytest.mark.parametrize("way", NAMED_BY_SERVER)
def test_a_list_that_goes_wrong_is_read_again(way: str, faults: Sequence[Fault], told: str) -> None:
    with ScriptedServer(serve(TEN), *faults) as server:
        reader = Reader(server, way)
        records = reader.read()
    assert records[-10:] == TEN
    assert reader.warnings == [f"{server.url}/list {told}; it is read again from its start."]
    assert reader.pages[-1].expected == len(records)


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        pytest.param(
            [leave_alone, change_body(results=TEN[:3])], "ended after 7 of 10 records", id="a page in place of another"
        ),
        pytest.param(
            [leave_alone, answer_status(404)], "cannot be continued after 3 of 10 records", id="a page that is refused"
        ),
        pytest.param([EMPTY] * 3, "has 3 empty pages in a row", id="empty pages"),
    ],
)
@pytest.mark.parametrize("way", COUNTED_BY_CLIENT)
def test_a_counted_list_that_goes_wrong_is_read_again(way: str, faults: Sequence[Fault], told: str) -> None:
    with ScriptedServer(serve(TEN), *faults) as server:
        reader = Reader(server, way)
        assert reader.read()[-10:] == TEN
    assert reader.warnings == [f"{server.url}/list {told}; it is read again from its start."]


@pytest.mark.parametrize("way", COUNTED_BY_CLIENT)
def test_a_page_that_comes_empty_before_the_end_is_requested_again(way: str) -> None:
    with ScriptedServer(serve(TEN), leave_alone, EMPTY, EMPTY) as server:
        reader = Reader(server, way)
        assert reader.read() == TEN
        assert len(server.requests) == 4 + 2
    assert reader.warnings == []


@pytest.mark.parametrize("way", [name for name in COUNTED_BY_CLIENT if name != "a page number of so many"])
def test_a_server_that_ignores_the_page_is_noticed_without_a_total(way: str) -> None:
    first = {"meta": {"count": 10}, "results": TEN[:3]}
    with ScriptedServer(give(first)) as server:
        reader = Reader(server, way, total=None)
        with pytest.raises(HeadwaterError, match="/list leads back to a page already read, and was read 3 times"):
            reader.read()
        assert len(server.requests) == 3 * 2


@pytest.mark.parametrize(
    ("fault", "told", "requests"),
    [
        pytest.param(lead_back, "leads back to a page already read", None, id="a loop"),
        pytest.param(EMPTY, "has 3 empty pages in a row", 9, id="empty pages"),
        pytest.param(end_early, "ended after 3 of 10 records", 3, id="an early end"),
    ],
)
@pytest.mark.parametrize("way", NAMED_BY_SERVER)
def test_a_list_that_goes_wrong_each_time_is_given_up(way: str, fault: Fault, told: str, requests: int | None) -> None:
    with ScriptedServer(serve(TEN), *[fault] * 100) as server:
        reader = Reader(server, way, name="The list of records")
        with pytest.raises(HeadwaterError, match=f"^The list of records {told}, and was read 3 times. Try again later"):
            reader.read()
        assert len(server.requests) <= (requests or 6)
    assert reader.warnings == [f"The list of records {told}; it is read again from its start."] * 2


def test_a_list_that_goes_on_without_end_is_left() -> None:
    def serve_forever(request: Request) -> Answer:
        meta = {"count": 2, "next": request.parameters["cursor"] + "*"}
        return give({"meta": meta, "results": TEN[:2]})(request)

    with ScriptedServer(serve_forever) as server:
        with pytest.raises(HeadwaterError, match="continues after 106 records, of 2, and was read 3 times"):
            Reader(server, "a cursor").read()
        assert len(server.requests) == 3 * 53


def test_records_that_a_server_counts_twice_are_accepted_with_a_warning() -> None:
    with ScriptedServer(serve([*TEN, *TEN[:2]])) as server:
        reader = Reader(server, "a cursor")
        assert len(reader.read()) == 2 * 12
    assert reader.warnings == [
        f"{server.url}/list ended after 10 of 12 records; it is read again from its start.",
        f"{server.url}/list counts 12 records and has 10: it was read twice, and some came more than once.",
    ]


def test_a_list_may_lack_a_thousandth_of_its_total() -> None:
    with ScriptedServer(serve(list_records(2000)), *[change_body(meta={"count": 2002})] * 667) as server:
        reader = Reader(server, "a cursor")
        assert len(reader.read()) == 2000
    assert reader.warnings == []


@pytest.mark.parametrize("key", ["data.id", None])
def test_records_are_distinguished_by_a_nested_key_or_as_a_whole(key: str | None) -> None:
    nested = [{"data": record} for record in TEN]
    with ScriptedServer(serve(nested), leave_alone, change_body(results=nested[2:5])) as server:
        reader = Reader(server, "a cursor", key=key)
        assert reader.read()[-10:] == nested
    assert len(reader.warnings) == 1


def test_a_record_that_comes_again_with_other_values_stands_for_no_other() -> None:
    moved = [{**TEN[2], "title": "Changed"}, *TEN[3:5]]
    with ScriptedServer(serve(TEN), leave_alone, change_body(results=moved)) as server:
        reader = Reader(server, "a cursor")
        assert reader.read()[-10:] == TEN
    assert reader.warnings == [f"{server.url}/list ended after 9 of 10 records; it is read again from its start."]


def test_a_first_page_that_is_refused_ends_the_list_at_once() -> None:
    with ScriptedServer(give({"message": "No such filter"}, 400)) as server:
        with pytest.raises(HeadwaterError, match="/list answered 400: No such filter"):
            Reader(server, "a cursor").read()
        assert len(server.requests) == 1


def explain_cursor(refusal: Refusal) -> HeadwaterError:
    return (CursorRefusedError if "Cursor" in refusal.message else StopLoadingError)(refusal.message)


def test_a_source_says_which_refusal_is_an_expired_cursor() -> None:
    expired = answer_status(403, {"message": "Cursor expired"})
    with ScriptedServer(serve(TEN), leave_alone, expired) as server:
        session = build_session(server.url, explain=explain_cursor)
        pages = read_pages(session, "/list", records="results", paging=WAYS["a cursor"], total=TOTAL)
        assert len(list(pages)) == 1 + 4


def test_any_other_error_of_a_source_ends_the_list() -> None:
    with ScriptedServer(serve(TEN), leave_alone, answer_status(403, {"message": "No such plan"})) as server:
        session = build_session(server.url, explain=explain_cursor)
        with pytest.raises(StopLoadingError, match="No such plan"):
            list(read_pages(session, "/list", records="results", paging=WAYS["a cursor"], total=TOTAL))
        assert len(server.requests) == 2


def test_what_is_done_before_each_request_may_end_the_list() -> None:
    left = iter([True, True, False])

    def require_credit() -> None:
        if not next(left):
            raise StopLoadingError("The budget is used up.")

    with ScriptedServer(serve(TEN)) as server:
        reader = Reader(server, "an offset", before_request=require_credit)
        with pytest.raises(StopLoadingError):
            reader.read()
        assert len(reader.pages) == len(server.requests) == 2


@pytest.fixture
def other() -> Iterator[ScriptedServer]:
    with ScriptedServer(serve(TEN)) as server:
        yield server


@pytest.mark.parametrize(
    "write_address",
    [
        pytest.param(lambda other: f"{other}/list?cursor=c3", id="another port"),
        pytest.param(lambda other: "//127.0.0.1:9/list", id="without a scheme"),
        pytest.param(lambda other: other.replace("http:", "https:"), id="another scheme"),
        pytest.param(lambda other: "http://[", id="no address"),
        pytest.param(lambda other: "file:///etc/passwd", id="a file"),
    ],
)
def test_a_link_to_another_server_is_not_followed(other: ScriptedServer, write_address: Callable[[str], str]) -> None:
    link = answer_status(200, {"results": TEN[:3]}, headers={"Link": f'<{write_address(other.url)}>; rel="next"'})
    with ScriptedServer(serve(TEN), link) as server:
        with pytest.raises(HeadwaterError, match="leads to an address on another server, which is not followed"):
            Reader(server, "a Link header", total=None).read()
        assert len(server.requests) == 1
    assert other.requests == []


@pytest.mark.parametrize("rel", ['rel="next"', "rel=next", 'rel="last next"; title="more"'])
@pytest.mark.parametrize("base", ["", "{url}", "{url}/v1"])
def test_a_link_replaces_path_and_parameters(base: str, rel: str) -> None:
    def answer(request: Request) -> Answer:
        link = f"<{base.format(url=server.url)}/v1/more?after=3&per_page=3>; {rel}".replace("/v1/v1", "/v1")
        headers = {} if request.path == "/v1/more" else {"Link": link}
        return Answer(200, orjson.dumps(TEN[:3] if headers else TEN[3:6]), headers)

    with ScriptedServer(answer) as server:
        session = build_session(f"{server.url}/v1")
        pages = list(read_pages(session, "/list", {"sort": "id"}, records="", paging=LinkHeader()))
        assert [len(page.records) for page in pages] == [3, 3]
        assert server.requests[1].path == "/v1/more"
        assert server.requests[1].parameters == {"after": "3", "per_page": "3"}


def test_a_cursor_that_never_ends_ends_with_an_empty_page() -> None:
    """Kraken's trades: the cursor of the last page leads to an empty one that repeats it."""

    def answer(request: Request) -> Answer:
        since = int(request.parameters["since"])
        trades = [["1.0", "2.0", number] for number in range(since + 1, 8)][:3]
        return give({"error": [], "result": {"XXBTZUSD": trades, "last": str(trades[-1][2] if trades else since)}})(
            request
        )

    with ScriptedServer(answer) as server:
        paging = Cursor(parameter="since", start="0", next="result.last", stays_at_end=True)
        pages = list(
            read_pages(build_session(server.url), "/0/public/Trades", records="result.XXBTZUSD", paging=paging)
        )
        assert [orjson.loads(record)[2] for page in pages for record in page.records] == [1, 2, 3, 4, 5, 6, 7]
        assert [request.parameters["since"] for request in server.requests] == ["0", "3", "6", "7"]


def test_the_size_of_the_pages_is_the_servers() -> None:
    """A server may send fewer records than requested: none is skipped."""
    with ScriptedServer(serve(TEN)) as server:
        session = build_session(server.url)
        for paging in (Offset("offset"), PageNumber("page")):
            pages = read_pages(session, "/list", {"limit": "500"}, records="results", paging=paging)
            assert [orjson.loads(record) for page in pages for record in page.records] == TEN

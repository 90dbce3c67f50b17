"""The session waits where waiting helps, stops where it does not, and never takes a broken answer for a whole one."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loader.base.errors import HeadwaterError
from loader.fetch.allowance import DailyAllowance
from loader.fetch.refusals import Refusal, RefusedError
from loader.fetch.session import USER_AGENT, HttpSession
from loader.fetch.transport import is_same_server
from loader.fetch.waits import read_wait
from loader.samples.faults import (
    Answer,
    Fault,
    Request,
    answer_html,
    answer_status,
    cut_body,
    cut_chunks,
    cut_gzip,
    delay,
    truncate_json,
)
from tests.support.paged import build_session
from tests.support.scripted import ScriptedServer, give

KEY = "sk-5ecret-c0ffee"


class Listing(msgspec.Struct):
    results: list[int]


DECODER = msgspec.json.Decoder(Listing)
WHOLE = give({"results": [1, 2, 3]})


def ask(server: ScriptedServer, **changed: Any) -> Listing:
    return build_session(server.url, **changed).get("/works", {}, DECODER)


def answer_bytes(body: bytes, content_type: str = "application/json") -> Fault:
    return lambda _, answer: Answer(200, body, content_type=content_type)


LONG_AGO = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.mark.parametrize(
    "fault",
    [
        *(pytest.param(answer_status(status), id=f"status {status}") for status in (408, 425, 429, 500, 502, 503, 504)),
        pytest.param(answer_status(522), id="a status of Cloudflare's own"),
        pytest.param(answer_status(429, headers={"Retry-After": "0"}), id="too fast, wait some seconds"),
        pytest.param(answer_status(429, headers={"Retry-After": LONG_AGO}), id="too fast, wait until a date"),
        pytest.param(answer_status(503, headers={"Retry-After": "-5"}), id="a negative wait"),
        pytest.param(answer_status(503, headers={"Retry-After": "nan"}), id="a wait that is no number"),
        pytest.param(answer_status(503, headers={"Retry-After": "1e300"}), id="an absurd wait"),
        pytest.param(answer_status(503, headers={"Retry-After": "soon"}), id="a wait that nobody can read"),
        pytest.param(cut_body(), id="a body shorter than its Content-Length"),
        pytest.param(cut_chunks(), id="chunks that break off"),
        pytest.param(cut_gzip(), id="half of a compressed body"),
        pytest.param(answer_html(), id="HTML with status 200"),
        pytest.param(truncate_json(), id="half a JSON text"),
        pytest.param(answer_status(200, {"error": "Something failed"}), id="an error inside a 200"),
        pytest.param(answer_bytes(b""), id="an empty body"),
        pytest.param(answer_bytes(b"[]"), id="an empty list"),
        pytest.param(answer_bytes(b"null"), id="null"),
        pytest.param(answer_bytes(b"\xff\xfe"), id="bytes that are no text"),
        pytest.param(answer_bytes(b'{"results":[],"more":' + b"[" * 100_000), id="brackets without end"),
        pytest.param(lambda _, __: Answer(503, b'{"message":' + b"[" * 100_000), id="brackets in a refusal"),
        pytest.param(lambda _, __: Answer(301, b""), id="a redirect to nowhere"),
        pytest.param(answer_status(302, headers={"Location": "http://127.0.0.1:9/"}), id="a redirect to nobody"),
        pytest.param(answer_status(302, headers={"Location": "http://[/"}), id="a redirect to no address"),
    ],
)
def test_a_passing_fault_is_survived(fault: Fault) -> None:
    with ScriptedServer(WHOLE, fault) as server:
        assert ask(server).results == [1, 2, 3]
        assert len(server.requests) == 2


def test_an_answer_that_does_not_come_is_requested_again() -> None:
    with ScriptedServer(WHOLE, delay()) as server:
        assert ask(server, answer_seconds=2.0).results == [1, 2, 3]
        assert len(server.requests) >= 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_retries_end(status: int) -> None:
    with ScriptedServer(give(None, status, Retry_After="0")) as server:
        with pytest.raises(HeadwaterError, match=rf"/works answered {status} \(tried 5 times\). Try again later"):
            ask(server)
        assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        pytest.param(answer_html(), 'text/html; charset=utf-8 that begins with "<!doctype html>', id="HTML"),
        pytest.param(
            answer_status(200, {"error": "Something failed"}),
            'application/json that begins with "{"error":"Something failed"}"',
            id="an error",
        ),
        pytest.param(answer_bytes(b""), "answered 200 with nothing instead of data", id="nothing"),
        pytest.param(answer_bytes(b"[]"), 'begins with "[]"', id="an empty list"),
        pytest.param(answer_bytes(b"null"), 'begins with "null"', id="null"),
        pytest.param(answer_bytes(b"a\x1b[31m\nb", "text/plain"), 'begins with "a [31m b"', id="control characters"),
    ],
)
def test_what_came_instead_of_data_is_reported_in_one_line(fault: Fault, told: str) -> None:
    with ScriptedServer(WHOLE, *[fault] * 5) as server:
        with pytest.raises(HeadwaterError) as raised:
            ask(server)
        assert told in str(raised.value)
        assert "\n" not in str(raised.value)
        assert len(server.requests) == 5


def test_redirects_without_end_are_reported() -> None:
    with ScriptedServer(give(None, 302, Location="/works")) as server:
        with pytest.raises(HeadwaterError, match="redirects without end"):
            ask(server)
        assert len(server.requests) == 5 * (1 + 5), "five times, with five redirects each"


@pytest.mark.parametrize(
    "wait", ["3600", format_datetime(datetime.now(UTC) + timedelta(hours=2), usegmt=True)], ids=["seconds", "a date"]
)
def test_a_wait_that_is_too_long_ends_the_run_and_is_reported(wait: str) -> None:
    with ScriptedServer(give(None, 429, Retry_After=wait)) as server:
        with pytest.raises(HeadwaterError, match=r"answered 429 \(tried 1 time\)") as raised:
            ask(server)
        assert len(server.requests) == 1
    told = datetime.strptime(str(raised.value).split("Try again after ")[1][:20], "%Y-%m-%d %H:%M UTC")
    assert told.replace(tzinfo=UTC) >= datetime.now(UTC) + timedelta(minutes=59)


def test_the_server_is_left_alone_as_long_as_it_asks() -> None:
    with ScriptedServer(WHOLE, answer_status(429, headers={"Retry-After": "1"})) as server:
        ask(server)
        first, second = server.arrivals
    assert second - first >= 1.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1.5", 1.5),
        (LONG_AGO, 0),
        *((text, None) for text in ("", " ", "-1", "nan", "inf", "-inf", "1e300", "1790000000", "soon", "1 hour")),
        *((text, None) for text in ("Fri, 31 Dec 9999 23:59:59 GMT", "Wed, 21 Oct 2015 07:28:00 -0000", "2026-01-01")),
        *((text, None) for text in ("Mon, 99 Foo 99999 99:99:99 GMT", "1, 1", "\x00", "٣ weeks")),
    ],
)
def test_waits_are_read(text: str, seconds: float | None) -> None:
    assert read_wait(text) == seconds


def test_an_answer_that_waiting_cannot_mend_is_not_requested_again() -> None:
    with ScriptedServer(give({"message": "No such\nthing"}, 404)) as server:
        with pytest.raises(HeadwaterError, match="/works answered 404: No such thing"):
            ask(server)
        assert len(server.requests) == 1


def test_what_is_posted_is_sent_again_as_it_was() -> None:
    with ScriptedServer(WHOLE, answer_status(503), cut_body()) as server:
        listing = build_session(server.url, key_headers={"x-api-key": KEY}).post(
            "/batch", {"fields": "a,b"}, {"ids": ["é", "2"]}, DECODER
        )
        assert listing.results == [1, 2, 3]
    assert len(server.requests) == 3
    for request in server.requests:
        assert (request.method, request.path, request.parameters) == ("POST", "/batch", {"fields": "a,b"})
        assert request.headers["content-type"] == "application/json"
        assert request.headers["x-api-key"] == KEY
        assert msgspec.json.decode(request.body) == {"ids": ["é", "2"]}


def test_a_server_that_is_not_there_is_named() -> None:
    with ScriptedServer(WHOLE) as server:
        url = server.url
    with pytest.raises(HeadwaterError, match=f"{url}/works cannot be reached"):
        build_session(url).get("/works", {}, DECODER)


@pytest.mark.parametrize("pace", [0, 0.0, -3, float("nan")])
def test_a_pace_that_sends_nothing_is_refused_by_its_setting(pace: float) -> None:
    with pytest.raises(HeadwaterError, match=r"^sources\.works\.requests_per_second is .*; it must be above 0\.$"):
        build_session("http://127.0.0.1", requests_per_second=pace, section="sources.works", first_wait_requests=5)


@pytest.mark.parametrize("key", ["sécret", "two\nlines", "\x00"])
def test_a_key_that_no_header_can_hold_is_refused_by_its_setting(key: str) -> None:
    with pytest.raises(HeadwaterError) as raised:
        build_session("http://127.0.0.1", key_headers={"X-Api-Key": key}, section="sources.works")
    assert str(raised.value) == "The key in sources.works.api_key contains characters that no key has."


def test_the_first_retry_waits_as_long_as_some_requests_take() -> None:
    with ScriptedServer(WHOLE, answer_status(503)) as server:
        ask(server, requests_per_second=10, first_wait_requests=5)
        first, second = server.arrivals
    assert second - first >= 0.5


def test_the_headers_of_an_answer_are_readable_in_any_case() -> None:
    with ScriptedServer(give({"results": [4]}, CB_AFTER="17")) as server:
        answer = build_session(server.url).fetch("/works", {"limit": "1"}, DECODER)
        assert answer.body.results == [4]
        assert (answer.headers["cb-after"], answer.headers.get("CB-Before")) == ("17", None)
        assert build_session(server.url).fetch(f"{server.url}/else?a=b", {}, DECODER).body.results == [4]
        assert [(request.path, request.parameters) for request in server.requests] == [
            ("/works", {"limit": "1"}),
            ("/else", {"a": "b"}),
        ]


def test_an_address_is_reported_without_its_query() -> None:
    with ScriptedServer(give(None, 404)) as server, pytest.raises(RefusedError) as raised:
        build_session(server.url).fetch(f"{server.url}/works?token={KEY}", {}, DECODER)
    assert str(raised.value) == f"{server.url}/works answered 404: Not Found"
    assert raised.value.status == 404


@pytest.mark.parametrize(
    ("url", "is_same"), [("https://a.b:443/x", True), ("https://A.b/", True), ("http://a.b", False)]
)
def test_a_server_is_identified_by_scheme_host_and_port(url: str, is_same: bool) -> None:
    assert is_same_server(url, "https://a.b/v1") == is_same


@pytest.mark.parametrize("url", ["not an address", "ftp://127.0.0.1", "http://", "http://[", "http://127.0.0.1:x"])
def test_a_base_url_that_is_none_is_named(url: str) -> None:
    with pytest.raises(HeadwaterError, match="is not an http address"):
        build_session(url)


def test_the_session_says_who_asks() -> None:
    with ScriptedServer(WHOLE) as server:
        ask(server)
        assert server.requests[0].headers["user-agent"] == USER_AGENT
    assert USER_AGENT.startswith("headwater/")


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key"])
def test_the_key_stays_with_the_host_that_it_is_for(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # requests would send these to any host, and instead of a key.
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with ScriptedServer(WHOLE) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost") + "/works"
        faults = [answer_status(301, headers={"Location": place}) for place in ("/moved", elsewhere)]
        with ScriptedServer(WHOLE, *faults) as server:
            assert ask(server, key_headers={name: f"Bearer {KEY}"}).results == [1, 2, 3]
            assert [request.path for request in server.requests] == ["/works", "/moved"]
            assert {request.headers[name.lower()] for request in server.requests} == {f"Bearer {KEY}"}
        (request,) = other.requests
        assert not {"authorization", name.lower()} & set(request.headers)


def echo(request: Request) -> str:
    return f"You said {request.headers['authorization']}, and {KEY} it is"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda request: give({"message": echo(request)}, 400)(request), id="a message"),
        pytest.param(lambda request: give({"error": {"told": echo(request)}}, 403)(request), id="an object"),
        pytest.param(lambda request: Answer(200, echo(request).encode(), content_type="text/plain"), id="no JSON"),
        pytest.param(lambda request: Answer(200, b"x", content_type=echo(request)), id="a kind"),
        pytest.param(
            lambda request: Answer(302, b"", {"Location": f"http://127.0.0.1:9/?key={KEY}"}), id="an unreachable place"
        ),
        pytest.param(
            lambda request: give({"message": 135 * "x " + echo(request)}, 400)(request), id="where the line is cut"
        ),
    ],
)
def test_a_key_that_the_server_sends_back_is_in_no_message(answer: Callable[[Request], Answer]) -> None:
    with ScriptedServer(answer) as server, pytest.raises(HeadwaterError) as raised:
        ask(server, key_headers={"Authorization": f"Bearer {KEY}"})
    for error in list_chain(raised.value):
        assert "5ecret" not in repr(error), "dlt keeps the whole chain"


def list_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def test_a_refusal_can_be_explained() -> None:
    def explain(refusal: Refusal) -> HeadwaterError:
        return HeadwaterError(f"{refusal.status} {refusal.fields['error']} {refusal.headers['X-Limit']}")

    with ScriptedServer(give({"error": "Plan"}, 429, X_Limit="7")) as server:
        with pytest.raises(HeadwaterError, match="429 Plan 7"):
            ask(server, explain=explain)
        assert len(server.requests) == 1


def test_threads_share_the_pace() -> None:
    with ScriptedServer(WHOLE) as server:
        session = build_session(server.url, requests_per_second=5)
        started = time.monotonic()
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(lambda _: session.get("/works", {}, DECODER), range(11)))
    # A request arrives after it was let go, so that a slow machine can only make these counts smaller.
    for seconds in (1, 2):
        assert sum(arrival < started + seconds for arrival in server.arrivals) <= 5 * seconds
    assert len(server.arrivals) == 11


def test_threads_share_the_allowance_of_a_day(tmp_path: Path) -> None:
    def build_allowance() -> DailyAllowance:
        return DailyAllowance(tmp_path / "counts.sqlite", name="works", requests_per_day=7, setting="works.a_day")

    def try_to_ask(session: HttpSession) -> bool:
        try:
            return bool(session.get("/works", {}, DECODER))
        except HeadwaterError:
            return False

    with ScriptedServer(WHOLE, answer_status(503)) as server:
        sessions = [build_session(server.url, allowance=build_allowance()) for _ in range(2)]
        with ThreadPoolExecutor(8) as threads:
            answered = list(threads.map(try_to_ask, sessions * 10))
    assert len(server.requests) == 7
    assert sum(answered) == 6, "the one that was refused counts: it was sent"

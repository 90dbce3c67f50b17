"""The session waits where waiting helps, stops where it does not, and never takes a broken answer for a whole one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest

from loader.errors import HeadwaterError
from loader.http import USER_AGENT, HttpSession
from loader.samples.catalogue import Catalogue
from loader.samples.http_faults import Fault, answer_html, answer_status, cut_body, truncate_json
from loader.samples.openalex_server import OpenAlexServer


class Listing(msgspec.Struct):
    results: list[msgspec.Raw]


DECODER = msgspec.json.Decoder(Listing)


@pytest.fixture
def server() -> Iterator[OpenAlexServer]:
    with OpenAlexServer(Catalogue.from_works([])) as made:
        yield made


def ask(server: OpenAlexServer, path: str = "/works") -> Listing:
    return HttpSession(server.url, requests_per_second=1000, first_wait_seconds=0.01).get(path, {}, DECODER)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(answer_status(500), id="a server error"),
        pytest.param(answer_status(503), id="unavailable"),
        pytest.param(answer_status(429, headers={"Retry-After": "0"}), id="too fast, wait some seconds"),
        pytest.param(
            answer_status(429, headers={"Retry-After": format_datetime(datetime.now(UTC) - timedelta(hours=1), True)}),
            id="too fast, wait until a date",
        ),
        pytest.param(cut_body(), id="a connection cut in the body"),
        pytest.param(answer_html(), id="HTML with status 200"),
        pytest.param(truncate_json(), id="half a JSON text"),
        pytest.param(answer_status(200, {"error": "Something failed"}), id="an error inside a 200"),
    ],
)
def test_a_passing_fault_is_survived(server: OpenAlexServer, fault: Fault) -> None:
    server.fail_next(fault)
    assert ask(server).results == []
    assert len(server.requests) == 2


def test_retries_end(server: OpenAlexServer) -> None:
    server.fail_next(*[answer_status(503, headers={"Retry-After": "0"})] * 10)
    with pytest.raises(HeadwaterError, match=r"answered 503 \(asked 5 times\)"):
        ask(server)
    assert len(server.requests) == 5


def test_an_answer_that_waiting_cannot_mend_is_not_asked_for_again(server: OpenAlexServer) -> None:
    with pytest.raises(HeadwaterError, match="answered 404"):
        ask(server, "/works/W1")
    assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_named() -> None:
    with OpenAlexServer(Catalogue.from_works([])) as server:
        url = server.url
    with pytest.raises(HeadwaterError, match=f"{url}/works cannot be reached"):
        HttpSession(url, requests_per_second=1000, first_wait_seconds=0.01).get("/works", {}, DECODER)


@pytest.mark.parametrize("url", ["not an address", "ftp://127.0.0.1", "http://"])
def test_a_base_url_that_is_none_is_named(url: str) -> None:
    with pytest.raises(HeadwaterError, match="is not an http address"):
        HttpSession(url, requests_per_second=1000, first_wait_seconds=0.01).get("/works", {}, DECODER)


def test_the_session_says_who_asks(server: OpenAlexServer) -> None:
    ask(server)
    assert server.requests[0].headers["user-agent"] == USER_AGENT
    assert USER_AGENT.startswith("headwater/")

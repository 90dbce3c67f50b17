"""Refusals say what is wrong: the key, its absence or the address; a key in the query is tried once."""

import pytest

from loader.samples.faults import answer_status
from loader.samples.openalex.server import OpenAlexServer
from tests.support.openalex import Loader

_REFUSED = answer_status(401, {"error": "Unauthorized", "message": "Not allowed."})


def test_without_a_key_none_is_said_to_be_refused(loader: Loader, server: OpenAlexServer) -> None:
    server.fail_next(_REFUSED)
    load = loader.load()
    assert load.error == (
        "OpenAlex refuses requests without a key (401: Not allowed.). Set a free key in sources.openalex.api_key."
    )
    assert load.needs_change
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_in_the_header_is_sent_once_in_the_query(
    loader: Loader, server: OpenAlexServer, status: int
) -> None:
    server.fail_next(answer_status(status, {"message": "No key."}))
    assert loader.load(api_key="a-good-key").error is None
    assert server.requests[0].headers["authorization"] == "Bearer a-good-key"
    assert "api_key" not in server.requests[0].parameters
    assert {request.parameters["api_key"] for request in server.requests[1:]} == {"a-good-key"}
    assert not any("authorization" in request.headers for request in server.requests[1:])


def test_a_key_that_is_refused_in_both_places_ends_the_run(loader: Loader, server: OpenAlexServer) -> None:
    load = loader.load(api_key="a-bad-key")
    assert load.error == "OpenAlex refuses the key in sources.openalex.api_key: API key not found"
    assert load.needs_change
    assert len(server.requests) == 2


def test_a_wrong_base_path_is_said_to_be_one(loader: Loader, server: OpenAlexServer) -> None:
    load = loader.load(base_url=f"{server.url}/v2")
    assert load.error == (
        "The base URL looks wrong: it answers 404 to a list that OpenAlex has. Check sources.openalex.base_url."
    )
    assert load.needs_change
    assert len(server.requests) == 1


def test_what_may_pass_needs_no_change(loader: Loader, server: OpenAlexServer) -> None:
    server.fail_next(*[answer_status(400, {"message": "No."})] * 9, path="/works")
    load = loader.load()
    assert load.error
    assert not load.needs_change

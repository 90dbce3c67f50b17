"""Faults that a test can order from a stand-in server: each turns the true answer into the one sent."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

Record = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request as the server got it; one value for each name, header names in lower case."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: dict[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """An answer to send.

    `is_chunked` sends it in chunks, `is_cut` closes the connection in mid-body, `delay_seconds` waits before.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    is_chunked: bool = False
    is_cut: bool = False
    delay_seconds: float = 0.0


Fault = Callable[[Request, Answer], Answer]


def answer_status(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Fault:
    """Answer with a status, a JSON body and further headers."""
    return lambda _, answer: Answer(status, orjson.dumps(body), answer.headers | dict(headers or {}))


def answer_html(status: int = 200) -> Fault:
    """Answer with a page for people instead of JSON."""
    page = b"<!doctype html><html><head><title>Just a moment</title></head><body>Please wait</body></html>"
    return lambda _, answer: Answer(status, page, answer.headers, content_type="text/html; charset=utf-8")


def cut_body() -> Fault:
    """Announce the whole body, send half of it and close the connection."""
    return lambda _, answer: replace(answer, is_cut=True)


def cut_chunks() -> Fault:
    """Send half of the body as a chunk and close the connection."""
    return lambda _, answer: replace(answer, is_chunked=True, is_cut=True)


def cut_gzip() -> Fault:
    """Send half of the compressed body as if it were all."""

    def cut(_: Request, answer: Answer) -> Answer:
        packed = gzip.compress(answer.body)
        return replace(answer, body=packed[: len(packed) // 2], headers=answer.headers | {"Content-Encoding": "gzip"})

    return cut


def truncate_json() -> Fault:
    """Send half of the body as if it were all."""
    return lambda _, answer: replace(answer, body=answer.body[: len(answer.body) // 2])


def delay(seconds: float = 60.0) -> Fault:
    """Send the true answer late; stopping the server ends the wait, and nothing is sent."""
    return lambda _, answer: replace(answer, delay_seconds=seconds)


def empty_page() -> Fault:
    """Answer with no results and a next cursor: the true one, or on the last page the requested one."""
    return _change_body(_empty_results)


def loop_cursor() -> Fault:
    """Answer with the results, and with the requested cursor as the next one."""
    return _change_body(_repeat_cursor)


def repeat_page() -> Fault:
    """For two pages in a row: the results of the first come again in place of those of the second."""
    served: list[Record] = []

    def repeat(_: Request, body: Record) -> Record:
        if not served:
            served.extend(body["results"])
        return body | {"results": served}

    return _change_body(repeat)


def shift_record() -> Fault:
    """For two pages in a row: while they are read, the last record of the second moves before the first.

    So the last record of the first page comes again, and the one that moved is on neither page.
    """
    served: list[Record] = []

    def shift(_: Request, body: Record) -> Record:
        results = [served[-1], *body["results"][:-1]] if served else body["results"]
        served.extend(results)
        return body | {"results": results}

    return _change_body(shift)


def _empty_results(request: Request, body: Record) -> Record:
    repeated = _repeat_cursor(request, body)
    return (body if body["meta"].get("next_cursor") else repeated) | {"results": []}


def _repeat_cursor(request: Request, body: Record) -> Record:
    return body | {"meta": body["meta"] | {"next_cursor": request.parameters.get("cursor", "*")}}


def _change_body(change: Callable[[Request, Record], Record]) -> Fault:
    return lambda request, answer: replace(answer, body=orjson.dumps(change(request, orjson.loads(answer.body))))

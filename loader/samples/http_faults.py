"""Faults that a test can order from a stand-in server: each turns the true answer into the one sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import orjson

from loader.samples.catalogue import Record


@dataclass(frozen=True)
class Request:
    """A request as the server got it; one value for each name, header names in lower case."""

    method: str
    path: str
    parameters: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """An answer to send: `is_cut` closes the connection in mid-body, `delay_seconds` waits before."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
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


def truncate_json() -> Fault:
    """Send half of the body as if it were all."""
    return lambda _, answer: replace(answer, body=answer.body[: len(answer.body) // 2])


def delay(seconds: float = 60.0) -> Fault:
    """Send the true answer late; stopping the server ends the wait, and nothing is sent."""
    return lambda _, answer: replace(answer, delay_seconds=seconds)


def empty_page() -> Fault:
    """Answer with no results and a next cursor: the true one, on the last page the one asked for."""
    return _change_body(_empty_results)


def loop_cursor() -> Fault:
    """Answer with the results, and with the cursor that was asked for as the next one."""
    return _change_body(_repeat_cursor)


def _empty_results(request: Request, body: Record) -> Record:
    repeated = _repeat_cursor(request, body)
    return (body if body["meta"].get("next_cursor") else repeated) | {"results": []}


def _repeat_cursor(request: Request, body: Record) -> Record:
    return body | {"meta": body["meta"] | {"next_cursor": request.parameters.get("cursor", "*")}}


def _change_body(change: Callable[[Request, Record], Record]) -> Fault:
    return lambda request, answer: replace(answer, body=orjson.dumps(change(request, orjson.loads(answer.body))))

"""Answers without data: what a server says is wrong, in one line without the user's secrets, and the errors for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import requests

from loader.base.errors import HeadwaterError, TemporaryError
from loader.fetch.transport import hide

_MAX_QUOTED_CHARACTERS = 300


class TransientError(Exception):
    """A failure that may pass. `wait_seconds` is how long the server asked to wait, if it did."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds


class UnavailableError(TemporaryError):
    """No attempt brought an answer; a later run may."""


class RefusedError(HeadwaterError):
    """The server refused a request with this status, and `explain` had no better error for it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Refusal:
    """An answer without data: `fields` is the JSON object in it, `message` what it says is wrong, in one line.

    Its status may be 200: some servers report errors so. The session's secrets are removed from the message,
    in case the server sent them back. `has_key`: the request carried the user's key. `is_first`: the server has not
    answered any request of this session with data.
    """

    status: int
    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    message: str
    has_key: bool
    is_first: bool


Explain = Callable[[Refusal], HeadwaterError | None]


def describe_body(response: requests.Response, secrets: Sequence[str]) -> str:
    """The kind of a body that is no data, and how it begins."""
    kind = _quote(response.headers.get("Content-Type", ""), secrets) or "an answer of no kind"
    start = _quote(response.content.decode(errors="replace"), secrets, 80)
    return f'{kind} that begins with "{start}"' if start else "nothing"


def read_refusal(response: requests.Response, secrets: Sequence[str], *, has_key: bool, is_first: bool) -> Refusal:
    """The refusal that an answer is."""
    fields: dict[str, Any] = {}
    text: Any = None
    try:
        fields = msgspec.json.decode(response.content, type=dict[str, Any])
        text = fields.get("message") or fields.get("error")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if response.ok or response.headers.get("Content-Type", "").startswith("text/plain"):
            text = response.content.decode(errors="replace")
    if isinstance(text, list):
        text = "; ".join(map(str, text))
    message = _quote(str(text or ""), secrets) or _quote(response.reason or "", secrets) or "no reason given"
    return Refusal(
        response.status_code,
        response.headers,
        fields,
        message,
        has_key=has_key,
        is_first=is_first,
    )


def _quote(text: str, secrets: Sequence[str], most: int = _MAX_QUOTED_CHARACTERS) -> str:
    """The server's text as a part of one line: without the secrets, printable, at most `most` long."""
    shown = hide(text, secrets)[: 4 * most]
    printable = "".join(letter if letter.isprintable() else " " for letter in shown)
    return " ".join(printable.split())[:most]

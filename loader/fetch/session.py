"""The one HTTP session: pace, retry, time-outs, and errors that say what to do."""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
import tenacity
from pyrate_limiter import Duration, Limiter, Rate

from loader.base.errors import HeadwaterError
from loader.fetch.allowance import DailyAllowance

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

USER_AGENT = f"headwater/{version('headwater')} (open academic analytics; python-requests/{requests.__version__})"
_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0  # between two bytes
_MOST_ATTEMPTS = 5
_MOST_REDIRECTS = 5
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 60.0
_LONGEST_RETRYING_SECONDS = 300.0
_LONGEST_BELIEVED_SECONDS = timedelta(days=366).total_seconds()
_PASSING_STATUSES = frozenset({408, 425, 429})  # and all from 500 on
_MOST_CHARACTERS = 300


class TransientError(Exception):
    """An answer that may be better next time. `wait_seconds` is what the server asked for, if it did."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds


class UnavailableError(HeadwaterError):
    """An answer that could not be had in all attempts; another time it may."""


class Decoder(Protocol[T_co]):
    """Reads an answer's body; raises msgspec.DecodeError for another than expected."""

    def decode(self, body: bytes, /) -> T_co:
        """What the body says."""


@dataclass(frozen=True)
class Refusal:
    """An answer that is no success: `fields` is the JSON object in it, `message` what it says is wrong, in one line.

    The session's own secrets are struck out of the message, should the server have sent them back.
    """

    status: int
    headers: Mapping[str, str]
    fields: Mapping[str, Any]
    message: str


Explain = Callable[[Refusal], HeadwaterError | None]


class HttpSession:
    """A session with one server, for any number of threads.

    It sends at most `requests_per_second`, and a day no more than `allowance` has; each request is tried
    `_MOST_ATTEMPTS` times, within `_LONGEST_RETRYING_SECONDS`. `key_headers` hold the user's key: they go to this
    server alone, wherever it redirects to, and into no message.

    `explain` looks at an answer that is not a success and returns the error that no waiting can mend,
    or None where the usual rules apply: passing statuses are retried, others fail. `observe` is shown the headers of
    every answer.
    """

    def __init__(
        self,
        base_url: str,
        *,
        requests_per_second: float,
        allowance: DailyAllowance | None = None,
        key_headers: Mapping[str, str] | None = None,
        explain: Explain = lambda _: None,
        observe: Callable[[Mapping[str, str]], None] = lambda _: None,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        if not _is_http_address(base_url):
            raise HeadwaterError(f"The base URL {base_url!r} is not an http address.")
        self.base_url = base_url.rstrip("/")
        self._explain = explain
        self._observe = observe
        self._allowance = allowance
        self._limiter = Limiter(_build_rate(requests_per_second))
        self._timeout = (_CONNECT_SECONDS, answer_seconds)
        self._secrets = _list_secrets(key_headers or {})
        self._session = _Session(key_headers or {})
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json"})
        self._backoff = tenacity.wait_exponential_jitter(
            multiplier=first_wait_seconds, max=_LONGEST_BACKOFF_SECONDS, jitter=first_wait_seconds
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_after_attempt(_MOST_ATTEMPTS) | tenacity.stop_before_delay(_LONGEST_RETRYING_SECONDS),
            wait=self._wait_as_asked,
            reraise=True,
        )

    def get(self, path: str, params: Mapping[str, str], decoder: Decoder[T]) -> T:
        """Asks for `path` and decodes the answer.

        An answer that is cut short or is not what `decoder` expects (an HTML page, an error inside a 200)
        is asked for again. Raises UnavailableError when it cannot be had, HeadwaterError when it is refused.
        """
        return self._ask(_Question("GET", path, params), decoder)

    def post(self, path: str, params: Mapping[str, str], body: Any, decoder: Decoder[T]) -> T:
        """Sends `body` as JSON and decodes the answer, by the rules of `get`: only for what may be sent twice."""
        return self._ask(_Question("POST", path, params, msgspec.json.encode(body)), decoder)

    def _ask(self, question: "_Question", decoder: Decoder[T]) -> T:
        attempts = 0
        try:
            for attempt in self._retrying:
                attempts = attempt.retry_state.attempt_number
                with attempt:
                    return self._ask_once(question, decoder)
            raise AssertionError("tenacity either returns or raises")
        except TransientError as error:
            when = f"after {describe_time(error.wait_seconds)}, as it asks" if error.wait_seconds else "later"
            raise UnavailableError(
                f"{self.base_url}{question.path} {error.reason} (asked {attempts} time{'s' if attempts > 1 else ''})."
                f" Try again {when}; what was loaded before is kept."
            ) from error

    def _ask_once(self, question: "_Question", decoder: Decoder[T]) -> T:
        self._limiter.try_acquire(self.base_url)
        if self._allowance:
            self._allowance.spend()
        response = self._fetch(question)
        self._observe(response.headers)
        if response.ok:
            return self._decode(response, decoder)
        refusal = self._read_refusal(response)
        if explained := self._explain(refusal):
            raise explained
        if refusal.status in _PASSING_STATUSES or refusal.status >= 500:
            raise TransientError(f"answered {refusal.status}", read_wait(response.headers.get("Retry-After", "")))
        raise HeadwaterError(f"{self.base_url}{question.path} answered {refusal.status}: {refusal.message}")

    def _fetch(self, question: "_Question") -> requests.Response:
        try:
            return self._session.request(
                question.method,
                f"{self.base_url}{question.path}",
                params=question.params,
                data=question.body,
                headers={"Content-Type": "application/json"} if question.body is not None else None,
                timeout=self._timeout,
            )
        # A ValueError is what requests makes of a redirect to something that is no address.
        except (requests.exceptions.RequestException, ValueError) as error:
            reason = _describe_failure(error)
        # Not raised in there: what requests says may show an address to which a key was added.
        raise TransientError(reason)

    def _decode(self, response: requests.Response, decoder: Decoder[T]) -> T:
        try:
            return decoder.decode(response.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            kind = self._quote(response.headers.get("Content-Type", "")) or "an answer of no kind"
            start = self._quote(response.content.decode(errors="replace"), 80)
        told = f'{kind} that begins with "{start}"' if start else "nothing"
        # Not raised in there either: a decoder may show the value that it does not take.
        raise TransientError(f"answered {response.status_code} with {told} instead of data")

    def _read_refusal(self, response: requests.Response) -> Refusal:
        try:
            fields = msgspec.json.decode(response.content, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            fields = {}
        text = fields.get("message") or fields.get("error") or response.reason or "no reason given"
        return Refusal(response.status_code, response.headers, fields, self._quote(str(text)))

    def _quote(self, text: str, most: int = _MOST_CHARACTERS) -> str:
        """The server's text as a part of one line: without the session's secrets, printable, at most `most` long."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        printable = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * most])
        return " ".join(printable.split())[:most]

    def _wait_as_asked(self, state: tenacity.RetryCallState) -> float:
        """Twice as long each time with a little more, so that callers spread; longer where the server asked for it."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, TransientError) else None
        backoff = self._backoff(state)
        return backoff if asked is None else max(backoff, asked + random.uniform(0, self._backoff.jitter))


@dataclass(frozen=True)
class _Question:
    """A request as it is sent, as often as it takes; `body` is JSON."""

    method: str
    path: str
    params: Mapping[str, str]
    body: bytes | None = None


class _Session(requests.Session):
    """Sends the key's headers to the server that was asked and to no other, and no password of ~/.netrc at all."""

    def __init__(self, key_headers: Mapping[str, str]) -> None:
        super().__init__()
        self.max_redirects = _MOST_REDIRECTS
        self._key_headers = key_headers
        self.auth = self._add_key

    def _add_key(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._key_headers)
        return request

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Of a redirected request: takes the key off where requests would take off a password."""
        asked, redirected = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(asked, redirected):  # type: ignore[no-untyped-call]
            for name in self._key_headers:
                prepared_request.headers.pop(name, None)


def _is_http_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _build_rate(requests_per_second: float) -> Rate:
    if requests_per_second >= 1:
        return Rate(int(requests_per_second), Duration.SECOND)
    return Rate(1, math.ceil(int(Duration.SECOND) / requests_per_second))


def _list_secrets(key_headers: Mapping[str, str]) -> list[str]:
    """What stands in these headers, and the key alone where a word (`Bearer`) stands before it."""
    values = [*key_headers.values(), *(value.rpartition(" ")[2] for value in key_headers.values())]
    return sorted({value for value in values if value}, key=len, reverse=True)


def _describe_failure(error: requests.exceptions.RequestException | ValueError) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "cut its answer short"
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return "redirects without end"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "cannot be reached"
    return f"could not be read ({type(error).__name__})"


def read_wait(text: str) -> float | None:
    """The seconds that a server asks to wait, given as seconds or as a date; None for what cannot be meant.

    A date that is over is 0. Nobody means a time before now in seconds, or one of more than a year.
    """
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = max((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds(), 0.0)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return seconds if 0 <= seconds <= _LONGEST_BELIEVED_SECONDS else None


def describe_time(seconds_from_now: float) -> str:
    """The time for a person: in UTC, to the minute, rounded up so that it is not too early."""
    return f"{datetime.now(UTC) + timedelta(seconds=seconds_from_now + 59):%Y-%m-%d %H:%M} UTC"

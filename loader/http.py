"""The one HTTP session: pace, retry, time-outs, and errors that say what to do."""

import math
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, Protocol, TypeVar

import msgspec
import requests
import tenacity
from pyrate_limiter import Duration, Limiter, Rate

from loader.errors import HeadwaterError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

USER_AGENT = f"headwater/{version('headwater')} (open academic analytics; python-requests/{requests.__version__})"
_TIMEOUT_SECONDS = (10.0, 60.0)  # to connect, between two bytes
_MOST_ATTEMPTS = 5
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 60.0
_LONGEST_RETRYING_SECONDS = 300.0
_PASSING_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


class TransientError(Exception):
    """An answer that may be better next time. `wait_seconds` is what the server asked for, if it did."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_seconds = wait_seconds


class Decoder(Protocol[T_co]):
    """Reads an answer's body; raises msgspec.DecodeError for another than expected."""

    def decode(self, body: bytes, /) -> T_co:
        """What the body says."""


Explain = Callable[[requests.Response], HeadwaterError | None]


class HttpSession:
    """A session with one server: at most `requests_per_second`, each request tried `_MOST_ATTEMPTS` times.

    `explain` looks at an answer that is not a success and returns the error that no waiting can mend,
    or None where the usual rules apply: passing statuses are retried, others fail.
    """

    def __init__(
        self,
        base_url: str,
        *,
        requests_per_second: float,
        headers: Mapping[str, str] | None = None,
        explain: Explain = lambda _: None,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._explain = explain
        self._first_wait_seconds = first_wait_seconds
        self._limiter = Limiter(_build_rate(requests_per_second))
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})})
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_after_attempt(_MOST_ATTEMPTS) | tenacity.stop_before_delay(_LONGEST_RETRYING_SECONDS),
            wait=self._wait_as_asked,
            reraise=True,
        )

    def get(self, path: str, params: Mapping[str, str], decoder: Decoder[T]) -> T:
        """Asks for `path` and decodes the answer.

        An answer that is cut short or is not what `decoder` expects (an HTML page, an error inside a 200)
        is asked for again. Raises HeadwaterError when it cannot be had.
        """
        try:
            for attempt in self._retrying:
                with attempt:
                    return self._get_once(path, params, decoder)
            raise AssertionError("tenacity either returns or raises")
        except TransientError as error:
            raise HeadwaterError(
                f"{self.base_url}{path} {error.reason} (asked {_MOST_ATTEMPTS} times). Try again later;"
                " what was loaded before is kept."
            ) from error

    def _get_once(self, path: str, params: Mapping[str, str], decoder: Decoder[T]) -> T:
        self._limiter.try_acquire(self.base_url)
        try:
            response = self._session.get(f"{self.base_url}{path}", params=params, timeout=_TIMEOUT_SECONDS)
            body = response.content
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidSchema,
        ):
            raise HeadwaterError(f"The base URL {self.base_url!r} is not an http address.") from None
        except requests.exceptions.RequestException as error:
            raise TransientError(_describe_failure(error)) from error
        if response.ok:
            try:
                return decoder.decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise TransientError(f"answered {response.status_code} with something else than expected") from error
        if explained := self._explain(response):
            raise explained
        if response.status_code in _PASSING_STATUSES:
            raise TransientError(f"answered {response.status_code}", _read_retry_after(response))
        raise HeadwaterError(f"{self.base_url}{path} answered {response.status_code}: {read_message(response)}")

    def _wait_as_asked(self, state: tenacity.RetryCallState) -> float:
        """As long as the server asked, else twice as long each time; a little more, so that callers spread."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, TransientError) else None
        base = self._first_wait_seconds * 2 ** (state.attempt_number - 1) if asked is None else max(asked, 0.0)
        return min(base * random.uniform(1.0, 1.25), _LONGEST_WAIT_SECONDS)


def _build_rate(requests_per_second: float) -> Rate:
    if requests_per_second >= 1:
        return Rate(int(requests_per_second), Duration.SECOND)
    return Rate(1, math.ceil(int(Duration.SECOND) / requests_per_second))


def read_message(response: requests.Response) -> str:
    """What the server says is wrong, in one line of at most 300 characters."""
    text = read_field(response, "message") or read_field(response, "error") or response.reason or "no reason given"
    return " ".join(text.split())[:300]


def read_field(response: requests.Response, name: str) -> str:
    """A field of the JSON object that the server answers; empty where there is none."""
    try:
        return str(msgspec.json.decode(response.content, type=dict[str, Any]).get(name) or "")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _describe_failure(error: requests.exceptions.RequestException) -> str:
    if isinstance(error, requests.exceptions.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "cut its answer short"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "cannot be reached"
    return f"could not be read ({type(error).__name__})"


def _read_retry_after(response: requests.Response) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return float(value)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None

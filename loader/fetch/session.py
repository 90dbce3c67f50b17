"""The one HTTP session: pace, retry, time-outs, and errors that say what to do."""

import logging
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Generic, Protocol, TypeVar

import msgspec
import requests
import tenacity
from pyrate_limiter import Duration, Limiter, Rate

from loader.base.errors import HeadwaterError, SettingsError
from loader.fetch.allowance import DailyAllowance
from loader.fetch.refusals import (
    Explain,
    RefusedError,
    TransientError,
    UnavailableError,
    describe_body,
    read_refusal,
)
from loader.fetch.transport import (
    CONNECT_SECONDS,
    KeyedSession,
    describe_failure,
    is_http_address,
    is_same_server,
    list_spellings,
)
from loader.fetch.waits import describe_time, read_wait

_LOGGER = logging.getLogger(__name__)
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

USER_AGENT = f"headwater/{version('headwater')} (open academic analytics; python-requests/{requests.__version__})"
MAX_ATTEMPTS = 5
_ANSWER_SECONDS = 60.0  # between two bytes
_FIRST_WAIT_SECONDS = 0.5
_MAX_BACKOFF_SECONDS = 60.0
_MAX_RETRYING_SECONDS = 300.0
_KEY_STATUSES = frozenset({401, 403})
_UNKNOWN_STATUSES = frozenset({404, 410})
_TRANSIENT_STATUSES = frozenset({408, 425, 429})  # and all from 500 on


class Decoder(Protocol[T_co]):
    """Reads an answer's body; raises msgspec.DecodeError for an unexpected one."""

    def decode(self, body: bytes, /) -> T_co:
        """What the body says."""


@dataclass(frozen=True)
class Answer(Generic[T_co]):
    """A decoded body, and the headers that came with it; their names are read in any case."""

    body: T_co
    headers: Mapping[str, str]


class HttpSession:
    """A session with one server, for any number of threads.

    It sends at most `requests_per_second`, and on one day no more than `allowance` has; each request is tried
    `MAX_ATTEMPTS` times, within `_MAX_RETRYING_SECONDS`. `key_headers` hold the user's key: they go to this
    server alone, wherever it redirects to, and into no message. A server that refuses the key there (401, 403) is asked
    once more with it in the query, as `key_parameter` (a name and a value), if given; the session then stays with
    that. `section` is where the user sets pace and key
    (`sources.NAME`), for errors that name the setting.

    `explain` looks at an answer without data, whatever its status, and returns the error that no retry can help,
    or None for the usual rules: transient statuses and broken answers are retried, other statuses fail. `observe`
    gets the headers of every answer. `warn` gets what the user should know and what stops nothing. The first retry
    waits `first_wait_seconds`, and at least as long as `first_wait_requests` take at this pace.
    """

    def __init__(
        self,
        base_url: str,
        *,
        requests_per_second: float,
        section: str = "",
        allowance: DailyAllowance | None = None,
        key_headers: Mapping[str, str] | None = None,
        key_parameter: tuple[str, str] | None = None,
        explain: Explain = lambda _: None,
        observe: Callable[[Mapping[str, str]], None] = lambda _: None,
        warn: Callable[[str], None] = _LOGGER.warning,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
        first_wait_requests: int = 0,
        answer_seconds: float = _ANSWER_SECONDS,
    ) -> None:
        if not is_http_address(base_url):
            raise SettingsError(f"The base URL {base_url!r} is not an http address.")
        if not requests_per_second > 0:
            setting = f"{section}.requests_per_second".lstrip(".")
            raise SettingsError(f"{setting} is {requests_per_second:g}; it must be above 0.")
        if not all(value.isascii() and value.isprintable() for value in (key_headers or {}).values()):
            raise SettingsError(f"The key in {f'{section}.api_key'.lstrip('.')} contains characters that no key has.")
        self.base_url = base_url.rstrip("/")
        self.warn = warn
        self._explain = explain
        self._observe = observe
        self._allowance = allowance
        self._limiter = Limiter(_build_rate(requests_per_second))
        self._timeout = (CONNECT_SECONDS, answer_seconds)
        self._secrets = _list_secrets(key_headers or {})
        self._section = section
        self._has_answered = False
        self._session = KeyedSession(key_headers or {}, key_parameter if key_headers else None)
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json, */*;q=0.5"})
        first_wait = max(first_wait_seconds, first_wait_requests / requests_per_second)
        self._backoff = tenacity.wait_exponential_jitter(
            multiplier=first_wait, max=_MAX_BACKOFF_SECONDS, jitter=first_wait
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_after_attempt(MAX_ATTEMPTS) | tenacity.stop_before_delay(_MAX_RETRYING_SECONDS),
            wait=self._choose_wait,
            reraise=True,
        )

    def get(self, path: str, params: Mapping[str, str], decoder: Decoder[T]) -> T:
        """Requests `path` and decodes the answer.

        An answer that was cut short or that `decoder` does not accept (an HTML page, an error inside a 200) is
        retried. Raises UnavailableError if no attempt brings data, HeadwaterError if the request is refused.
        """
        return self.fetch(path, params, decoder).body

    def fetch(self, path: str, params: Mapping[str, str], decoder: Decoder[T]) -> Answer[T]:
        """Requests `path`, or an address on the same server, by the rules of `get`; the answer has its headers."""
        return self._request(_Request("GET", self._locate(path), params), decoder)

    def post(self, path: str, params: Mapping[str, str], body: Any, decoder: Decoder[T]) -> T:
        """Sends `body` as JSON and decodes the answer, by the rules of `get`: only for what may be sent twice."""
        return self._request(_Request("POST", self._locate(path), params, msgspec.json.encode(body)), decoder).body

    def _locate(self, path: str) -> str:
        if path.startswith("/"):
            return f"{self.base_url}{path}"
        if not is_same_server(path, self.base_url):
            raise HeadwaterError(f"{self.base_url} leads to an address on another server, which is not followed.")
        return path

    def _request(self, request: "_Request", decoder: Decoder[T]) -> Answer[T]:
        attempts = 0
        try:
            for attempt in self._retrying:
                attempts = attempt.retry_state.attempt_number
                with attempt:
                    return self._request_once(request, decoder)
            raise AssertionError("tenacity either returns or raises")
        except TransientError as error:
            when = f"after {describe_time(error.wait_seconds)}, as the server asks" if error.wait_seconds else "later"
            raise UnavailableError(
                f"{request.name} {error.reason} (tried {attempts} time{'s' if attempts > 1 else ''})."
                f" Try again {when}; what was loaded before is kept."
            ) from error

    def _request_once(self, request: "_Request", decoder: Decoder[T]) -> Answer[T]:
        response = self._exchange(request)
        if response.status_code in _KEY_STATUSES and self._session.move_key(response):
            response = self._exchange(request)
        if response.ok:
            try:
                body = decoder.decode(response.content)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
            else:
                self._has_answered = True
                return Answer(body, response.headers)
            # Not raised in there: a decoder may show the value that it does not accept.
        raise self._build_error(request, response)

    def _exchange(self, request: "_Request") -> requests.Response:
        self._limiter.try_acquire(self.base_url)
        if self._allowance:
            self._allowance.spend()
        response = self._send(request)
        self._observe(response.headers)
        return response

    def _send(self, request: "_Request") -> requests.Response:
        try:
            return self._session.request(
                request.method,
                request.url,
                params=request.params,
                data=request.body,
                headers={"Content-Type": "application/json"} if request.body is not None else None,
                timeout=self._timeout,
            )
        # requests raises a ValueError for a redirect to something that is not an address.
        except (requests.exceptions.RequestException, ValueError) as error:
            reason = describe_failure(error)
        # Not raised in there: what requests says may show an address to which a key was added.
        raise TransientError(reason)

    def _build_error(self, request: "_Request", response: requests.Response) -> Exception:
        refusal = read_refusal(response, self._secrets, has_key=self._session.has_key, is_first=not self._has_answered)
        if explained := self._explain(refusal):
            return explained
        if response.ok:
            return TransientError(
                f"answered {refusal.status} with {describe_body(response, self._secrets)} instead of data"
            )
        if refusal.status in _TRANSIENT_STATUSES or refusal.status >= 500:
            return TransientError(f"answered {refusal.status}", read_wait(response.headers.get("Retry-After", "")))
        advice = ""
        if refusal.status in _UNKNOWN_STATUSES and refusal.is_first and self._section:
            advice = f" If it answers so to everything, the base URL is wrong: check {self._section}.base_url."
        return RefusedError(f"{request.name} answered {refusal.status}: {refusal.message}{advice}", refusal.status)

    def _choose_wait(self, state: tenacity.RetryCallState) -> float:
        """Twice as long each time with a random part, so that callers spread; longer if the server asked for it."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait_seconds if isinstance(error, TransientError) else None
        backoff = self._backoff(state)
        return backoff if asked is None else max(backoff, asked + random.uniform(0, self._backoff.jitter))


@dataclass(frozen=True)
class _Request:
    """A request, sent as often as it takes; `body` is JSON."""

    method: str
    url: str
    params: Mapping[str, str]
    body: bytes | None = None

    @property
    def name(self) -> str:
        """The address for messages; its query may hold more than belongs there."""
        return self.url.partition("?")[0]


def _build_rate(requests_per_second: float) -> Rate:
    if requests_per_second >= 1:
        return Rate(int(requests_per_second), Duration.SECOND)
    return Rate(1, math.ceil(int(Duration.SECOND) / requests_per_second))


def _list_secrets(key_headers: Mapping[str, str]) -> list[str]:
    """The values of these headers, and the key alone where a word (`Bearer`) comes before it."""
    values = [*key_headers.values(), *(value.rpartition(" ")[2] for value in key_headers.values())]
    return list_spellings(values)

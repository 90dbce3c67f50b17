"""Sends one request: the key goes to its own server alone, and a failure is a reason without an address."""

import logging
from collections.abc import Mapping, Sequence
from threading import Lock
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urljoin, urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

CONNECT_SECONDS = 10.0
MAX_REDIRECTS = 5
_CONNECTIONS = 32  # kept open for requests side by side
# urllib3 logs the address of each request, with its query.
_ADDRESS_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class KeyedSession(requests.Session):
    """Sends the key to the requested server and to no other, and no password from ~/.netrc at all.

    The key is in `key_headers`. After `move_key` it is in `key_parameter` instead, a name and a value of the query.
    """

    def __init__(self, key_headers: Mapping[str, str], key_parameter: tuple[str, str] | None = None) -> None:
        super().__init__()
        self.max_redirects = MAX_REDIRECTS
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))
        self._key_headers = key_headers
        self._key_parameter = key_parameter
        self._is_key_moved = False
        self._lock = Lock()
        self.auth = self._add_key

    @property
    def has_key(self) -> bool:
        """Whether requests carry a key."""
        return bool(self._key_headers)

    def move_key(self, refused: requests.Response) -> bool:
        """Moves the key into the query if this request had it in a header; returns whether to ask once more."""
        if self._key_parameter is None or not any(name in refused.request.headers for name in self._key_headers):
            return False
        with self._lock:
            if not self._is_key_moved:
                self._is_key_moved = True
                keep_out_of_logs(list_spellings([self._key_parameter[1]]))
        return True

    def _add_key(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key_parameter is None or not self._is_key_moved:
            request.headers.update(self._key_headers)
        else:
            request.url = _set_parameter(str(request.url), *self._key_parameter)
        return request

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Takes the key off a redirected request where requests would take off a password."""
        asked, redirected = str(response.request.url), str(prepared_request.url)
        is_elsewhere = self.should_strip_auth(asked, redirected)  # type: ignore[no-untyped-call]
        if is_elsewhere:
            for name in self._key_headers:
                prepared_request.headers.pop(name, None)
        if self._key_parameter is not None and self._is_key_moved:
            name, key = self._key_parameter
            prepared_request.url = _set_parameter(redirected, name, None if is_elsewhere else key)


class _Redactor(logging.Filter):
    """Replaces secrets in what a logger says."""

    def __init__(self, secrets: Sequence[str]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps every record."""
        record.msg, record.args = hide(record.getMessage(), self._secrets), ()
        return True


def keep_out_of_logs(secrets: Sequence[str]) -> None:
    """From now on the addresses that are logged in this process show *** in their place."""
    for name in _ADDRESS_LOGGERS:
        logging.getLogger(name).addFilter(_Redactor(secrets))


def hide(text: str, secrets: Sequence[str]) -> str:
    """The text with *** in place of secrets."""
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


def list_spellings(secrets: Sequence[str]) -> list[str]:
    """Secrets as they are and as an address spells them, the longest first."""
    spelled = {
        spelling for secret in secrets for spelling in (secret, quote(secret), quote(secret, ""), quote_plus(secret))
    }
    return sorted(filter(None, spelled), key=len, reverse=True)


def is_http_address(url: str) -> bool:
    """Whether a session can be opened with this address."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_same_server(url: str, other: str) -> bool:
    """Whether two addresses have the same scheme, host and port."""
    try:
        return _read_server(url) == _read_server(other)
    except ValueError:
        return False


def resolve_link(address: str, link: str) -> str:
    """The address that a link of this one leads to; the link as it is if it leads nowhere."""
    try:
        return urljoin(address, link)
    except ValueError:
        return link


def _set_parameter(url: str, name: str, value: str | None) -> str:
    """The address with this parameter once in its query, or without it."""
    parts = urlsplit(url)
    query = [(each, text) for each, text in parse_qsl(parts.query, keep_blank_values=True) if each != name]
    return urlunsplit(parts._replace(query=urlencode(query if value is None else [*query, (name, value)])))


def _read_server(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def describe_failure(error: requests.exceptions.RequestException | ValueError) -> str:
    """What went wrong, without the address, which may hold a key."""
    if isinstance(error, requests.exceptions.Timeout):
        return "did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return "cut its answer short"
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return "redirects without end"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "cannot be reached"
    return f"could not be read ({type(error).__name__})"

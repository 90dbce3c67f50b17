"""Sends one request: the key goes to its own server alone, and a failure is a reason without an address."""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import requests

CONNECT_SECONDS = 10.0
MAX_REDIRECTS = 5
_DEFAULT_PORTS = {"http": 80, "https": 443}


class KeyedSession(requests.Session):
    """Sends the key's headers to the requested server and to no other, and no password from ~/.netrc at all."""

    def __init__(self, key_headers: Mapping[str, str]) -> None:
        super().__init__()
        self.max_redirects = MAX_REDIRECTS
        self._key_headers = key_headers
        self.auth = self._add_key

    def _add_key(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._key_headers)
        return request

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        """Takes the key off a redirected request where requests would take off a password."""
        asked, redirected = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(asked, redirected):  # type: ignore[no-untyped-call]
            for name in self._key_headers:
                prepared_request.headers.pop(name, None)


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

"""Downloads of whole files: they continue where they broke off, and are checked against their length."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import requests
import tenacity

from loader.fetch.refusals import TransientError, UnavailableError
from loader.fetch.session import MAX_ATTEMPTS, USER_AGENT
from loader.fetch.transport import CONNECT_SECONDS, describe_failure

_CHUNK_BYTES = 64 << 10  # of what a broken answer brought, less than this is lost
_SILENT_SECONDS = 60.0
_FIRST_WAIT_SECONDS = 0.5
# Storage services answer so for a file that does not exist, or not yet.
_ABSENT = frozenset({403, 404, 410})


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server. `version` changes with its content; `modified_at` is in UTC."""

    address: str
    size_bytes: int | None
    etag: str | None
    modified_at: datetime | None

    @property
    def version(self) -> str:
        """Its ETag, or when it was modified and its length, as far as the server says so."""
        modified = f"{self.modified_at:%Y-%m-%dT%H:%M:%SZ} " if self.modified_at else ""
        return self.etag or f"{modified}{self.size_bytes}"


class Downloader:
    """Downloads to a folder. `report` gets an address, the bytes that are here, and those in all (None if unknown)."""

    def __init__(
        self,
        folder: Path,
        report: Callable[[str, int, int | None], None],
        *,
        first_wait_seconds: float = _FIRST_WAIT_SECONDS,
    ) -> None:
        self._folder = folder
        self._report = report
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        self._wait = tenacity.wait_exponential(multiplier=first_wait_seconds, max=60)

    def look_up(self, address: str) -> RemoteFile | None:
        """The file's length and version; None if the server does not have it. Raises UnavailableError."""
        try:
            for attempt in self._retry():
                with attempt:
                    return self._look_up_once(address)
        except TransientError as error:
            raise UnavailableError(f"{address} {error.reason}. Run again later.") from error
        raise AssertionError("tenacity either returns or raises")

    @contextmanager
    def fetch(self, file: RemoteFile) -> Iterator[Path]:
        """The whole file, deleted at the end. What a killed run has of it is kept for the next.

        Raises UnavailableError if it cannot be had whole.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{_hash(file.address)}-{_hash(file.version)}.part"
        for other in self._folder.glob(f"{_hash(file.address)}-*.part"):
            if other != path:  # of a version that the server no longer has
                other.unlink()
        attempts = 0
        while path_size(path) != file.size_bytes or not path.exists():
            before = path_size(path)
            try:
                self._continue(file, path)
                break
            except TransientError as error:
                attempts = 0 if path_size(path) > before else attempts + 1
                if attempts >= MAX_ATTEMPTS:
                    raise UnavailableError(
                        f"{file.address} {error.reason}. Run again: it continues after {path_size(path):,} bytes."
                    ) from error
                tenacity.nap.sleep(self._wait(_state_of(attempts + 1)))
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def _retry(self) -> tenacity.Retrying:
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientError),
            stop=tenacity.stop_after_attempt(MAX_ATTEMPTS),
            wait=self._wait,
            reraise=True,
        )

    def _look_up_once(self, address: str) -> RemoteFile | None:
        try:
            response = self._session.head(address, allow_redirects=True, timeout=(CONNECT_SECONDS, _SILENT_SECONDS))
        except requests.exceptions.RequestException as error:
            raise TransientError(describe_failure(error)) from error
        if response.status_code in _ABSENT:
            return None
        if not response.ok:
            raise TransientError(f"answered {response.status_code}")
        length, modified = response.headers.get("Content-Length"), response.headers.get("Last-Modified")
        return RemoteFile(
            address,
            int(length) if length else None,
            response.headers.get("ETag"),
            parsedate_to_datetime(modified).astimezone(UTC) if modified else None,
        )

    def _continue(self, file: RemoteFile, path: Path) -> None:
        """Requests what is missing and appends it. Raises TransientError if something is missing still."""
        present = path_size(path)
        headers = {"Range": f"bytes={present}-"} if present else {}
        if present and file.etag:
            headers["If-Range"] = file.etag
        try:
            with self._session.get(
                file.address, headers=headers, stream=True, timeout=(CONNECT_SECONDS, _SILENT_SECONDS)
            ) as response:
                if response.status_code == requests.codes.requested_range_not_satisfiable:
                    path.unlink()
                    raise TransientError("does not continue where the download broke off")
                if not response.ok:
                    raise TransientError(f"answered {response.status_code}")
                if file.etag and response.headers.get("ETag", file.etag) != file.etag:
                    raise TransientError("changed during the download")
                is_rest = response.status_code == requests.codes.partial_content
                received = present if is_rest else 0
                with path.open("ab" if is_rest else "wb") as target:
                    for chunk in response.iter_content(_CHUNK_BYTES):
                        target.write(chunk)
                        received += len(chunk)
                        self._report(file.address.rpartition("/")[2], received, file.size_bytes)
        except requests.exceptions.RequestException as error:
            raise TransientError(describe_failure(error)) from error
        if file.size_bytes is not None and received != file.size_bytes:
            if received > file.size_bytes:
                path.unlink()
            raise TransientError(f"sent {received:,} bytes of {file.size_bytes:,}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def path_size(path: Path) -> int:
    """Bytes of a file, 0 if it does not exist."""
    return path.stat().st_size if path.exists() else 0


def _state_of(attempt: int) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = attempt
    return state

"""A stand-in for the server of the TLC's files: lengths, ETags, and ranges by which a download continues."""

import hashlib
import re
from collections.abc import Mapping
from email.utils import format_datetime

from loader.samples.faults import Answer, Request
from loader.samples.server import StandInServer
from loader.samples.taxi.files import MODIFIED_AT


class TaxiServer(StandInServer):
    """Serves files by their names until it is stopped; a context manager. `files` may be changed meanwhile."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        super().__init__()

    @property
    def addresses(self) -> str:
        """The addresses of all trip files, as the setting `files` takes them."""
        return " ".join(f"{self.url}/{name}" for name in sorted(self.files) if "zone" not in name)

    @property
    def zones_address(self) -> str:
        """The address of the zone look-up."""
        return f"{self.url}/taxi_zone_lookup.csv"

    def answer(self, request: Request) -> Answer:
        """See StandInServer."""
        body = self.files.get(request.path.removeprefix("/"))
        if body is None:
            return Answer(403, b"", content_type="application/xml")
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers = {"ETag": etag, "Last-Modified": format_datetime(MODIFIED_AT, usegmt=True), "Accept-Ranges": "bytes"}
        wanted = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if wanted and request.headers.get("if-range", etag) == etag:
            first = int(wanted.group(1))
            headers["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            return Answer(206, body[first:], headers, content_type="application/octet-stream")
        return Answer(200, body, headers, content_type="application/octet-stream")

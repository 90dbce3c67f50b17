"""A stand-in for https://api.semanticscholar.org: a real HTTP server on the loopback address.

It answers the batch look-up of papers by DOI or by its own id, with Semantic Scholar's limits and refusals.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from http import HTTPStatus
from threading import Lock
from types import TracebackType
from typing import Any, Self

import orjson

from loader.samples.faults import Answer, Fault, Request, answer_status
from loader.samples.listener import Listener
from loader.samples.openalex.catalogue import Record

_BATCH = "/graph/v1/paper/batch"
_MOST_IDS = 500
_KNOWN_FIELDS = frozenset(
    {
        "paperId", "corpusId", "externalIds", "url", "title", "abstract", "venue", "year", "referenceCount",
        "citationCount", "influentialCitationCount", "isOpenAccess", "openAccessPdf", "fieldsOfStudy",
        "s2FieldsOfStudy", "publicationTypes", "publicationDate", "journal", "authors", "tldr", "embedding",
    }
)  # fmt: skip
_DOI = re.compile(r"doi:(10\.\S+)", re.IGNORECASE)


def refuse_pace() -> Fault:
    """Answer as to a request that came too soon: with 429 and without `Retry-After`."""
    message = (
        "Too Many Requests. Please wait and try again or apply for a key for higher rate limits."
        " https://www.semanticscholar.org/product/api#api-key-form"
    )
    return answer_status(HTTPStatus.TOO_MANY_REQUESTS, {"message": message, "code": "429"})


class SemanticScholarServer:
    """Serves papers until stopped; a context manager.

    `papers` are found by their DOIs, in lower case; those without a DOI by their ids alone. With `api_keys`, another
    key is refused with 403; no key is good too. An answer of more than `most_bytes` is refused. `requests` holds every
    request, in order of arrival.
    """

    def __init__(
        self,
        papers: Mapping[str, Record],
        *,
        api_keys: frozenset[str] | None = None,
        most_bytes: int = 10_000_000,
    ) -> None:
        """Start to listen on a free port of 127.0.0.1."""
        self.requests: list[Request] = []
        self.papers = dict(papers)
        self._api_keys = api_keys
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._faults: deque[Fault] = deque()
        self._listener = Listener(self._respond)
        self.url = self._listener.url

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def stop(self) -> None:
        """Stop listening, close every connection and end every delayed answer; harmless when repeated."""
        self._listener.stop()

    def fail_next(self, *faults: Fault) -> None:
        """Give the next answers these faults, one each, in this order."""
        with self._lock:
            self._faults.extend(faults)

    def list_asked(self) -> list[list[str]]:
        """The ids of every batch that was asked for, in order of arrival."""
        return [orjson.loads(request.body)["ids"] for request in self.requests]

    def _respond(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            fault = self._faults.popleft() if self._faults else None
        answer = self._answer(request)
        return fault(request, answer) if fault else answer

    def _answer(self, request: Request) -> Answer:
        key = request.headers.get("x-api-key")
        if self._api_keys is not None and key is not None and key not in self._api_keys:
            return _answer(HTTPStatus.FORBIDDEN, {"message": "Forbidden"})
        if (request.method, request.path) != ("POST", _BATCH):
            return _answer(HTTPStatus.NOT_FOUND, {"error": "Not Found"})
        fields = request.parameters.get("fields", "paperId").split(",")
        if unknown := [field for field in fields if field not in _KNOWN_FIELDS]:
            return _refuse(f"Unrecognized or unsupported fields: [{', '.join(unknown)}]")
        try:
            ids = list(orjson.loads(request.body)["ids"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return _refuse("Cannot parse the request body")
        return self._look_up(ids, fields)

    def _look_up(self, ids: list[str], fields: list[str]) -> Answer:
        if len(ids) > _MOST_IDS:
            return _refuse(f"Too many ids: at most {_MOST_IDS} are answered at once")
        found = [self._find(each) for each in ids]
        if not any(found):
            return _refuse("No valid paper ids given")
        records = [paper and {field: paper.get(field) for field in ("paperId", *fields)} for paper in found]
        body = orjson.dumps(records)
        if len(body) > self._most_bytes:
            return _refuse("Response would exceed maximum size. Try a smaller batch, or limit and offset.")
        return Answer(HTTPStatus.OK, body)

    def _find(self, identifier: str) -> Record | None:
        if doi := _DOI.fullmatch(identifier):
            return self.papers.get(doi.group(1).lower())
        return next((paper for paper in self.papers.values() if paper["paperId"] == identifier), None)


def _refuse(message: str) -> Answer:
    return _answer(HTTPStatus.BAD_REQUEST, {"error": message})


def _answer(status: int, body: Any) -> Answer:
    return Answer(status, orjson.dumps(body))

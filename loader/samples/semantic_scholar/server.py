"""A stand-in for https://api.semanticscholar.org: a real HTTP server on the loopback address.

It answers the batch look-up of papers by DOI or by its own id, with Semantic Scholar's limits and refusals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

import orjson

from loader.samples.faults import Answer, Fault, Record, Request, answer_status
from loader.samples.server import StandInServer, answer_json

_BATCH = "/graph/v1/paper/batch"
_MAX_IDS = 500
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


class SemanticScholarServer(StandInServer):
    """Serves papers until stopped; a context manager.

    `papers` are found by their DOIs, in lower case; those without a DOI by their ids alone. With `api_keys`, another
    key is refused with 403; no key is good too. An answer of more than `most_bytes` is refused.
    """

    def __init__(
        self,
        papers: Mapping[str, Record],
        *,
        api_keys: frozenset[str] | None = None,
        most_bytes: int = 10_000_000,
    ) -> None:
        """Start to listen on a free port of 127.0.0.1."""
        self.papers = dict(papers)
        self._api_keys = api_keys
        self._most_bytes = most_bytes
        super().__init__()

    def list_asked(self) -> list[list[str]]:
        """The ids of every requested batch, in order of arrival."""
        return [orjson.loads(request.body)["ids"] for request in self.requests]

    def answer(self, request: Request) -> Answer:
        """See StandInServer."""
        key = request.headers.get("x-api-key")
        if self._api_keys is not None and key is not None and key not in self._api_keys:
            return answer_json({"message": "Forbidden"}, HTTPStatus.FORBIDDEN)
        if (request.method, request.path) != ("POST", _BATCH):
            return answer_json({"error": "Not Found"}, HTTPStatus.NOT_FOUND)
        fields = request.parameters.get("fields", "paperId").split(",")
        if unknown := [field for field in fields if field not in _KNOWN_FIELDS]:
            return _refuse(f"Unrecognized or unsupported fields: [{', '.join(unknown)}]")
        try:
            ids = list(orjson.loads(request.body)["ids"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return _refuse("Cannot parse the request body")
        return self._look_up(ids, fields)

    def _look_up(self, ids: list[str], fields: list[str]) -> Answer:
        if len(ids) > _MAX_IDS:
            return _refuse(f"Too many ids: at most {_MAX_IDS} are answered at once")
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
    return answer_json({"error": message}, HTTPStatus.BAD_REQUEST)

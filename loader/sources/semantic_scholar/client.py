"""Semantic Scholar's batch look-up: at most 500 ids and 10 MB an answer, and the meaning of its refusals.

Source: the documentation of its Graph API, and answers that its users reported up to 2026.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.base.parts import cut
from loader.fetch.records import PositionsDecoder
from loader.fetch.session import Refusal
from loader.sources.contract import SourceRun
from loader.sources.settings import HttpSettings

MAX_IDS = 500
# Everything useful except the embedding: nothing reads it, and it is ten times the rest.
_FIELDS = (
    "paperId,externalIds,title,abstract,tldr,citationCount,influentialCitationCount,fieldsOfStudy,s2FieldsOfStudy,"
    "openAccessPdf"
)
# After a refusal because of the pace, the first retry waits as long as some requests take.
_FIRST_WAIT_REQUESTS = 5


class AnswerTooLargeError(HeadwaterError):
    """The answer would be larger than Semantic Scholar sends."""


class NothingFoundError(HeadwaterError):
    """Semantic Scholar knows none of the ids: it refuses such a batch instead of sending nulls."""


@dataclass(frozen=True)
class Answer:
    """The answer to a batch: the record of each DOI, at its position; None where there is no such paper."""

    dois: Sequence[str]
    records: Sequence[bytes | None]
    asked_at: datetime


class SemanticScholarClient:
    """Looks papers up. Users without a key share one allowance, which is often used up."""

    def __init__(self, run: SourceRun[HttpSettings]) -> None:
        self._most_ids = MAX_IDS
        self._session = run.open_session(
            key_header="x-api-key: {key}", explain=explain_refusal, first_wait_requests=_FIRST_WAIT_REQUESTS
        )

    def split(self, dois: Sequence[str]) -> list[Sequence[str]]:
        """The DOIs in batches, as large as answers have allowed so far."""
        return cut(dois, self._most_ids)

    def look_up(self, batch: Sequence[str]) -> Iterator[Answer]:
        """The papers of a batch of DOIs, in one answer or, if that would be too large, in several.

        Raises UnavailableError if Semantic Scholar does not answer, StopLoadingError if it refuses every request,
        HeadwaterError if it refuses this batch; AnswerTooLargeError, after all others have been answered, for a paper
        that is too large by itself.
        """
        waiting = deque([batch])
        most_ids = self._most_ids
        too_large: AnswerTooLargeError | None = None
        while waiting:
            dois = waiting.popleft()
            try:
                yield self._ask(dois)
            except AnswerTooLargeError as error:
                if len(dois) == 1:
                    # This says nothing about how many other papers fit into an answer.
                    too_large, self._most_ids = error, most_ids
                    continue
                self._most_ids = min(self._most_ids, len(dois) // 2)
                waiting.extendleft(reversed(self.split(dois)))
        if too_large:
            raise too_large

    def _ask(self, dois: Sequence[str]) -> Answer:
        asked_at = datetime.now(UTC)
        body = {"ids": [f"DOI:{doi}" for doi in dois]}
        try:
            records = self._session.post(
                "/graph/v1/paper/batch", {"fields": _FIELDS}, body, PositionsDecoder(len(dois))
            )
        except NothingFoundError:
            records = [None] * len(dois)
        return Answer(dois, records, asked_at)


def explain_refusal(refusal: Refusal) -> HeadwaterError | None:
    """The error for an answer that no retry can help, else None."""
    message = refusal.message.lower()
    if refusal.status in (401, 403):
        return StopLoadingError(
            "Semantic Scholar refuses the request; set a valid key in sources.semantic_scholar.api_key,"
            f" or none: {refusal.message}"
        )
    if refusal.status != 400:
        return None
    if message.startswith("response would exceed maximum size"):
        return AnswerTooLargeError(f"Semantic Scholar's answer for a single paper is too large: {refusal.message}")
    if message.startswith("no valid paper ids given"):
        return NothingFoundError(refusal.message)
    if message.startswith("unrecognized or unsupported fields"):
        return StopLoadingError(
            "Semantic Scholar no longer knows a field that Headwater requests; a newer Headwater may help. What was"
            f" loaded is kept. Semantic Scholar says: {refusal.message}"
        )
    return None

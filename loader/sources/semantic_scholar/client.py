"""Semantic Scholar's batch look-up: at most 500 ids and 10 MB an answer, and the meaning of its refusals.

Source: the documentation of its Graph API, and answers that its users reported up to 2026.
"""

from collections.abc import Sequence

from loader.base.errors import HeadwaterError, SettingsError, StopLoadingError
from loader.fetch.batches import AnswerTooLargeError
from loader.fetch.records import MatchedRecords
from loader.fetch.refusals import Refusal
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


class NothingFoundError(HeadwaterError):
    """Semantic Scholar knows none of the ids: it refuses such a batch instead of sending nulls."""


class SemanticScholarClient:
    """Looks papers up. Users without a key share one allowance, which is often used up."""

    def __init__(self, run: SourceRun[HttpSettings]) -> None:
        self._session = run.open_session(
            key_header="x-api-key: {key}", explain=explain_refusal, first_wait_requests=_FIRST_WAIT_REQUESTS
        )

    def ask(self, dois: Sequence[str]) -> list[bytes | None]:
        """The paper of each of at most 500 DOIs, at its position.

        Raises UnavailableError if Semantic Scholar does not answer, StopLoadingError if it refuses every request,
        AnswerTooLargeError if it knows too much of these DOIs, HeadwaterError if it refuses this batch.
        """
        body = {"ids": [f"DOI:{doi}" for doi in dois]}
        try:
            return self._session.post("/graph/v1/paper/batch", {"fields": _FIELDS}, body, MatchedRecords(len(dois)))
        except NothingFoundError:
            return [None] * len(dois)


def explain_refusal(refusal: Refusal) -> HeadwaterError | None:
    """The error for an answer that no retry can help, else None."""
    message = refusal.message.lower()
    if refusal.status in (401, 403):
        return SettingsError(_describe_key(refusal))
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


def _describe_key(refusal: Refusal) -> str:
    if refusal.has_key:
        return (
            "Semantic Scholar refuses the key; set a valid one in sources.semantic_scholar.api_key, or none:"
            f" {refusal.message}"
        )
    return (
        f"Semantic Scholar refuses requests without a key ({refusal.status}: {refusal.message}). Set one in"
        " sources.semantic_scholar.api_key, or try again later."
    )

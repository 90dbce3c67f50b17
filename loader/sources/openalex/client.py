"""OpenAlex's protocol: filters of at most 100 values, cursor paging, and what its refusals mean.

Source: OpenAlex's documentation and the answers recorded in 2026.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from loader.base.errors import HeadwaterError, SettingsError, StopLoadingError
from loader.fetch.allowance import DailyAllowance
from loader.fetch.batches import split
from loader.fetch.pages import Page, read_pages
from loader.fetch.paging import Cursor, CursorRefusedError
from loader.fetch.records import Json, read_id
from loader.fetch.refusals import Refusal
from loader.fetch.session import HttpSession
from loader.fetch.waits import describe_time, read_wait
from loader.sources.openalex.budget import Budget, describe_empty_budget

MAX_VALUES = 100
PER_PAGE = 100
_GROUPS_PER_PAGE = 200
# What OpenAlex's proxy allows per second, with and without a key.
_PACE_WITH_KEY = 30.0
_PACE_WITHOUT_KEY = 10.0
_CREDITS_WITH_KEY = 10_000
_CREDITS_WITHOUT_KEY = 1_000
_RECORDS = Json("results", errors="error")
_TOTAL = "meta.count"
_PAGING = Cursor(parameter="cursor", start="*", next="meta.next_cursor")
_COUNT_DECODER = _RECORDS.build_decoder(counts=[_TOTAL])


class _RecordDecoder:
    """Accepts an answer that is one record, byte for byte."""

    def decode(self, body: bytes) -> bytes:
        """Raises msgspec.DecodeError for an answer without an id."""
        if read_id(body) is None:
            raise msgspec.ValidationError("a record needs an id")
        return body


_RECORD_DECODER = _RecordDecoder()


@dataclass(frozen=True)
class WorksByYear:
    """How many works there are, and the answer that counts them by year, as OpenAlex sent it."""

    count: int
    answer: bytes


class _GroupsMeta(msgspec.Struct):
    count: int


class _Groups(msgspec.Struct):
    meta: _GroupsMeta
    group_by: list[msgspec.Raw]
    error: Any = None

    def __post_init__(self) -> None:
        if self.error or (self.meta.count and not self.group_by):
            raise ValueError("every work has a year")


class _WorksByYearDecoder:
    """Accepts an answer that counts works by year, byte for byte."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Groups)

    def decode(self, body: bytes) -> WorksByYear:
        """Raises msgspec.DecodeError for another answer, and for one with works but without years."""
        return WorksByYear(self._decoder.decode(body).meta.count, body)


_WORKS_BY_YEAR_DECODER = _WorksByYearDecoder()


class SortRefusedError(HeadwaterError):
    """OpenAlex does not sort by that field."""


class UnknownRecordError(HeadwaterError):
    """OpenAlex does not know the id, or no longer does."""


class OpenAlexClient:
    """Requests lists and records from OpenAlex.

    Without `api_key` the daily budget is a tenth: enough for a small roster. `warn` gets a message for each list that
    is read again.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        requests_per_second: float | None,
        allowance: DailyAllowance | None,
        warn: Callable[[str], None],
    ) -> None:
        key = (api_key or "").strip()
        if requests_per_second is None:
            requests_per_second = _PACE_WITH_KEY if key else _PACE_WITHOUT_KEY
        self._budget = Budget()
        self._daily_credits = _CREDITS_WITH_KEY if key else _CREDITS_WITHOUT_KEY
        self._can_sort_by_change = True
        self._session = HttpSession(
            base_url,
            section="sources.openalex",
            requests_per_second=requests_per_second,
            allowance=allowance,
            key_headers={"Authorization": f"Bearer {key}"} if key else None,
            key_parameter=("api_key", key),
            explain=explain_refusal,
            observe=self._budget.observe,
            warn=warn,
        )

    @property
    def available_credits(self) -> int:
        """The credits left today, as OpenAlex last reported; the whole daily budget before its first answer."""
        return self._daily_credits if self.remaining_credits is None else self.remaining_credits

    @property
    def remaining_credits(self) -> int | None:
        """The credits left today, as OpenAlex last reported; None before its first answer."""
        return self._budget.remaining

    def list_by(self, entity: str, filter_name: str, values: Sequence[str]) -> Iterator[Page]:
        """All entities (`works`, `authors` …) whose `filter_name` is one of `values`, page by page.

        An entity that matches values of two requests comes twice, and so does one of a list that is read again.
        The pages' `expected` grows request by request, reading by reading.
        """
        expected_before = 0
        for part in split(values, MAX_VALUES):
            expected = expected_before
            for page in self._list(entity, {"filter": _join(filter_name, part)}):
                expected = expected_before + (page.expected or 0)
                yield Page(page.records, expected)
            expected_before = expected

    def list_changes_since(self, author_ids: Sequence[str], since: datetime) -> Iterator[Page]:
        """The works of at most 100 authors that changed since then, id and `updated_date`; for paid plans only."""
        text = f"{_join('author.id', author_ids)},from_updated_date:{since:%Y-%m-%dT%H:%M:%S.%f}"
        return self._list("works", {"filter": text, "select": "id,updated_date"})

    def count_works(self, author_ids: Sequence[str]) -> int:
        """How many works at most 100 authors have; costs as much as a page of a list."""
        self._budget.require_credit()
        params = {"filter": _join("author.id", author_ids), "select": "id", "per_page": "1"}
        return int(self._session.get("/works", params, _COUNT_DECODER).values[_TOTAL] or 0)

    def count_works_by_year(self, author_id: str) -> WorksByYear:
        """How many works one author has of each year, in one page; costs as much as a page of a list."""
        self._budget.require_credit()
        params = {
            "filter": _join("author.id", [author_id]),
            "group_by": "publication_year",
            "per_page": str(_GROUPS_PER_PAGE),
        }
        return self._session.get("/works", params, _WORKS_BY_YEAR_DECODER)

    def list_changes(self, author_ids: Sequence[str]) -> Iterator[Page]:
        """The ids of all works of at most 100 authors, each with `updated_date`; the newest changes first.

        In any order if OpenAlex does not sort by that date, which its guide does not name among the sort fields.
        """
        params = {"filter": _join("author.id", author_ids), "select": "id,updated_date"}
        if self._can_sort_by_change:
            try:
                yield from self._list("works", {**params, "sort": "updated_date:desc"})
            except SortRefusedError:
                self._can_sort_by_change = False
        if not self._can_sort_by_change:
            yield from self._list("works", params)

    def find(self, entity: str, record_id: str) -> bytes | None:
        """One whole record, free of charge: under its new id if it was merged, None if it is gone."""
        path = f"/{entity}/{record_id.rpartition('/')[2]}"
        try:
            return self._session.get(path, {}, _RECORD_DECODER)
        except UnknownRecordError:
            return None

    def _list(self, entity: str, params: Mapping[str, str]) -> Iterator[Page]:
        return read_pages(
            self._session,
            f"/{entity}",
            {**params, "per_page": str(PER_PAGE)},
            records=_RECORDS,
            paging=_PAGING,
            total=_TOTAL,
            name=f"OpenAlex's list of {entity}",
            before_request=self._budget.require_credit,
        )


def _join(filter_name: str, values: Sequence[str]) -> str:
    return f"{filter_name}:{'|'.join(values)}"


def explain_refusal(refusal: Refusal) -> HeadwaterError | None:
    """The error for an answer that no retry can help, else None."""
    if refusal.status in (401, 403):
        return SettingsError(_describe_key(refusal))
    if refusal.status in (404, 410):
        return _explain_unknown(refusal)
    if refusal.status == 400 and "cursor" in refusal.message.lower():
        return CursorRefusedError(f"OpenAlex no longer accepts its own cursor: {refusal.message}")
    if refusal.status == 400 and ("sort" in refusal.message.lower() or "updated_date" in refusal.message):
        return SortRefusedError(f"OpenAlex refuses this sort order: {refusal.message}")
    return _explain_limit(refusal) if refusal.status == 429 else None


def _describe_key(refusal: Refusal) -> str:
    if refusal.has_key:
        return f"OpenAlex refuses the key in sources.openalex.api_key: {refusal.message}"
    return (
        f"OpenAlex refuses requests without a key ({refusal.status}: {refusal.message}). Set a free key in"
        " sources.openalex.api_key."
    )


def _explain_unknown(refusal: Refusal) -> HeadwaterError:
    # Every run begins with a list, and OpenAlex has all lists that are requested.
    if refusal.is_first:
        return SettingsError(
            f"The base URL looks wrong: it answers {refusal.status} to a list that OpenAlex has. Check"
            " sources.openalex.base_url."
        )
    return UnknownRecordError(f"OpenAlex does not know this record: {refusal.message}")


def _explain_limit(refusal: Refusal) -> HeadwaterError | None:
    # By the kind of error: a message about the pace may mention plans too.
    if refusal.fields.get("error") == "Plan upgrade required":
        return StopLoadingError(
            "OpenAlex requires a paid plan for this request; the key in sources.openalex.api_key must have one:"
            f" {refusal.message}"
        )
    if refusal.message.lower().startswith("insufficient budget"):
        return StopLoadingError(f"{describe_empty_budget(_find_reset(refusal))} OpenAlex says: {refusal.message}")
    return None


def _find_reset(refusal: Refusal) -> str:
    """When the budget is full again, as the answer says."""
    candidates = (
        refusal.fields.get("retryAfter"),
        refusal.headers.get("Retry-After"),
        refusal.headers.get("X-RateLimit-Reset"),
    )
    waits = [wait for text in candidates if text is not None and (wait := read_wait(str(text))) is not None]
    return describe_time(waits[0]) if waits else "midnight UTC"

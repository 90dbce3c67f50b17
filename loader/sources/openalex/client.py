"""OpenAlex's protocol: filters of at most 100 values, cursor paging, and what its refusals mean.

Source: OpenAlex's documentation and the answers recorded in 2026.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.fetch.allowance import DailyAllowance
from loader.fetch.json_text import cut_out_elements
from loader.fetch.session import HttpSession, Refusal, describe_time, read_wait
from loader.raw.documents import Page, read_id

MOST_VALUES = 100
PER_PAGE = 100
_GROUPS_PER_PAGE = 200
_MOST_READINGS = 3
_MOST_EMPTY_PAGES = 3
# What OpenAlex's proxy lets through a second, with and without a key.
_PACE_WITH_KEY = 30.0
_PACE_WITHOUT_KEY = 10.0
_LIST_CREDITS = 1
_CREDITS_WITH_KEY = 10_000
_CREDITS_WITHOUT_KEY = 1_000


class _Meta(msgspec.Struct):
    count: int
    next_cursor: str | None = None


class _Listing(msgspec.Struct):
    meta: _Meta
    results: list[msgspec.Raw]
    error: Any = None

    def __post_init__(self) -> None:
        if self.error:
            raise ValueError("a list with an error is none")


class _ListingDecoder:
    """Cuts a page into its records, also where one of them is not JSON: that one is then rejected alone."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Listing)

    def decode(self, body: bytes) -> _Listing:
        """Raises msgspec.DecodeError for what is not a whole page."""
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, RecursionError):
            page, records = cut_out_elements(body)
            listing = self._decoder.decode(page)
            listing.results = [msgspec.Raw(records[int(bytes(index))]) for index in listing.results]
            return listing


_LISTING_DECODER = _ListingDecoder()


class _RecordDecoder:
    """Takes an answer that is one record, and leaves its bytes alone."""

    def decode(self, body: bytes) -> bytes:
        """Raises msgspec.DecodeError for what has no id."""
        if read_id(body) is None:
            raise msgspec.ValidationError("a record without an id is none")
        return body


_RECORD_DECODER = _RecordDecoder()


@dataclass(frozen=True)
class WorksByYear:
    """How many works there are, and OpenAlex's answer, as it was sent, that counts them by year."""

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
            raise ValueError("no works have no year")


class _WorksByYearDecoder:
    """Takes an answer that counts works by year, and leaves its bytes alone."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Groups)

    def decode(self, body: bytes) -> WorksByYear:
        """Raises msgspec.DecodeError for what is none, or names works and no year."""
        return WorksByYear(self._decoder.decode(body).meta.count, body)


_WORKS_BY_YEAR_DECODER = _WorksByYearDecoder()


class CursorRefusedError(HeadwaterError):
    """OpenAlex does not take the cursor (any more)."""


class SortRefusedError(HeadwaterError):
    """OpenAlex does not sort by that field."""


class UnknownRecordError(HeadwaterError):
    """OpenAlex does not know the id (any more)."""


class _Budget:
    """What OpenAlex's headers say of the credits that are left until midnight UTC."""

    def __init__(self) -> None:
        self.remaining: int | None = None
        self._ends_at = 0.0

    def observe(self, headers: Mapping[str, str]) -> None:
        """Reads the headers of an answer; those that say nothing change nothing."""
        try:
            remaining, seconds = int(headers["X-RateLimit-Remaining"]), float(headers["X-RateLimit-Reset"])
        except (KeyError, ValueError):
            return
        self.remaining, self._ends_at = remaining, time.monotonic() + seconds

    def require_credit(self) -> None:
        """Raises StopLoadingError when the next list could not be paid for."""
        seconds_left = self._ends_at - time.monotonic()
        if self.remaining is not None and self.remaining < _LIST_CREDITS and seconds_left > 0:
            raise StopLoadingError(_describe_empty_budget(describe_time(seconds_left)))


class OpenAlexClient:
    """Asks OpenAlex for lists of entities.

    Without `api_key` the daily budget is a tenth: enough for a small roster. `warn` is told of lists that had to be
    read again.
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
        self._warn = warn
        self._budget = _Budget()
        self._daily_credits = _CREDITS_WITH_KEY if key else _CREDITS_WITHOUT_KEY
        self._can_sort_by_change = True
        self._session = HttpSession(
            base_url,
            requests_per_second=requests_per_second or (_PACE_WITH_KEY if key else _PACE_WITHOUT_KEY),
            allowance=allowance,
            key_headers={"Authorization": f"Bearer {key}"} if key else None,
            explain=explain_refusal,
            observe=self._budget.observe,
        )

    @property
    def available_credits(self) -> int:
        """What is left of today's budget, as OpenAlex said last, or before that what it gives on a day."""
        return self._daily_credits if self.remaining_credits is None else self.remaining_credits

    @property
    def remaining_credits(self) -> int | None:
        """What is left of today's budget, as OpenAlex said last; None before it said so."""
        return self._budget.remaining

    def list_by(self, entity: str, filter_name: str, values: Sequence[str]) -> Iterator[Page]:
        """All entities (`works`, `authors` …) of which the filter holds one of `values`, page by page.

        An entity that fits values of two filters comes twice, and so do those of a list that had to be read again.
        The pages' `expected` grows filter by filter, reading by reading.
        """
        expected_before = 0
        for start in range(0, len(values), MOST_VALUES):
            expected = expected_before
            for page in self._list(entity, {"filter": _join(filter_name, values[start : start + MOST_VALUES])}):
                expected = expected_before + (page.expected or 0)
                yield Page(page.records, expected)
            expected_before = expected

    def list_changes_since(self, author_ids: Sequence[str], since: datetime) -> Iterator[Page]:
        """The works of at most 100 authors that changed since then, id and `updated_date`; for paid plans alone."""
        text = f"{_join('author.id', author_ids)},from_updated_date:{since:%Y-%m-%dT%H:%M:%S.%f}"
        return self._list("works", {"filter": text, "select": "id,updated_date"})

    def count_works(self, author_ids: Sequence[str]) -> int:
        """How many works at most 100 authors have; costs as much as a page of a list."""
        self._budget.require_credit()
        params = {"filter": _join("author.id", author_ids), "select": "id", "per_page": "1"}
        return self._session.get("/works", params, _LISTING_DECODER).meta.count

    def count_works_by_year(self, author_id: str) -> WorksByYear:
        """How many works one author has of each year; costs as much as a page of a list.

        There are fewer years than groups in a page.
        """
        self._budget.require_credit()
        params = {
            "filter": _join("author.id", [author_id]),
            "group_by": "publication_year",
            "per_page": str(_GROUPS_PER_PAGE),
        }
        return self._session.get("/works", params, _WORKS_BY_YEAR_DECODER)

    def list_changes(self, author_ids: Sequence[str]) -> Iterator[Page]:
        """The ids of all works of at most 100 authors, each with `updated_date`; the newest changes first.

        Where OpenAlex does not sort by that date (it is not among the fields that its guide names), in any order.
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
        """One record, whole, which costs nothing: under its new id where it was merged, None where it is gone."""
        path = f"/{entity}/{record_id.rpartition('/')[2]}"
        try:
            return self._session.get(path, {}, _RECORD_DECODER)
        except UnknownRecordError:
            return None

    def _list(self, entity: str, params: Mapping[str, str]) -> Iterator[Page]:
        """A list, read until all that it counts is there: again from its start where a reading went wrong.

        What is told apart by id counts, so that a page in the place of another is noticed. Where every page came
        and reading again brought nothing more, OpenAlex itself counts some records twice.
        """
        keys: set[str | bytes] = set()
        read_before = 0
        for number in range(1, _MOST_READINGS + 1):
            known = len(keys)
            reading = _Reading(self._session, self._budget, entity, params)
            for page in reading.read_pages():
                keys.update(read_id(record) or record for record in page.records)
                yield Page(page.records, read_before + (page.expected or 0))
            read_before += reading.received
            if not reading.trouble and _is_about(len(keys), reading.expected):
                return
            if not reading.trouble and len(keys) == known and _is_about(reading.received, reading.expected):
                self._warn(
                    f"OpenAlex counts {reading.expected:,} {entity} in a list of {len(keys):,}:"
                    " it was read twice, and some came more than once."
                )
                return
            trouble = reading.trouble or f"ended after {len(keys):,} of {reading.expected:,} records"
            if number < _MOST_READINGS:
                self._warn(f"OpenAlex's list of {entity} {trouble}; it is read again from its start.")
        raise HeadwaterError(
            f"OpenAlex's list of {entity} {trouble}, and was read {_MOST_READINGS} times. Try again later;"
            " what was loaded before is kept."
        )


class _Reading:
    """One way through a list. `trouble` is what went wrong on it, if anything did."""

    def __init__(self, session: HttpSession, budget: _Budget, entity: str, params: Mapping[str, str]) -> None:
        self.received = 0
        self.expected = 0
        self.trouble: str | None = None
        self._session = session
        self._budget = budget
        self._entity = entity
        self._params = params

    def read_pages(self) -> Iterator[Page]:
        """The pages up to the end, or up to where it went wrong."""
        cursor: str | None = "*"
        seen_cursors: set[str] = set()
        empty_pages = 0
        while cursor:
            seen_cursors.add(cursor)
            try:
                listing = self._get(cursor)
            except CursorRefusedError:
                if cursor == "*":
                    raise
                self.trouble = f"cannot be continued after {self.received:,} of {self.expected:,} records"
                return
            self.received += len(listing.results)
            self.expected = listing.meta.count
            empty_pages = 0 if listing.results else empty_pages + 1
            yield Page([bytes(record) for record in listing.results], self.expected)
            cursor = listing.meta.next_cursor
            self.trouble = self._find_trouble(cursor, seen_cursors, empty_pages)
            if self.trouble:
                return

    def _get(self, cursor: str) -> _Listing:
        self._budget.require_credit()
        params = {**self._params, "per_page": str(PER_PAGE), "cursor": cursor}
        return self._session.get(f"/{self._entity}", params, _LISTING_DECODER)

    def _find_trouble(self, next_cursor: str | None, seen_cursors: set[str], empty_pages: int) -> str | None:
        """Why the list would not end, if it would not."""
        if not next_cursor:
            return None
        if next_cursor in seen_cursors:
            return "leads back to a page already read"
        if empty_pages >= _MOST_EMPTY_PAGES:
            return f"has {empty_pages} empty pages in a row"
        if self.received > 2 * self.expected + PER_PAGE:
            return f"goes on after {self.received:,} records, of {self.expected:,}"
        return None


def _join(filter_name: str, values: Sequence[str]) -> str:
    return f"{filter_name}:{'|'.join(values)}"


def _is_about(received: int, expected: int) -> bool:
    """Records come and go while one pages; a list that is a thousandth short has been cut."""
    return received >= expected - expected // 1000


def explain_refusal(refusal: Refusal) -> HeadwaterError | None:
    """The error for an answer that waiting cannot mend, else None."""
    if refusal.status in (401, 403):
        return StopLoadingError(f"OpenAlex refuses the key in sources.openalex.api_key: {refusal.message}")
    if refusal.status in (404, 410):
        return UnknownRecordError(f"OpenAlex does not know what it was asked for: {refusal.message}")
    if refusal.status == 400 and "cursor" in refusal.message.lower():
        return CursorRefusedError(f"OpenAlex does not take its own cursor: {refusal.message}")
    if refusal.status == 400 and ("sort" in refusal.message.lower() or "updated_date" in refusal.message):
        return SortRefusedError(f"OpenAlex does not sort so: {refusal.message}")
    return _explain_limit(refusal) if refusal.status == 429 else None


def _explain_limit(refusal: Refusal) -> HeadwaterError | None:
    # By what kind of error it is: a message about the pace may speak of plans too.
    if refusal.fields.get("error") == "Plan upgrade required":
        return StopLoadingError(
            "OpenAlex wants a paid plan for this request; the key in sources.openalex.api_key must have one:"
            f" {refusal.message}"
        )
    if refusal.message.lower().startswith("insufficient budget"):
        return StopLoadingError(f"{_describe_empty_budget(_find_reset(refusal))} OpenAlex says: {refusal.message}")
    return None


def _describe_empty_budget(full_again: str) -> str:
    return (
        f"OpenAlex's budget for today is used up; it is full again at {full_again}. What was loaded is kept; the next"
        " run goes on. A free key in sources.openalex.api_key gives ten times more."
    )


def _find_reset(refusal: Refusal) -> str:
    """When the budget is full again, as the answer says."""
    told = (
        refusal.fields.get("retryAfter"),
        refusal.headers.get("Retry-After"),
        refusal.headers.get("X-RateLimit-Reset"),
    )
    waits = [wait for text in told if text is not None and (wait := read_wait(str(text))) is not None]
    return describe_time(waits[0]) if waits else "midnight UTC"

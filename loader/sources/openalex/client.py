"""OpenAlex's protocol: filters of at most 100 values, cursor paging, and what its refusals mean.

Source: OpenAlex's documentation and the answers recorded in 2026.
"""

from collections.abc import Iterator, Sequence

import msgspec
import requests

from loader.documents import Page
from loader.errors import HeadwaterError
from loader.http import HttpSession, read_field, read_message
from loader.json_text import cut_out_elements

_MOST_VALUES = 100
_PER_PAGE = 100
# What OpenAlex's proxy lets through a second, with and without a key.
_PACE_WITH_KEY = 30.0
_PACE_WITHOUT_KEY = 10.0


class _Meta(msgspec.Struct):
    count: int
    next_cursor: str | None = None


class _Listing(msgspec.Struct):
    meta: _Meta
    results: list[msgspec.Raw]


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


class OpenAlexClient:
    """Asks OpenAlex for lists of entities.

    Without `api_key` the daily budget is a tenth: enough for a small roster.
    """

    def __init__(self, base_url: str, api_key: str | None, requests_per_second: float | None) -> None:
        if requests_per_second is not None and requests_per_second <= 0:
            raise HeadwaterError(
                f"sources.openalex.requests_per_second is {requests_per_second:g}; it must be above 0."
            )
        pace = requests_per_second or (_PACE_WITH_KEY if api_key else _PACE_WITHOUT_KEY)
        self._session = HttpSession(
            base_url,
            requests_per_second=pace,
            headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
            explain=explain_refusal,
        )

    def list_by(self, entity: str, filter_name: str, values: Sequence[str]) -> Iterator[Page]:
        """All entities (`works`, `authors` …) of which the filter holds one of `values`, page by page.

        An entity that fits values of two filters comes twice. The pages' `expected` grows filter by filter.
        """
        expected_before = 0
        for start in range(0, len(values), _MOST_VALUES):
            expected = expected_before
            for page in self._list(entity, f"{filter_name}:{'|'.join(values[start : start + _MOST_VALUES])}"):
                expected = expected_before + (page.expected or 0)
                yield Page(page.records, expected)
            expected_before = expected

    def _list(self, entity: str, filter_text: str) -> Iterator[Page]:
        cursor: str | None = "*"
        seen_cursors: set[str] = set()
        received = 0
        while cursor:
            if cursor in seen_cursors:
                raise HeadwaterError(f"OpenAlex's list of {entity} leads back to a page already read. Try again later.")
            seen_cursors.add(cursor)
            listing = self._session.get(
                f"/{entity}",
                {"filter": filter_text, "per_page": str(_PER_PAGE), "cursor": cursor},
                _LISTING_DECODER,
            )
            received += len(listing.results)
            yield Page([bytes(record) for record in listing.results], listing.meta.count)
            cursor = listing.meta.next_cursor
        # Records come and go while one pages; a list that ends a thousandth early has been cut.
        if received < listing.meta.count - listing.meta.count // 1000:
            raise HeadwaterError(
                f"OpenAlex's list of {entity} ended after {received} of {listing.meta.count} records. Try again later."
            )


def explain_refusal(response: requests.Response) -> HeadwaterError | None:
    """The error for an answer that waiting cannot mend, else None."""
    message = read_message(response)
    if response.status_code in (401, 403):
        return HeadwaterError(f"OpenAlex refuses the key in sources.openalex.api_key: {message}")
    if response.status_code != 429:
        return None
    # By what kind of error it is: a message about the pace may speak of plans too.
    if read_field(response, "error") == "Plan upgrade required":
        return HeadwaterError(f"OpenAlex wants a paid plan for this request: {message}")
    if message.lower().startswith("insufficient budget"):
        return HeadwaterError(
            "OpenAlex's budget for today is used up; it is full again at midnight UTC, and the next run goes on"
            f" from here. A free key in sources.openalex.api_key gives ten times more. OpenAlex says: {message}"
        )
    return None

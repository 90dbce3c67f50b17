"""A stand-in for https://api.openalex.org: a real HTTP server on the loopback address.

It answers for works, authors, institutions and topics, lists and single records, with OpenAlex's paging,
errors, budget headers and limits. Searching, sampling and filters beyond those named in `openalex_entities`
are refused as unknown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

import orjson

from loader.samples.faults import Answer, Request
from loader.samples.openalex.budget import CREDIT_USD, Budget
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.entities import KINDS, shorten
from loader.samples.openalex.queries import ApiError, parse_list_query, parse_select
from loader.samples.openalex.store import EntityStore, pick
from loader.samples.server import StandInServer

_LIST_CREDITS = 1


def _read_clock() -> datetime:
    return datetime.now(UTC)


class OpenAlexServer(StandInServer):
    """Serves a catalogue until stopped; a context manager.

    With `api_keys`, another key is refused with 401 and a request without a key has a tenth of the budget;
    without, every key is good. `paid_keys` are good keys that may use the filters of paid plans.
    `daily_credits` is the budget of each key until midnight UTC of `clock` (aware datetimes). `merged` adds
    to the catalogue's: ids that answer 301 to another.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        api_keys: frozenset[str] | None = None,
        paid_keys: frozenset[str] = frozenset(),
        daily_credits: int = 10_000,
        merged: dict[str, str] | None = None,
        clock: Callable[[], datetime] = _read_clock,
    ) -> None:
        """Index the catalogue and start to listen on a free port of 127.0.0.1."""
        self._api_keys = api_keys
        self._paid_keys = paid_keys
        self._daily_credits = daily_credits
        self._budget = Budget(clock)
        self._merged = {shorten(old): new for old, new in (catalogue.merged | (merged or {})).items()}
        self._stores = {
            "works": EntityStore(KINDS["works"], catalogue.works),
            "authors": EntityStore(KINDS["authors"], catalogue.authors),
            "institutions": EntityStore(KINDS["institutions"], catalogue.institutions),
            "topics": EntityStore(KINDS["topics"], catalogue.topics),
        }
        super().__init__()

    def answer(self, request: Request) -> Answer:
        """See StandInServer."""
        key = _read_key(request)
        try:
            self._check_key(key)
            answer = self._dispatch(request, key)
        except ApiError as refusal:
            answer = Answer(refusal.status, orjson.dumps(refusal.body), dict(refusal.headers))
        return Answer(answer.status, answer.body, self._describe_budget(key) | answer.headers)

    def _check_key(self, key: str) -> None:
        if self._api_keys is not None and key and key not in self._api_keys | self._paid_keys:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "Invalid or missing API key", "API key not found")

    def _dispatch(self, request: Request, key: str) -> Answer:
        if request.path == "/rate-limit":
            return self._answer_rate_limit(key)
        name, _, identifier = request.path.strip("/").partition("/")
        store = self._stores.get(name)
        if store is None:
            raise _not_found()
        if identifier:
            return self._answer_single(store, identifier, request)
        query = parse_list_query(store.kind, request.parameters, has_paid_plan=key in self._paid_keys)
        self._budget.spend(key, _LIST_CREDITS, self._find_limit(key))
        return Answer(HTTPStatus.OK, store.answer(query), {"X-RateLimit-Credits-Used": str(_LIST_CREDITS)})

    def _answer_single(self, store: EntityStore, identifier: str, request: Request) -> Answer:
        select = parse_select(store.kind, request.parameters)
        new_id = self._merged.get(shorten(identifier))
        if new_id:
            query = f"?{urlencode(request.parameters)}" if request.parameters else ""
            location = f"{self.url}/{store.kind.name}/{quote(new_id.rpartition('/')[2])}{query}"
            return Answer(HTTPStatus.MOVED_PERMANENTLY, b"", {"Location": location})
        record = store.find(identifier)
        if record is None:
            raise _not_found()
        return Answer(HTTPStatus.OK, orjson.dumps(pick(record, select)))

    def _answer_rate_limit(self, key: str) -> Answer:
        if not key:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "Invalid or missing API key", "API key not found")
        limit, spent = self._find_limit(key), self._budget.count_spent(key)
        body = {
            "api_key": key,
            "rate_limit": {
                "daily_budget_usd": _to_usd(limit),
                "daily_used_usd": _to_usd(spent),
                "daily_remaining_usd": _to_usd(limit - spent),
                "prepaid_balance_usd": 0.0,
                "prepaid_remaining_usd": 0.0,
                "resets_at": self._budget.find_reset().strftime("%Y-%m-%dT%H:%M:%SZ"),
                "resets_in_seconds": self._budget.count_seconds_left(),
                "endpoint_costs_usd": {"singleton": 0.0, "list": CREDIT_USD},
            },
        }
        return Answer(HTTPStatus.OK, orjson.dumps(body))

    def _find_limit(self, key: str) -> int:
        return self._daily_credits // 10 if self._api_keys is not None and not key else self._daily_credits

    def _describe_budget(self, key: str) -> dict[str, str]:
        limit = self._find_limit(key)
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(limit - self._budget.count_spent(key)),
            "X-RateLimit-Credits-Used": "0",
            "X-RateLimit-Reset": str(self._budget.count_seconds_left()),
        }


def _read_key(request: Request) -> str:
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return request.parameters.get("api_key") or bearer


def _not_found() -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, "404 Not Found", "The requested URL was not found on the server.")


def _to_usd(credits: int) -> float:
    return round(credits * CREDIT_USD, 4)

"""Reads the parameters of a list request, and refuses them the way OpenAlex does."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import orjson

from loader.samples.openalex.catalogue import Record
from loader.samples.openalex.entities import EntityKind

LARGEST_PAGE = 200
GROUPS_PER_PAGE = 200

_LARGEST_OFFSET = 10_000
_MAX_VALUES = 100
_PARAMETERS = (
    "api_key",
    "cursor",
    "filter",
    "group_by",
    "group-by",
    "mailto",
    "page",
    "per_page",
    "per-page",
    "select",
    "sort",
)


class ApiError(Exception):
    """A refusal: the status, body and further headers of the answer."""

    def __init__(self, status: HTTPStatus, error: str, message: str) -> None:
        """Refuse with OpenAlex's two-field body."""
        super().__init__(message)
        self.status = status
        self.body: Record = {"error": error, "message": message}
        self.headers: dict[str, str] = {}


@dataclass(frozen=True)
class Condition:
    """One filter: any of the values must match."""

    name: str
    values: list[str]


@dataclass(frozen=True)
class ListQuery:
    """A list request: `start` is the position of its first result; `page` is null with a cursor."""

    conditions: list[Condition]
    select: list[str]
    sort: list[tuple[str, bool]]
    group_by: str | None
    per_page: int
    page: int | None
    start: int


def refuse(message: str, *, error: str = "Invalid query parameters error.") -> ApiError:
    """Return a 400 with OpenAlex's body."""
    return ApiError(HTTPStatus.BAD_REQUEST, error, message)


def parse_list_query(kind: EntityKind, parameters: Mapping[str, str], *, has_paid_plan: bool) -> ListQuery:
    """Read the parameters of a list; raises ApiError (400, or 429 for a filter of paid plans)."""
    for name in parameters:
        if name not in _PARAMETERS:
            raise refuse(f"{name} is not a valid parameter. Valid parameters are: {', '.join(_PARAMETERS)}.")
    group_by = parameters.get("group_by") or parameters.get("group-by")
    select = parse_select(kind, parameters)
    if group_by and select:
        raise refuse("select does not work with group_by.")
    if group_by and group_by not in kind.groups:
        raise refuse(f"{group_by} is not a valid field. Valid fields are: {', '.join(kind.groups)}.")
    per_page = _parse_per_page(parameters, GROUPS_PER_PAGE if group_by else 25)
    page, start = _parse_position(parameters, per_page, is_grouped=bool(group_by))
    return ListQuery(
        conditions=_parse_filter(kind, parameters.get("filter", ""), has_paid_plan=has_paid_plan),
        select=select,
        sort=_parse_sort(kind, parameters.get("sort", "")),
        group_by=group_by,
        per_page=per_page,
        page=page,
        start=start,
    )


def parse_select(kind: EntityKind, parameters: Mapping[str, str]) -> list[str]:
    """Return the selected root fields, none for all; raises ApiError for a field that does not exist."""
    fields = [field.strip() for field in parameters.get("select", "").split(",") if field.strip()]
    for field in fields:
        if field not in kind.select_fields:
            valid = ", ".join(kind.select_fields)
            raise refuse(f"{field} is not a valid select field. Valid fields for select are: {valid}.")
    return fields


def encode_cursor(start: int) -> str:
    """Return an opaque cursor for the position of the next result."""
    return base64.urlsafe_b64encode(orjson.dumps(["position", start])).decode()


def _decode_cursor(cursor: str) -> int:
    if cursor == "*":
        return 0
    try:
        word, start = orjson.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, TypeError):
        word, start = None, None
    if word != "position" or not isinstance(start, int) or start < 0:
        raise refuse("Cursor value is invalid.", error="Pagination error.")
    return start


def _parse_per_page(parameters: Mapping[str, str], default: int) -> int:
    given = parameters.get("per_page", parameters.get("per-page"))
    if given is None:
        return default
    if not given.isdecimal() or not 1 <= int(given) <= LARGEST_PAGE:
        raise refuse(f"per-page parameter must be between 1 and {LARGEST_PAGE}", error="Pagination error.")
    return int(given)


def _parse_position(parameters: Mapping[str, str], per_page: int, *, is_grouped: bool) -> tuple[int | None, int]:
    cursor, page = parameters.get("cursor"), parameters.get("page")
    if cursor is not None:
        if page is not None:
            raise refuse("Cannot use page parameter with cursor.", error="Pagination error.")
        return None, _decode_cursor(cursor)
    if page is not None and (not page.isdecimal() or int(page) < 1):
        raise refuse("Page parameter must be greater than 0.", error="Pagination error.")
    number = int(page or 1)
    if is_grouped and number > 1:
        raise refuse("Use cursor to page through groups.", error="Pagination error.")
    if number * per_page > _LARGEST_OFFSET:
        raise refuse(
            "Maximum results size of 10,000 records is exceeded. Cursor pagination is required for records "
            "beyond 10,000. See: https://developers.openalex.org/guides/page-through-results",
            error="Pagination error.",
        )
    return number, (number - 1) * per_page


def _parse_filter(kind: EntityKind, text: str, *, has_paid_plan: bool) -> list[Condition]:
    conditions = []
    for part in text.split(",") if text else []:
        name, separator, value = part.partition(":")
        name = name.strip().replace("-", "_")
        if name not in kind.filters:
            valid = ", ".join(kind.filters)
            raise refuse(f"{name} is not a valid field. Valid fields are underscore or hyphenated versions of: {valid}")
        if not separator or not value:
            raise refuse(f"Invalid query parameter in filter: {part}. Filters are written name:value.")
        if name in kind.gated and not has_paid_plan:
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Plan upgrade required",
                f"The {name} filter is only available to users with a paid plan.",
            )
        values = value.split("|")
        if len(values) > _MAX_VALUES:
            raise refuse(
                f"Maximum number of values exceeded for {name}. Decrease values to {_MAX_VALUES} or "
                "below, or consider downloading the full dataset at "
                "https://developers.openalex.org/download/snapshot-format"
            )
        conditions.append(Condition(name, values))
    return conditions


def _parse_sort(kind: EntityKind, text: str) -> list[tuple[str, bool]]:
    keys = []
    for part in text.split(",") if text else []:
        name, _, direction = part.partition(":")
        _require(name, kind.sorts, "sort field")
        _require(direction or "asc", ("asc", "desc"), "sort direction")
        keys.append((name, direction == "desc"))
    return keys


def _require(value: str, known: Collection[str], what: str) -> None:
    if value not in known:
        raise refuse(f"{value} is not a valid {what}. Valid values are: {', '.join(known)}.")

"""Records with every kind of value, made from the structs that staging reads, and plain Python's reading of them."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loader.base.settings import ROOT

STAGING = ROOT / "dbt_project" / "models" / "staging" / "academic" / "openalex"
STRUCTS = {
    "works": "base_openalex__works",
    "authors": "stg_openalex__authors",
    "institutions": "stg_openalex__institutions",
    "topics": "stg_openalex__topics",
    "roster": "base_openalex__roster",
}

HOSTILE_TEXTS = [
    "'; drop table marts.fct_papers; --",
    "{{ config.secret }} {% raw %} {# note #}",
    "<script>alert(1)</script>",
    "=cmd|'/c calc'!A0",
    "%s %d %% ${x} $1 \\1 \\0 \\N \\.",
    "back\\slash \\\\u0000 \\n",
    "new\nline\ttab\r\nreturn \x1f\x7f\x85\u2028\u2029",
    "\"quoted\" `ticks` $$dollars$$ E'\\'",
    "שלום \u202emirrored\u202c \u2066isolated\u2069 \u200f",
    "👩‍👩‍👧‍👦 🏳️‍🌈 \U0010ffff \ufffe \ufeff",
    "e\u0301 vs é, ﬁ, Å, İ, ß, ΐ",
    "z" + "\u0300" * 300,
    "[1,2] {'a': 1} NaN Infinity null",
    ": , } ] \\",
    "",
    " ",
]
# What no record may hold, or only where nothing reads it. Written into the JSON text as it stands.
RAW_VALUES = [
    "NaN", "-Infinity", "Infinity", "1e400", "-1e400", "1e-400", "-0", "1.0", "1E2", "01", "+1", "tru",
    "2147483648", "-2147483649", "9223372036854775808", "123456789012345678901234567890", "9" * 400, "9" * 5000,
    r'"\ud800"', r'"\udc00\ud800"', r'"a\u0000b"', r'"a\\u0000b"', r'"\x41"', '"tab\there"', '"\\u003a\\u0022"',
    '{"a":1,"a":2}', '{"a":{"b":1,"\\u0062":2}}', "[" * 200 + "]" * 200, "[" * 2000 + "]" * 2000,
    "[1,]", "null", "true", "[]", "{}", "[null]", '"0000-01-01"', '"9999-12-31"', '"2016-12-31T23:59:60"',
    '"2024-02-30"', '"20240101"', '"1704067200"', '"infinity"', '"2024-01-01T10:00:00z"', '"2024-1-1"',
    '"9999-12-31T23:59:59-01:00"', '"0001-01-01T00:00:00+00:01"', '"https://openalex.org/W١٢"',
]  # fmt: skip

_TYPES: dict[str, st.SearchStrategy[Any]] = {
    "VARCHAR": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(HOSTILE_TEXTS),
    "BOOLEAN": st.booleans(),
    "INTEGER": st.integers(-(2**31), 2**31 - 1),
    "BIGINT": st.integers(-(2**63), 2**63 - 1),
    "DOUBLE": st.floats(allow_nan=False, allow_infinity=False),
    "DATE": st.dates().map(date.isoformat),
    "TIMESTAMPTZ": st.dates().map(date.isoformat)
    | st.datetimes().map(datetime.isoformat)
    | st.datetimes(
        datetime(2, 1, 1),
        datetime(9999, 1, 1),
        timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    ).map(datetime.isoformat),
    "MAP(VARCHAR, INTEGER[])": st.dictionaries(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
        st.lists(st.integers(0, 2**31 - 1), max_size=3),
        max_size=3,
    ),
}


def _ids(letter: str) -> st.SearchStrategy[str]:
    return st.integers(0, 10**20 - 1).map(lambda number: f"https://openalex.org/{letter}{number}")


# Where a record says less than its type: keys, and counts that are added up.
_NARROWER: dict[str, st.SearchStrategy[Any]] = {
    "authorships.author": st.just(...),
    "authorships.author.id": _ids("A") | st.none(),
    "authorships.institutions.id": _ids("I") | st.none(),
    "last_known_institutions.id": _ids("I") | st.none(),
    "primary_topic.id": _ids("T"),
    "topics.id": _ids("T"),
    "publication_year": st.integers(0, 9999) | st.none(),
    "first_publication_year": st.integers(1500, 2100) | st.none(),
    "group_size": st.integers(0, 2**31 - 1) | st.none(),
    "is_member": st.booleans(),
    "counts_by_year.year": st.integers(0, 9999),
    "counts_by_year.cited_by_count": st.integers(0, 2**31 - 1),
    "works.cited_by_count": st.integers(0, 2**31 - 1),
}
_REQUIRED = ("authorships.author", "primary_topic.id", "topics.id", "counts_by_year.year", "is_member")


def read_struct(resource: str) -> dict[str, Any]:
    """The struct that staging reads a resource's documents into: field -> type, struct or [struct]."""
    sql = (STAGING / f"{STRUCTS[resource]}.sql").read_text()
    (struct,) = re.findall(r"from_json\(document, '(\{.*?\})'\)", sql, re.DOTALL)
    return dict(json.loads(struct))


def _build(declared: Any, path: str, resource: str) -> st.SearchStrategy[Any]:
    narrower = _NARROWER.get(f"{resource}.{path}", _NARROWER.get(path))
    if isinstance(declared, dict):
        fields = {name: _build(child, f"{path}.{name}".lstrip("."), resource) for name, child in declared.items()}
        required = {name: each for name, each in fields.items() if f"{path}.{name}".lstrip(".") in _REQUIRED}
        optional = {name: each for name, each in fields.items() if name not in required}
        struct = st.fixed_dictionaries(required, optional=optional)
        return struct if narrower is not None or not path else struct | st.none()
    if isinstance(declared, list):
        (element,) = declared
        items = _build(element, path, resource).filter(lambda item: item is not None)
        return st.lists(items, max_size=2) | st.none()
    return narrower if narrower is not None else _TYPES[declared] | st.none()


_EXTRA = st.recursive(
    _TYPES["VARCHAR"] | _TYPES["DOUBLE"] | st.integers(-(10**40), 10**40) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TYPES["VARCHAR"], inner, max_size=2),
    max_leaves=4,
)


def good_records(resource: str) -> st.SearchStrategy[dict[str, Any]]:
    """Records without an id that hold what staging's types hold, and a field that nobody reads."""
    record = _build(read_struct(resource), "", resource)
    return st.tuples(record, _EXTRA).map(lambda pair: {**pair[0], "unread": pair[1]})


_MARK = "\ue000"
# What a piece of a record needs beside the marked value to be a record's piece at all.
_NEEDED: dict[str, dict[str, Any]] = {
    "authorships": {"author": {}},
    "topics": {"id": "https://openalex.org/T1"},
    "primary_topic": {"id": "https://openalex.org/T1"},
    "counts_by_year": {"year": 2024},
}


def list_odd_texts(resource: str) -> list[bytes]:
    """Records without an id: each of RAW_VALUES at each place that staging reads, and in a field that nobody reads."""
    marked = [*_place_mark(read_struct(resource), ""), {"unread": _MARK}]
    return [
        write_json(record).replace(f'"{_MARK}"'.encode(), raw.encode())
        for record in marked
        if record != _MARK
        for raw in RAW_VALUES
    ]


def _place_mark(declared: Any, path: str) -> Iterator[Any]:
    yield _MARK
    if isinstance(declared, list):
        for inner in _place_mark(declared[0], path):
            yield [inner]
    elif isinstance(declared, dict):
        for name, child in declared.items():
            for inner in _place_mark(child, f"{path}.{name}".lstrip(".")):
                yield {**_NEEDED.get(path, {}), name: inner}
    elif declared.startswith("MAP"):
        yield from ({"word": _MARK}, {"word": [_MARK]})


def write_json(record: Any, *, is_ascii: bool = False) -> bytes:
    """The record as compact JSON; `is_ascii` escapes every other character, as OpenAlex does."""
    return json.dumps(record, ensure_ascii=is_ascii, separators=(",", ":")).encode()


def gather(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """About `count` values of a strategy, the same in every run: so many can share one load."""
    found: list[Any] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(value: Any) -> None:
        found.append(value)

    keep()
    return found


def read_as_declared(value: Any, declared: Any) -> Any:
    """Plain Python's reading of a JSON value as the type that staging declares. Raises ValueError when it is none."""
    if value is None:
        return None
    if isinstance(declared, dict):
        _require(isinstance(value, dict))
        return {name: read_as_declared(value.get(name), child) for name, child in declared.items()}
    if isinstance(declared, list):
        _require(isinstance(value, list) and None not in value)
        return [read_as_declared(item, declared[0]) for item in value]
    if declared.startswith("MAP"):
        _require(isinstance(value, dict))
        return {key: [_READERS["INTEGER"](item) for item in items] for key, items in value.items()}
    return _READERS[declared](value)


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not of the declared type")


def _read_whole(bits: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        _require(type(value) is int and -(2 ** (bits - 1)) <= value < 2 ** (bits - 1))
        return int(value)

    return read


def _read_text(value: Any) -> str:
    _require(isinstance(value, str) and "\0" not in value)
    return str(value)


def _read_truth(value: Any) -> bool:
    _require(isinstance(value, bool))
    return bool(value)


def _read_double(value: Any) -> float:
    _require(type(value) in (int, float))
    number = float(value)
    _require(abs(number) < float("inf"))
    return number


def _read_date(value: Any) -> date:
    _require(isinstance(value, str) and len(value) == len("2026-01-31"))
    return date.fromisoformat(value)


def _read_timestamp(value: Any) -> datetime:
    _require(isinstance(value, str))
    read = datetime.fromisoformat(value)
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


_READERS: dict[str, Callable[[Any], Any]] = {
    "VARCHAR": _read_text,
    "BOOLEAN": _read_truth,
    "INTEGER": _read_whole(32),
    "BIGINT": _read_whole(64),
    "DOUBLE": _read_double,
    "DATE": _read_date,
    "TIMESTAMPTZ": _read_timestamp,
}


def refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object_pairs_hook under which Python's json knows no key that comes twice."""
    _require(len(dict(pairs)) == len(pairs))
    return dict(pairs)

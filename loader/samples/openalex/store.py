"""Holds the records of one entity, serialised and indexed once, and answers list queries from them."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import orjson

from loader.samples.openalex.budget import CREDIT_USD
from loader.samples.openalex.catalogue import Record
from loader.samples.openalex.entities import EntityKind, list_groups, shorten, walk
from loader.samples.openalex.queries import Condition, ListQuery, encode_cursor, refuse

_LISTED_AUTHORS = 100


class EntityStore:
    """The records of one entity in the order given; lists show at most 100 authors of a work."""

    def __init__(self, kind: EntityKind, records: list[Record]) -> None:
        """Serialise and index the records."""
        self.kind = kind
        self._whole = records
        self._listed = [_cut_authors(record) for record in records]
        self._bytes = [orjson.dumps(record) for record in self._listed]
        paths = {*kind.matches.values(), *kind.identifiers}
        self._index = {path: self._build_index(path) for path in sorted(paths)}

    def _build_index(self, path: str) -> dict[str, list[int]]:
        index: dict[str, list[int]] = {}
        steps = path.split(".")
        for position, record in enumerate(self._whole):
            for value in dict.fromkeys(map(shorten, walk(record, steps))):
                index.setdefault(value, []).append(position)
        return index

    def find(self, identifier: str) -> Record | None:
        """Return the whole record by any of its identifiers; of several the latest updated."""
        wanted = shorten(identifier)
        for path in self.kind.identifiers:
            positions = self._index[path].get(wanted)
            if positions:
                return max((self._whole[each] for each in positions), key=lambda each: str(each["updated_date"]))
        return None

    def answer(self, query: ListQuery) -> bytes:
        """Return the body of a list or `group_by` answer."""
        positions = self._select(query.conditions)
        if query.group_by:
            return self._answer_groups(query, positions)
        for name, is_descending in reversed(query.sort):
            values = [record[name] for record in self._whole]
            positions = _sort_positions(positions, values, is_descending)
        end = query.start + query.per_page
        meta = _describe_answer(query, len(positions), None)
        if query.page is None:
            meta["next_cursor"] = encode_cursor(end) if end < len(positions) else None
        results = b",".join(self._serialise(each, query.select) for each in positions[query.start : end])
        return b'{"meta":' + orjson.dumps(meta) + b',"results":[' + results + b'],"group_by":[]}'

    def _serialise(self, position: int, select: list[str]) -> bytes:
        if not select:
            return self._bytes[position]
        record = self._listed[position]
        return orjson.dumps(pick(record, select))

    def _answer_groups(self, query: ListQuery, positions: list[int]) -> bytes:
        groups: Counter[tuple[str, str]] = Counter()
        for position in positions:
            groups.update(list_groups(self._whole[position], str(query.group_by)))
        # A group is identified by its key; two spellings of its name must not split it.
        counts: Counter[str] = Counter()
        names: dict[str, str] = {}
        for (key, name), count in sorted(groups.items()):
            counts[key] += count
            names[key] = name
        # OpenAlex orders groups by key when paging with a cursor, else by count.
        ordered = sorted(counts) if query.page is None else sorted(counts, key=lambda key: (-counts[key], key))
        end = query.start + query.per_page
        shown = ordered[query.start : end]
        meta = _describe_answer(query, len(positions), len(shown))
        if query.page is None:
            meta["next_cursor"] = encode_cursor(end) if end < len(ordered) else None
        rows = [{"key": key, "key_display_name": names[key], "count": counts[key]} for key in shown]
        return orjson.dumps({"meta": meta, "group_by": rows})

    def _select(self, conditions: list[Condition]) -> list[int]:
        chosen: set[int] | None = None
        for condition in conditions:
            found = self._match(condition)
            chosen = found if chosen is None else chosen & found
        return list(range(len(self._whole))) if chosen is None else sorted(chosen)

    def _match(self, condition: Condition) -> set[int]:
        name, values = condition.name, condition.values
        if name in self.kind.matches:
            index = self._index[self.kind.matches[name]]
            if name == "publication_year":
                return {each for value in values for each in _match_years(index, value)}
            return {each for value in values for each in index.get(shorten(value), ())}
        lower, upper = self.kind.lower_bounds or {}, self.kind.upper_bounds or {}
        if name in lower:
            dates = [str(record[lower[name]] or "") for record in self._whole]
            return {position for position, day in enumerate(dates) if day and day >= min(values)}
        # A bound names a whole day, so what it is compared with is cut to one.
        dates = [str(record[upper[name]] or "")[:10] for record in self._whole]
        return {position for position, day in enumerate(dates) if day and day <= max(values)}


def pick(record: Record, select: list[str]) -> Record:
    """Return the selected root fields of a record, all when none is selected."""
    return {name: record[name] for name in select if name in record} if select else record


def _cut_authors(record: Record) -> Record:
    authorships = record.get("authorships") or []
    if len(authorships) <= _LISTED_AUTHORS:
        return record
    return record | {"authorships": authorships[:_LISTED_AUTHORS], "is_authors_truncated": True}


def _match_years(index: dict[str, list[int]], value: str) -> list[int]:
    """Match one year, or a range: 2019-2021, 2019-, -2021, >2019, <2021."""
    if value.isdecimal():
        return index.get(value, [])
    span = re.fullmatch(r"(\d*)-(\d*)|>(\d+)|<(\d+)", value)
    if span is None:
        raise refuse(f"Value for param publication_year must be a number or a range, not {value}.")
    since, until, after, before = span.groups()
    first = int(since) if since else int(after) + 1 if after else 0
    last = int(until) if until else int(before) - 1 if before else 9999
    return [each for year, positions in index.items() if first <= int(year) <= last for each in positions]


def _sort_positions(positions: list[int], values: list[Any], is_descending: bool) -> list[int]:
    """Sort by value, stably; what has no value comes last."""
    known = [each for each in positions if values[each] is not None]
    unknown = [each for each in positions if values[each] is None]
    return sorted(known, key=values.__getitem__, reverse=is_descending) + unknown


def _describe_answer(query: ListQuery, count: int, groups_count: int | None) -> Record:
    return {
        "count": count,
        "db_response_time_ms": 1,
        "page": query.page,
        "per_page": query.per_page,
        "groups_count": groups_count,
        "cost_usd": CREDIT_USD,
    }

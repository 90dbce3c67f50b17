"""Which fields a source's records have, of which types and how often: kept per load, so that drift is noticed.

A path reads `authorships[].author.id`. Keys that are values, such as the words of an abstract, are listed together as
`abstract_inverted_index.*`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime
from typing import Any, get_args, get_origin

import dlt
import msgspec
import pyarrow as pa
from pydantic import BaseModel

from loader.raw.arrow import build_table
from loader.raw.warehouse import RawSchema

INVENTORY_SCHEMA = pa.schema(
    [
        pa.field("resource", pa.string(), nullable=False),
        pa.field("path", pa.string(), nullable=False),
        pa.field("types", pa.string(), nullable=False),
        pa.field("first_seen_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("first_load_id", pa.string(), nullable=False),
        pa.field("last_seen_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("last_load_id", pa.string(), nullable=False),
        pa.field("record_count", pa.int64(), nullable=False),
        pa.field("examined_count", pa.int64(), nullable=False),
        pa.field("record_share", pa.float64(), nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)
INVENTORY_HINTS = dlt.mark.make_hints(table_name="field_inventory", columns={}, primary_key=["resource", "path"])

_TYPE_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
# Examining a record costs as much as everything else that a load does with it: of a large load, a sample is enough.
_EXAMINE_ALL_UP_TO = 1_000
_THEN_EVERY = 10
# Bounds, so that no record makes the inventory grow without end.
_MAX_NAMES = 200
_MAX_NAME_LENGTH = 100
_MAX_DEPTH = 20
# A field that was expected at least this often and never came has vanished.
_MIN_EXPECTED = 10


@dataclass(frozen=True)
class KnownField:
    """What the inventory knows of a path: its types by name, and the counts of the last load that examined a record."""

    types: str
    first_seen_at: datetime
    first_load_id: str
    last_seen_at: datetime
    last_load_id: str
    record_count: int
    examined_count: int


@dataclass(frozen=True)
class FieldChange:
    """A change of a field, in words: `new (string), in 12 of 76 records`."""

    path: str
    change: str


class _Field:
    """What this load has shown of a path. `children` are the fields below by their keys, `element` the list's."""

    __slots__ = ("children", "count", "element", "kinds", "last_record", "names", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.kinds: set[type] = set()
        self.count = 0
        self.last_record = 0
        self.children: dict[str, _Field] = {}
        self.names: set[str] = set()
        self.element: _Field | None = None


class FieldInventory:
    """Examines the records of one resource in one load: the first thousand, then every tenth.

    `maps` are the paths of objects whose keys are values.
    """

    def __init__(self, known: Mapping[str, KnownField], maps: Iterable[str]) -> None:
        self._known = known
        self._maps = frozenset(maps)
        self._record_count = 0
        self._examined = 0
        self._root = _Field("")
        self._fields: dict[str, _Field] = {}

    def examine(self, records: pa.ChunkedArray) -> None:
        """Examines the records (JSON texts), or a sample of many. Skips records that are not a JSON object."""
        first = self._record_count + 1
        self._record_count += len(records)
        positions = [
            number - first
            for number in range(first, self._record_count + 1)
            if number <= _EXAMINE_ALL_UP_TO or not number % _THEN_EVERY
        ]
        for record in records.take(pa.array(positions, pa.int64())).to_pylist():
            try:
                value = msgspec.json.decode(record, type=dict[str, Any])
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                continue
            self._examined += 1
            self._walk_object(value, self._root, _MAX_DEPTH)

    def _walk_object(self, value: dict[str, Any], field: _Field, depth: int) -> None:
        children, examined = field.children, self._examined
        for key, child in value.items():
            below = children.get(key) or self._find_child(field, key)
            kind = type(child)
            below.kinds.add(kind)
            if below.last_record != examined:
                below.last_record = examined
                below.count += 1
            if kind is dict:
                if depth > 1:
                    self._walk_object(child, below, depth - 1)
            elif kind is list and child and depth > 1:
                self._walk_list(child, below, depth - 1)

    def _walk_list(self, values: list[Any], field: _Field, depth: int) -> None:
        below = field.element = field.element or self._find_field(f"{field.path}[]")
        kinds = set(map(type, values))
        below.kinds |= kinds
        if below.last_record != self._examined:
            below.last_record = self._examined
            below.count += 1
        if depth > 1 and (dict in kinds or list in kinds):
            for value in values:
                if type(value) is dict:
                    self._walk_object(value, below, depth - 1)
                elif type(value) is list and value:
                    self._walk_list(value, below, depth - 1)

    def _find_child(self, field: _Field, key: str) -> _Field:
        name = key[:_MAX_NAME_LENGTH]
        if field.path in self._maps or (name not in field.names and len(field.names) >= _MAX_NAMES):
            name = "*"
        field.names.add(name)
        found = self._find_field(f"{field.path}.{name}" if field.path else name)
        if name == key:
            field.children[key] = found
        return found

    def _find_field(self, path: str) -> _Field:
        return self._fields.setdefault(path, _Field(path))

    def describe(self, resource: str, load_id: str, now: datetime) -> pa.Table:
        """A row a path, of those in this load and those of earlier loads that it lacks (INVENTORY_SCHEMA)."""
        rows = [
            (resource, path, *astuple(field), field.record_count / field.examined_count, load_id)
            for path, field in self._update(load_id, now)
        ]
        return build_table(rows, INVENTORY_SCHEMA)

    def _update(self, load_id: str, now: datetime) -> Iterator[tuple[str, KnownField]]:
        for path, field in self._fields.items():
            known = self._known.get(path)
            first = (known.first_seen_at, known.first_load_id) if known else (now, load_id)
            types = self._join_types(path, known.types if known else "")
            yield path, KnownField(types, *first, now, load_id, field.count, self._examined)
        if self._examined:
            for path in self._known.keys() - self._fields.keys():
                yield path, replace(self._known[path], record_count=0, examined_count=self._examined)

    def _join_types(self, path: str, known: str) -> str:
        names = {*known.split(", "), *(_TYPE_NAMES[kind] for kind in self._fields[path].kinds)}
        return ", ".join(name for name in _TYPE_NAMES.values() if name in names)

    def list_changes(self) -> list[FieldChange]:
        """New fields, further types and vanished fields, outermost first; none in the first load of a resource."""
        if not self._known:
            return []
        changes: dict[str, str] = {}
        for path in sorted(self._fields.keys() | self._known.keys()):
            if any(path.startswith((f"{outer}.", f"{outer}[")) for outer in changes):
                continue  # reported for the field that contains it
            if change := self._describe_change(path):
                changes[path] = change
        return [FieldChange(path, change) for path, change in changes.items()]

    def _describe_change(self, path: str) -> str | None:
        known = self._known.get(path)
        count = self._fields[path].count if path in self._fields else 0
        among = f"in {count:,} of {self._examined:,} records"
        if known is None:
            return f"new ({self._join_types(path, '')}), {among}"
        if not count:
            expected = known.record_count / known.examined_count * self._examined
            return f"vanished from {self._examined:,} records" if expected >= _MIN_EXPECTED else None
        further = {_TYPE_NAMES[kind] for kind in self._fields[path].kinds} - {"null", *known.types.split(", ")}
        if further and known.types != "null":
            return f"now also {', '.join(sorted(further))} (was {known.types}), {among}"
        return None


def find_maps(model: type[BaseModel]) -> list[str]:
    """The fields of a model that are dictionaries: objects whose keys are values."""
    return [
        name
        for name, field in model.model_fields.items()
        if any(get_origin(part) is dict for part in (field.annotation, *get_args(field.annotation)))
    ]


def read_known_fields(raw: RawSchema, resource: str) -> dict[str, KnownField]:
    """What the inventory knows of a resource, by path."""
    if not raw.has_table("field_inventory"):
        return {}
    columns = ", ".join(field.name for field in fields(KnownField))
    sql = f"select path, {columns} from {raw.name}.field_inventory where resource = ?"
    return {path: KnownField(*row) for path, *row in raw.connection.cursor().execute(sql, [resource]).fetchall()}

"""Which columns files have, and of which types: drift is a difference from the previous file.

Kept in `field_inventory`, as the fields of records are; its counts are of files, and `types` is the newest type.
"""

from collections.abc import Mapping
from dataclasses import astuple, replace
from datetime import datetime

import pyarrow as pa

from loader.raw.arrow import build_table
from loader.raw.field_inventory import INVENTORY_SCHEMA, FieldChange, KnownField


class ColumnInventory:
    """Examines the columns of the files of one resource in one load, in the order in which they are read."""

    def __init__(self, known: Mapping[str, KnownField]) -> None:
        self._known = known
        self._previous = {path: field.types for path, field in known.items() if field.record_count}
        self._types: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._examined = 0
        self._changes: list[FieldChange] = []

    def examine(self, file_name: str, schema: pa.Schema) -> None:
        """Compares a file's columns to those of the previous file."""
        columns = {field.name: str(field.type) for field in schema}
        if self._previous:
            for path in sorted(columns.keys() | self._previous.keys()):
                if change := _describe_change(self._previous.get(path), columns.get(path)):
                    self._changes.append(FieldChange(path, f"{change}, from {file_name} on"))
        self._previous = columns
        self._types |= columns
        self._examined += 1
        for path in columns:
            self._counts[path] = self._counts.get(path, 0) + 1

    def list_changes(self) -> list[FieldChange]:
        """New, vanished and changed columns in the order of the files; none for the first file of a resource."""
        return self._changes

    def describe(self, resource: str, load_id: str, now: datetime) -> pa.Table:
        """A row a column, of the files in this load and of earlier loads (INVENTORY_SCHEMA)."""
        rows = [
            (resource, path, *astuple(field), field.record_count / field.examined_count, load_id)
            for path, field in self._update(load_id, now).items()
        ]
        return build_table(rows, INVENTORY_SCHEMA)

    def _update(self, load_id: str, now: datetime) -> dict[str, KnownField]:
        if not self._examined:
            return {}
        updated = {
            path: replace(field, record_count=0, examined_count=self._examined) for path, field in self._known.items()
        }
        for path, types in self._types.items():
            known = self._known.get(path)
            first = (known.first_seen_at, known.first_load_id) if known else (now, load_id)
            updated[path] = KnownField(types, *first, now, load_id, self._counts[path], self._examined)
        return updated


def _describe_change(before: str | None, now: str | None) -> str | None:
    if before is None:
        return f"new ({now})"
    if now is None:
        return f"vanished (was {before})"
    return f"now {now} (was {before})" if now != before else None

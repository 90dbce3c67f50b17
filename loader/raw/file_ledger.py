"""The ledger of files: what raw knows of each file of a resource."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import dlt
import pyarrow as pa

from loader.raw.arrow import build_table
from loader.raw.merge import mark_rows
from loader.raw.warehouse import RawSchema

LOADED, REJECTED, REMOVED, VANISHED = "loaded", "rejected", "removed", "vanished"
FILE_LEDGER = "files"

FILE_SCHEMA = pa.schema(
    [
        pa.field("resource", pa.string(), nullable=False),
        pa.field("file_name", pa.string(), nullable=False),
        pa.field("version", pa.string(), nullable=False),
        pa.field("size_bytes", pa.int64()),
        pa.field("row_count", pa.int64(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("loaded_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("_dlt_load_id", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class FileState:
    """What the ledger knows of a file.

    `row_count` is how many rows raw holds of it. `version` is the one read last: with status `rejected`, raw keeps the
    rows of the previous version, and `reason` says why.
    """

    file_name: str
    version: str
    size_bytes: int | None
    row_count: int
    status: str
    reason: str | None

    def holds(self, version: str) -> bool:
        """Whether raw has the rows of this version."""
        return self.version == version and self.status in (LOADED, VANISHED)


def read_file_states(raw: RawSchema, resource: str) -> dict[str, FileState]:
    """What the ledger knows of each file of the resource, by name."""
    if not raw.has_table(FILE_LEDGER):
        return {}
    columns = ", ".join(field.name for field in fields(FileState))
    sql = f"select {columns} from {raw.name}.{FILE_LEDGER} where resource = ?"
    rows = raw.connection.cursor().execute(sql, [resource]).fetchall()
    return {state.file_name: state for state in (FileState(*row) for row in rows)}


class FileLedger:
    """The files of one resource: as earlier loads left them (`held`), and as this load notes them (`noted`).

    `facts` are the columns that the source adds to FILE_SCHEMA.
    """

    def __init__(self, resource: str, facts: pa.Schema, raw: RawSchema) -> None:
        self.held: Mapping[str, FileState] = read_file_states(raw, resource)
        self.noted: dict[str, FileState] = {}
        self._resource = resource
        self._fact_names = facts.names
        self._facts = self._read_facts(raw)
        self._read: set[str] = set()
        self._schema = pa.schema([*FILE_SCHEMA, *facts])
        self._hints = dlt.mark.make_hints(
            table_name=FILE_LEDGER, columns=name_local_times(facts), primary_key=["resource", "file_name"]
        )

    def note(self, state: FileState, facts: Mapping[str, Any] | None = None) -> None:
        """Notes what became of a file; `facts` are added to those that are known of it."""
        self.noted[state.file_name] = state
        self._facts[state.file_name] = {**self._facts.get(state.file_name, {}), **(facts or {})}

    def note_read(self, state: FileState, facts: Mapping[str, Any]) -> None:
        """Notes a file whose rows this load has; `facts` are all that is known of it now."""
        self.noted[state.file_name] = state
        self._facts[state.file_name] = facts
        self._read.add(state.file_name)

    def list_unlisted(self) -> Iterator[FileState]:
        """The files that raw holds rows of and that this load has not noted."""
        for name, state in self.held.items():
            if name not in self.noted and state.status != REMOVED:
                yield state

    def describe_nothing(self) -> Any:
        """The ledger's table without a row."""
        return mark_rows(self._schema.empty_table(), self._hints)

    def describe(self, load_id: str) -> Any:
        """A row for each file that was read, or whose state is another than before."""
        now = datetime.now(UTC)
        rows: Iterable[tuple[Any, ...]] = [
            (self._resource, *astuple(state), now, load_id, *map(self._facts[name].get, self._fact_names))
            for name, state in self.noted.items()
            if name in self._read or state != self.held.get(name)
        ]
        return mark_rows(build_table(list(rows), self._schema), self._hints)

    def _read_facts(self, raw: RawSchema) -> dict[str, Mapping[str, Any]]:
        if not self.held or not self._fact_names:
            return {}
        sql = f"select file_name, {', '.join(self._fact_names)} from {{raw}}.{FILE_LEDGER} where resource = ?"
        rows = raw.query(sql, self._resource)
        return {name: dict(zip(self._fact_names, values, strict=True)) for name, *values in rows}


def name_local_times(schema: pa.Schema) -> dict[str, Any]:
    """The hints without which dlt would take a local time for UTC."""
    return {field.name: {"timezone": False} for field in schema if _is_local_time(field.type)}


def _is_local_time(kind: pa.DataType) -> bool:
    return pa.types.is_timestamp(kind) and kind.tz is None

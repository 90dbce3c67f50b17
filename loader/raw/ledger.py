"""The ledger: what became of every record of a load. All shapes of raw write it in the same way."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import dlt
import pyarrow as pa

from loader.raw.arrow import build_table
from loader.raw.field_inventory import INVENTORY_HINTS, INVENTORY_SCHEMA, FieldChange
from loader.raw.merge import mark_rows
from loader.raw.record import Record, describe_fault
from loader.raw.rejects import REJECT_HINTS, REJECT_SCHEMA, REPLAY_HINTS, REPLAY_SCHEMA, list_open
from loader.raw.warehouse import RawSchema

R = TypeVar("R", bound=Record)


@dataclass
class LoadCounts:
    """What became of the records of one resource in one load.

    extracted = new + changed + unchanged + repeated + rejected. `removed` is counted beside these: rows that the source
    deleted. So is `left`: rows that stay and are marked, because the source no longer has the record or it is no longer
    followed. A new record adds a row to raw, a removed one takes a row away, and nothing else does: over all loads,
    new - removed is the number of rows that raw holds.
    """

    extracted: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0
    rejected: int = 0
    removed: int = 0
    left: int = 0

    @property
    def is_balanced(self) -> bool:
        """Whether every extracted record is accounted for."""
        return self.extracted == self.new + self.changed + self.unchanged + self.repeated + self.rejected


# Warehouses of earlier versions get these columns with their next load. They are null in their older rows.
_LATER = frozenset({"removed", "left"})
COUNT_SCHEMA = pa.schema(
    [
        pa.field("_dlt_load_id", pa.string(), nullable=False),
        pa.field("resource", pa.string(), nullable=False),
        *(pa.field(f"{field.name}_count", pa.int64(), nullable=field.name in _LATER) for field in fields(LoadCounts)),
    ]
)
_COUNT_HINTS = dlt.mark.make_hints(table_name="load_counts", columns={}, primary_key=["_dlt_load_id", "resource"])
# The tables that every source has, whatever its shapes.
LEDGER_TABLES = ("load_counts", "rejected_records", "replays", "field_inventory")


class Progress(Protocol):
    """Follows how far a resource is."""

    def start(self, resource: str) -> None:
        """The first request of the resource is sent."""

    def advance(self, resource: str, records: int, expected: int | None) -> None:
        """`records` more were read, of `expected` in all (None if unknown)."""

    def download(self, name: str, received: int, expected: int | None) -> None:
        """`received` bytes of a file are here, of `expected` in all (None if unknown)."""

    def finish(self, resource: str, counts: LoadCounts) -> None:
        """All records of the resource are in."""

    def report_changes(self, resource: str, changes: Sequence[FieldChange]) -> None:
        """The resource's fields changed."""

    def warn(self, message: str) -> None:
        """Something that the user should know and that stops nothing."""

    def conclude(self, message: str) -> None:
        """What the run changed or left open, for the summary at its end."""

    def fail(self, message: str, cause: Exception | None = None) -> None:
        """Something could not be fetched. The rest is loaded, and then the source ends with this error."""


class Inventory(Protocol):
    """The fields of one resource in one load."""

    def list_changes(self) -> list[FieldChange]:
        """What is different from the loads before."""

    def describe(self, resource: str, load_id: str, now: datetime) -> pa.Table:
        """A row a field (INVENTORY_SCHEMA)."""


class Ledger:
    """The counts and the rejects of one resource in one load; made within that load."""

    def __init__(self, resource: str, raw: RawSchema) -> None:
        self.counts = LoadCounts()
        self.load_id = str(dlt.current.load_package_state()["load_id"])
        self._resource = resource
        self._known_rejects = {reject.id for reject in list_open(raw)}
        self._rejects: list[tuple[str | None, ...]] = []

    def read_valid(self, records: Iterable[bytes], model: type[R]) -> Iterator[tuple[R, bytes]]:
        """Counts the records as extracted and yields those that pass the model; rejects the others."""
        for record in records:
            self.counts.extracted += 1
            try:
                valid = model.read(record)
            except ValueError as error:
                self.reject(record, model.read_key(record), describe_fault(error))
            else:
                yield valid, record

    def reject(self, record: bytes, key: str | None, reason: str) -> bool:
        """Counts a rejected record and keeps it for take_rejects, unless raw or this load holds it already.

        Returns whether it is kept.
        """
        self.counts.rejected += 1
        record_hash = hashlib.sha256(record).hexdigest()
        reject_id = f"{self._resource}:{record_hash}"
        if reject_id in self._known_rejects:
            return False
        self._known_rejects.add(reject_id)
        text = record.decode(errors="backslashreplace")
        self._rejects.append((reject_id, self._resource, key, reason, record_hash, text, self.load_id))
        return True

    def take_rejects(self) -> pa.Table:
        """The rejects since the last call (REJECT_SCHEMA)."""
        rejects, self._rejects = self._rejects, []
        return build_table(rejects, REJECT_SCHEMA)

    def finish(self, inventory: Inventory, progress: Progress) -> Iterator[Any]:
        """Reports the resource as read, and yields its counts and its fields for raw."""
        progress.report_changes(self._resource, inventory.list_changes())
        progress.finish(self._resource, self.counts)
        yield mark_rows(
            build_table([(self.load_id, self._resource, *astuple(self.counts))], COUNT_SCHEMA), _COUNT_HINTS
        )
        yield mark_rows(inventory.describe(self._resource, self.load_id, datetime.now(UTC)), INVENTORY_HINTS)


def list_empty_tables() -> Iterator[Any]:
    """The ledger's tables without a row: dbt reads them even if nothing was ever rejected."""
    yield mark_rows(REJECT_SCHEMA.empty_table(), REJECT_HINTS)
    yield mark_rows(REPLAY_SCHEMA.empty_table(), REPLAY_HINTS)
    yield mark_rows(INVENTORY_SCHEMA.empty_table(), INVENTORY_HINTS)


def mark_rejects(rejects: pa.Table) -> Any:
    """Rejects (REJECT_SCHEMA) as a resource yields them."""
    return mark_rows(rejects, REJECT_HINTS)

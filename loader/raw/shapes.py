"""What the four shapes of raw have in common, so that a run treats them alike.

`Documents` are records merged by key, `Files` are tables replaced file by file, `Changes` are events merged by
position, `Series` are rows with a time, appended or replaced by partition. All of them write the same ledger
(loader/raw/ledger.py).
"""

from typing import Protocol, TypeVar

from dlt.extract import DltResource

from loader.raw.ledger import Progress
from loader.raw.limits import LoadLimits
from loader.raw.record import Record
from loader.raw.warehouse import RawSchema

T_contra = TypeVar("T_contra", contravariant=True)


class Resource(Protocol[T_contra]):
    """One resource of a source: a table in raw, and how it is loaded."""

    @property
    def name(self) -> str:
        """The name of the resource and of its table in raw."""

    @property
    def model(self) -> type[Record] | None:
        """What validates a record, also in a replay. None of files, which are read again, and of series."""

    @property
    def limits(self) -> LoadLimits:
        """What a load needs of DuckDB (loader/raw/limits.py)."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables in raw that it writes, beside the ledger's."""

    def build(self, given: T_contra, raw: RawSchema, progress: Progress) -> DltResource:
        """The dlt resource. Nothing is requested before dlt reads it."""

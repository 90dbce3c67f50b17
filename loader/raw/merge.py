"""How dlt merges rows into raw: by key, and into which table."""

from collections.abc import Callable, Iterator
from typing import Any

import dlt
import pyarrow as pa
from dlt.extract import DltResource

# What `deduplicated` in a write disposition sets as a table hint; dlt ignores a `deduplicated: False`.
LOOK_FOR_COPIES: Any = {"x-stage-data-deduplicated": False}
_COPIES_HINTS = dlt.mark.make_hints(additional_table_hints=LOOK_FOR_COPIES)


def merged_resource(name: str, rows: Callable[[], Iterator[Any]], *, newest_by: str) -> DltResource:
    """A dlt resource of documents, merged on `id`: of two rows with one key in a load, the one with the highest
    `newest_by` stays.

    dlt sorts the whole load to find such rows, which doubles the time of a load of 100,000 works. So it sorts only a
    load that has any (mark_copies).
    """
    return dlt.resource(
        rows,
        name=name,
        primary_key="id",
        write_disposition={"disposition": "merge", "strategy": "delete-insert", "deduplicated": True},
        columns={newest_by: {"dedup_sort": "desc"}, "document": {"data_type": "json"}},
    )


def mark_copies(rows: pa.Table) -> Any:
    """Rows of a merged_resource in a load that holds two rows with one key."""
    return dlt.mark.with_hints(rows, _COPIES_HINTS)


def mark_rows(rows: pa.Table, hints: Any) -> Any:
    """Rows that a resource yields for a table other than its own."""
    return dlt.mark.with_hints(rows, hints, create_table_variant=True)

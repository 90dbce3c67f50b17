"""Rows as Arrow tables, the form in which dlt takes them unchanged."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa


def build_table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """A table of these rows; each has its values in the order of the schema."""
    columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
    return pa.Table.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )

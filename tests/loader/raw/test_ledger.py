"""The ledger of a warehouse that an earlier version made, and what a load may use of the machine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pytest

from loader.fetch.pages import Page
from loader.raw.arrow import build_table
from loader.raw.changes import Changes, Event
from loader.raw.documents import Documents
from loader.raw.files import Files
from loader.raw.ledger import COUNT_SCHEMA
from loader.raw.limits import LoadLimits, combine_limits
from loader.raw.pipelines import pipeline_for
from loader.raw.record import Record
from loader.raw.shapes import Resource
from tests.support.shapes import SOURCE, ShapeLoader


class Item(Record):
    id: str


ITEMS = Documents[list[bytes]]("items", Item, lambda records: [Page(records)])
SHAPES: list[Resource[Any]] = [
    ITEMS,
    Files[Any]("trips", pa.schema([("fare", pa.float64())]), lambda given: []),
    Changes[Any]("orders", Event, lambda given, positions: []),
]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[ShapeLoader]:
    with ShapeLoader(tmp_path) as made:
        yield made


def test_a_ledger_of_an_earlier_version_gets_its_new_columns_with_the_next_load(warehouse: ShapeLoader) -> None:
    earlier = pa.schema([field for field in COUNT_SCHEMA if field.name not in ("removed_count", "left_count")])

    def rows() -> Iterator[Any]:
        load_id = dlt.current.load_package_state()["load_id"]
        yield build_table([(load_id, "items", 2, 2, 0, 0, 0, 0)], earlier)

    counts = dlt.resource(
        rows,
        name="load_counts",
        primary_key=["_dlt_load_id", "resource"],
        write_disposition={"disposition": "merge", "strategy": "delete-insert"},
    )
    pipeline = pipeline_for(SOURCE, warehouse.settings, warehouse.connection)
    pipeline.run(dlt.source(lambda: [counts], name=SOURCE)(), loader_file_format="parquet")
    assert warehouse.load(ITEMS, [b'{"id": "1"}']) == {"extracted": 1, "new": 1}
    assert warehouse.ask(
        "select new_count, removed_count, left_count from {raw}.load_counts order by _dlt_load_id"
    ) == [
        (2, None, None),
        (1, 0, 0),
    ]


@pytest.mark.parametrize("resource", SHAPES, ids=lambda resource: type(resource).__name__)
def test_every_shape_writes_the_tables_it_names_and_the_ledger(warehouse: ShapeLoader, resource: Resource[Any]) -> None:
    warehouse.load(resource, [])
    tables = {*warehouse.dump(), "load_counts"}
    assert tables == {*resource.tables, "load_counts", "rejected_records", "replays", "field_inventory"}
    warehouse.load(resource, [])
    assert (
        warehouse.ask("select resource, extracted_count, removed_count from {raw}.load_counts")
        == [(resource.name, 0, 0)] * 2
    )


def test_a_load_is_limited_by_its_shape(warehouse: ShapeLoader) -> None:
    for resource in SHAPES:
        warehouse.load(resource, [])
        ((threads, memory),) = warehouse.ask("select current_setting('threads'), current_setting('memory_limit')")
        assert threads == resource.limits.threads
        assert memory.endswith("MiB")
        assert float(memory.split()[0]) == pytest.approx(resource.limits.memory_megabytes / 1.048576, rel=0.01)
    together = combine_limits([LoadLimits(100, 4), LoadLimits(200, 1)])
    assert together == LoadLimits(200, 4)

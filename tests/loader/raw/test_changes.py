"""Events are merged by position, in whatever order and load they come."""

import itertools
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed
from pydantic import Field

from loader.raw.changes import Changes, Event, EventPage
from loader.raw.rejects import list_open
from tests.support.shapes import ShapeLoader


class OrderEvent(Event):
    """A row of an application's table, as its log of changes has it."""

    key_field = "order_id"
    order_id: str
    lsn: int
    op: Literal["insert", "update", "delete"]
    amount: int | None = None

    @property
    def position(self) -> int:
        return self.lsn

    @property
    def operation(self) -> Literal["insert", "update", "delete"]:
        return self.op


class YesterdaysEvent(OrderEvent):
    """The model before it was fixed: it knew no amount above 100."""

    amount: int | None = Field(default=None, le=100)


@dataclass
class Log:
    """A stand-in log: hands out its pages, and remembers from which position it was read."""

    pages: list[EventPage] = field(default_factory=list)
    asked: dict[str, int] = field(default_factory=dict)


def read_log(log: Log, positions: Mapping[str, int]) -> Iterator[EventPage]:
    log.asked = dict(positions)
    return iter(log.pages)


ORDERS = Changes[Log]("orders", OrderEvent, read_log)
YESTERDAYS_ORDERS = Changes[Log]("orders", YesterdaysEvent, read_log)
# What a reader of the table takes for its current rows.
CURRENT = "select id, (document ->> 'amount')::int from {raw}.orders where not is_deleted order by id"


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[ShapeLoader]:
    with ShapeLoader(tmp_path) as made:
        yield made


def event(key: str, lsn: int, op: str = "update", amount: int | None = None, **more: Any) -> bytes:
    return json.dumps({"order_id": key, "lsn": lsn, "op": op, "amount": amount, **more}).encode()


def page(*events: bytes, position: int | None = None, stream: str = "main") -> Log:
    return Log([EventPage(events, stream, position)])


def check(warehouse: ShapeLoader, *expected: tuple[str, int]) -> None:
    assert warehouse.ask(CURRENT) == list(expected)
    warehouse.check_ledger("orders", len(expected))


def test_the_newest_event_of_a_key_is_kept_whole(warehouse: ShapeLoader) -> None:
    newest = event("A", 3, "update", 30, note="Zürich")
    counts = warehouse.load(ORDERS, page(event("A", 1, "insert", 10), newest, event("B", 2, "insert", 20)))
    assert counts == {"extracted": 3, "new": 2, "repeated": 1}
    assert warehouse.ask("select document::varchar, position from {raw}.orders order by id limit 1") == [
        (newest.decode(), 3)
    ]
    check(warehouse, ("A", 30), ("B", 20))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_events_out_of_order_end_as_if_they_were_in_order(warehouse: ShapeLoader, order: tuple[int, ...]) -> None:
    events = [event("A", 1, "insert", 10), event("A", 2, "update", 20), event("A", 3, "update", 30)]
    pages = [EventPage([events[place]]) for place in order]
    assert warehouse.load(ORDERS, Log(pages)) == {"extracted": 3, "new": 1, "repeated": 2}
    check(warehouse, ("A", 30))


def test_an_event_that_is_not_newer_than_raw_changes_nothing(warehouse: ShapeLoader) -> None:
    warehouse.load(ORDERS, page(event("A", 5, "insert", 50), position=5))
    before = warehouse.dump()
    again = page(event("A", 4, "update", 40), event("A", 5, "insert", 51), position=5)
    assert warehouse.load(ORDERS, again) == {"extracted": 2, "unchanged": 2}
    assert warehouse.dump() == before
    # Of another key it is late, and not lost.
    assert warehouse.load(ORDERS, page(event("B", 3, "insert", 30))) == {"extracted": 1, "new": 1}
    check(warehouse, ("A", 50), ("B", 30))


def test_a_deleted_record_leaves_no_content_and_is_counted(warehouse: ShapeLoader) -> None:
    warehouse.load(ORDERS, page(event("A", 1, "insert", 10), event("B", 2, "insert", 20)))
    assert warehouse.load(ORDERS, page(event("A", 4, "delete", 10))) == {"extracted": 1, "changed": 1, "removed": 1}
    check(warehouse, ("B", 20))
    assert warehouse.ask("select document, position from {raw}.orders where is_deleted") == [(None, 4)]
    # An older event does not bring it back; a newer one does.
    assert warehouse.load(ORDERS, page(event("A", 3, "update", 30))) == {"extracted": 1, "unchanged": 1}
    check(warehouse, ("B", 20))
    assert warehouse.load(ORDERS, page(event("A", 5, "insert", 50))) == {"extracted": 1, "new": 1}
    check(warehouse, ("A", 50), ("B", 20))


def test_a_record_that_comes_and_goes_in_one_load_is_counted_both_ways(warehouse: ShapeLoader) -> None:
    counts = warehouse.load(ORDERS, page(event("A", 2, "delete"), event("A", 1, "insert", 10), event("B", 3, "delete")))
    assert counts == {"extracted": 3, "new": 2, "repeated": 1, "removed": 2}
    check(warehouse)
    assert warehouse.load(ORDERS, page(event("B", 4, "delete"))) == {"extracted": 1, "changed": 1}
    check(warehouse)


def test_a_reader_goes_on_from_where_raw_stands(warehouse: ShapeLoader) -> None:
    first = Log([EventPage([event("A", 7, "insert", 1)], "eu", 8), EventPage([], "us", 3), EventPage([], "eu", 9)])
    warehouse.load(ORDERS, first)
    assert first.asked == {}
    second = Log([EventPage([event("A", 10, "update", 2)], "eu", 10)])
    warehouse.load(ORDERS, second)
    assert second.asked == {"eu": 9, "us": 3}
    before = warehouse.dump()
    third = Log([EventPage([], "eu", 10), EventPage([], "us", 1)])
    warehouse.load(ORDERS, third)
    assert third.asked == {"eu": 10, "us": 3}
    assert warehouse.dump() == before


def test_a_load_that_fails_moves_no_position(warehouse: ShapeLoader) -> None:
    warehouse.load(ORDERS, page(event("A", 1, "insert", 10), position=1))
    before = warehouse.dump()

    def fail_midway(log: Log, positions: Mapping[str, int]) -> Iterator[EventPage]:
        yield EventPage([event("B", 2, "insert", 20)], position=2)
        raise ConnectionError("cut off")

    with pytest.raises(PipelineStepFailed, match="cut off"):
        warehouse.load(Changes[Log]("orders", OrderEvent, fail_midway), Log())
    assert warehouse.dump() == before


def test_a_package_that_a_kill_left_leaves_neither_gap_nor_double(warehouse: ShapeLoader) -> None:
    warehouse.load(ORDERS, page(event("A", 1, "insert", 10), position=1))
    second = page(event("A", 2, "delete"), event("B", 3, "insert", 30), position=3)
    warehouse.leave_pending(ORDERS, second)
    assert warehouse.ask(CURRENT) == [("A", 10)]
    third = page(event("B", 3, "insert", 30), event("C", 4, "insert", 40), position=4)
    assert warehouse.load(ORDERS, third) == {"extracted": 2, "new": 1, "unchanged": 1}
    assert third.asked == {"main": 3}
    check(warehouse, ("B", 30), ("C", 40))


def test_a_bad_event_is_rejected_and_replayed_by_its_position(warehouse: ShapeLoader) -> None:
    warehouse.load(ORDERS, page(event("A", 1, "insert", 10), event("B", 1, "insert", 10), position=1))
    bad = [event("A", 2, "update", 200), event("B", 2, "update", 200), event("A", 3, "move"), b"{"]
    counts = warehouse.load(YESTERDAYS_ORDERS, page(*bad, position=3))
    assert counts == {"extracted": 4, "rejected": 4}
    warehouse.load(YESTERDAYS_ORDERS, page(event("B", 4, "update", 40), position=4))
    check(warehouse, ("A", 10), ("B", 40))
    assert {reject.record_id for reject in list_open(warehouse.raw)} == {"A", None}
    assert warehouse.replay(ORDERS) == {"extracted": 1, "changed": 1}
    check(warehouse, ("A", 200), ("B", 40))
    assert warehouse.ask("select record_id, outcome from {raw}.replays order by all") == [
        ("A", "loaded"),
        ("B", "overtaken"),
    ]
    assert warehouse.ask("select last_position from {raw}.stream_positions") == [(4,)]
    assert warehouse.replay(ORDERS) == {}


def test_a_new_field_of_events_is_reported(warehouse: ShapeLoader) -> None:
    warehouse.load(ORDERS, page(event("A", 1, "insert", 10)))
    warehouse.load(ORDERS, page(event("A", 2, "update", 10, coupon="X"), event("B", 3, "delete")))
    changes = warehouse.progress.changes["orders"]
    assert [(change.path, change.change) for change in changes] == [("coupon", "new (string), in 1 of 1 records")]


def test_any_split_of_a_log_into_loads_ends_the_same(tmp_path: Path) -> None:
    chance = random.Random(17)
    operations = ("insert", "update", "delete")
    events = [event(chance.choice("ABCDEF"), lsn, chance.choice(operations), lsn) for lsn in range(1, 61)]
    newest: dict[str, dict[str, Any]] = {}
    for text in events:
        newest[json.loads(text)["order_id"]] = json.loads(text)
    expected = [(key, row["amount"]) for key, row in sorted(newest.items()) if row["op"] != "delete"]
    for attempt in range(3):
        shuffled = chance.sample(events, len(events))
        shuffled += chance.choices(events, k=10)  # sent more than once
        cuts = sorted(chance.sample(range(len(shuffled)), 3))
        with ShapeLoader(tmp_path / str(attempt)) as warehouse:
            for start, end in itertools.pairwise([0, *cuts, len(shuffled)]):
                warehouse.load(ORDERS, page(*shuffled[start:end]))
            check(warehouse, *expected)

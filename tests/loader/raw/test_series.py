"""A series holds each row of a stream once, as it came last, and tells what became of every record."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from loader.base.errors import HeadwaterError
from loader.raw import series_intake
from loader.raw.rejects import find_rejects, list_open, list_replays
from loader.raw.series import RowPage, Series
from loader.raw.series_intake import Place, SeriesRow
from loader.raw.series_tables import Gap, Partition, read_replaced
from tests.support.shapes import ShapeLoader

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = 3600


def reading(number: int, second: int, value: object = 1) -> bytes:
    """A record; `second` counts from midnight."""
    return json.dumps({"id": number, "second": second, "value": value}).encode()


def read(record: bytes, _: str) -> SeriesRow:
    """Refuses a value that is not a number."""
    fields = json.loads(record)
    if not isinstance(fields["value"], int):
        raise ValueError("the value is not a number")  # noqa: TRY004  (it describes a record)
    return SeriesRow(str(fields["id"]), to_microseconds(fields["second"]), (fields["value"],))


def read_anything(record: bytes, stream: str) -> SeriesRow:
    """The rule after it was mended: a value that is not a number is zero."""
    fields = json.loads(record)
    value = fields["value"] if isinstance(fields["value"], int) else 0
    return read(json.dumps({**fields, "value": value}).encode(), stream)


def read_place(record: bytes) -> Place:
    """Id and time as far as they are there."""
    fields = json.loads(record)
    second = fields["second"]
    return Place(fields["id"] and str(fields["id"]), None if second is None else to_microseconds(second))


def to_microseconds(second: int) -> int:
    return (int(MIDNIGHT.timestamp()) + second) * 1_000_000


def moment(second: int) -> datetime:
    return MIDNIGHT + timedelta(seconds=second)


def give(pages: Sequence[RowPage | Exception]) -> Iterator[RowPage]:
    """The pages; raises what is an error among them."""
    for page in pages:
        if isinstance(page, Exception):
            raise page
        yield page


SCHEMA = pa.schema([pa.field("value", pa.int64(), nullable=False)])
READINGS: Series[Any] = Series("readings", SCHEMA, read, give, read_place)


@pytest.fixture
def loader(tmp_path: Path) -> Iterator[ShapeLoader]:
    with ShapeLoader(tmp_path) as opened:
        yield opened


def list_rows(loader: ShapeLoader) -> list[tuple[Any, ...]]:
    """Key, seconds since midnight, and value."""
    rows = loader.ask("select id, occurred_at, value from {raw}.readings order by occurred_at, id")
    return [(key, (at - MIDNIGHT) // timedelta(seconds=1), value) for key, at, value in rows]


def count_days(loader: ShapeLoader, kind: str) -> dict[date, int]:
    """What all loads together counted of a kind, by day."""
    counts = loader.ask(f"select day, cast(sum({kind}_count) as integer) from {{raw}}.stream_days group by day")
    return {day: count for day, count in counts if count}


def test_each_row_is_there_once_as_it_came_last(loader: ShapeLoader) -> None:
    first = [reading(1, 10), reading(2, 20), reading(1, 10)]
    assert loader.load(READINGS, [RowPage("north", first), RowPage("south", [reading(1, 10)])]) == {
        "extracted": 4,
        "new": 3,
        "repeated": 1,
    }
    again = [reading(1, 10), reading(2, 25, 7), reading(3, 30)]
    assert loader.load(READINGS, [RowPage("north", again)]) == {
        "extracted": 3,
        "new": 1,
        "changed": 1,
        "unchanged": 1,
    }
    assert list_rows(loader) == [("north:1", 10, 1), ("south:1", 10, 1), ("north:2", 25, 7), ("north:3", 30, 1)]
    records = [
        record for (record,) in loader.ask("select record from {raw}.readings where stream = 'north' order by id")
    ]
    assert records == [record.decode() for record in again]
    earlier = loader.ask("select id, stream, occurred_at, outcome, content from {raw}.superseded_rows")
    assert earlier == [("north:2", "north", moment(20), "changed", '{"value":"1"}')]
    loader.check_ledger("readings", rows=4)


def test_a_load_larger_than_a_chunk_counts_as_a_small_one(loader: ShapeLoader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_intake, "_CHUNK_ROWS", 3)
    numbers = [*range(1, 8), 2, 7]
    pages = [RowPage("north", [reading(number, number)]) for number in numbers]
    assert loader.load(READINGS, pages) == {"extracted": 9, "new": 7, "repeated": 2}
    assert loader.load(READINGS, pages) == {"extracted": 9, "unchanged": 7, "repeated": 2}
    assert [key for key, *_ in list_rows(loader)] == [f"north:{number}" for number in range(1, 8)]


def test_a_row_is_late_if_an_earlier_load_brought_a_later_one_of_its_day(loader: ShapeLoader) -> None:
    day = 24 * HOUR
    loader.load(READINGS, [RowPage("north", [reading(5, 500), reading(1, 100)])])
    assert count_days(loader, "late") == {}
    late, on_time, of_another_day = reading(2, 499), reading(6, 501), reading(9, day + 5)
    loader.load(READINGS, [RowPage("north", [late, on_time, of_another_day]), RowPage("south", [reading(2, 3)])])
    assert count_days(loader, "late") == {MIDNIGHT.date(): 1}
    # A change of what raw holds is no late row.
    loader.load(READINGS, [RowPage("north", [reading(1, 100, 8)])])
    assert count_days(loader, "late") == {MIDNIGHT.date(): 1}
    assert count_days(loader, "new") == {MIDNIGHT.date(): 5, MIDNIGHT.date() + timedelta(days=1): 1}


def test_a_partition_is_replaced_whole_and_nothing_beside_it(loader: ShapeLoader) -> None:
    everything = [reading(number, number * HOUR) for number in range(6)]
    loader.load(READINGS, [RowPage("north", everything), RowPage("south", [reading(3, 3 * HOUR)])])
    partition = Partition("north", moment(2 * HOUR), moment(4 * HOUR), "batch one", 17)
    pages = [RowPage("north", [reading(2, 2 * HOUR, 9), reading(7, 3 * HOUR + 1)]), RowPage("north", [])]
    pages[1] = replace(pages[1], replaced=partition)
    assert loader.load(READINGS, pages) == {"extracted": 2, "new": 1, "changed": 1, "removed": 1}
    assert list_rows(loader) == [
        ("north:0", 0, 1),
        ("north:1", HOUR, 1),
        ("north:2", 2 * HOUR, 9),
        ("south:3", 3 * HOUR, 1),
        ("north:7", 3 * HOUR + 1, 1),
        ("north:4", 4 * HOUR, 1),
        ("north:5", 5 * HOUR, 1),
    ]
    kept = "select id, outcome, content from {raw}.superseded_rows order by id"
    assert loader.ask(kept) == [
        ("north:2", "changed", '{"value":"1"}'),
        ("north:3", "removed", '{"value":"1"}'),
    ]
    assert loader.ask("select row_count, request_count from {raw}.replaced_partitions") == [(2, 17)]
    # An empty one removes all; the table tells of the last replacement.
    empty = RowPage("north", [], replaced=replace(partition, batch="batch two"))
    assert loader.load(READINGS, [empty]) == {"removed": 2}
    assert [each[2] for each in read_replaced(loader.raw, "readings", "north")] == ["batch two"]
    assert len(list_rows(loader)) == 5
    loader.check_ledger("readings", rows=5)


def test_a_row_that_moved_out_of_a_replaced_partition_stays(loader: ShapeLoader) -> None:
    loader.load(READINGS, [RowPage("north", [reading(1, HOUR), reading(2, HOUR)])])
    partition = Partition("north", moment(0), moment(2 * HOUR), "batch")
    moved = RowPage("north", [reading(1, 5 * HOUR)], replaced=partition)
    assert loader.load(READINGS, [moved]) == {"extracted": 1, "changed": 1, "removed": 1}
    assert list_rows(loader) == [("north:1", 5 * HOUR, 1)]


def test_a_position_moves_on_and_never_back(loader: ShapeLoader) -> None:
    positions = "select stream, last_position from {raw}.stream_positions order by all"
    loader.load(READINGS, [RowPage("north", [], 50), RowPage("north", [], 40), RowPage("south", [], 3)])
    assert loader.ask(positions) == [("north", 50), ("south", 3)]
    loader.load(READINGS, [RowPage("north", [], 49), RowPage("south", [])])
    assert loader.ask(positions) == [("north", 50), ("south", 3)]


def test_a_gap_that_is_noticed_again_is_one_gap(loader: ShapeLoader) -> None:
    gap = Gap("north", 3, 5, moment(60))
    for _ in range(2):
        loader.load(READINGS, [RowPage("north", [], gaps=[gap, gap])])
    assert loader.ask("select stream, first_missing, last_missing, followed_at from {raw}.known_gaps") == [
        ("north", 3, 5, moment(60))
    ]


def test_a_load_that_fails_leaves_raw_as_it_was(loader: ShapeLoader) -> None:
    loader.load(READINGS, [RowPage("north", [reading(1, 10)], 1)])
    before = loader.dump()
    partition = Partition("north", moment(0), moment(HOUR), "batch")
    replacing = RowPage("north", [reading(2, 20, "bad"), reading(3, 30)], 3, replaced=partition)
    with pytest.raises(Exception, match="the source ended"):
        loader.load(READINGS, [replacing, HeadwaterError("the source ended")])
    assert loader.dump() == before


def test_a_load_that_was_killed_is_completed_by_the_next_one(loader: ShapeLoader, tmp_path: Path) -> None:
    partition = Partition("north", moment(0), moment(HOUR), "batch")
    first = [RowPage("north", [reading(1, 10), reading(2, 20)], 2)]
    second = [RowPage("north", [reading(2, 21), reading(3, 30, "bad")], 3, replaced=partition)]
    with ShapeLoader(tmp_path / "undisturbed") as undisturbed:
        for pages in (first, second, second):
            undisturbed.load(READINGS, pages)
        expected = list_rows(undisturbed)
    loader.load(READINGS, first)
    loader.leave_pending(READINGS, second)
    loader.load(READINGS, second)
    assert list_rows(loader) == expected == [("north:2", 21, 1)]
    assert len(list_open(loader.raw)) == 1
    loader.check_ledger("readings", rows=1)


def test_a_rejected_record_counts_once_on_the_day_of_its_time(loader: ShapeLoader) -> None:
    page_day = MIDNIGHT.date() + timedelta(days=7)
    with_time, without = reading(4, 30 * HOUR, "bad"), json.dumps({"id": 5, "second": None, "value": None}).encode()
    for _ in range(2):
        loaded = loader.load(READINGS, [RowPage("north", [with_time, without, without], day=page_day)])
        assert loaded == {"extracted": 3, "rejected": 3}
    assert count_days(loader, "rejected") == {MIDNIGHT.date() + timedelta(days=1): 1, page_day: 1}
    assert sorted((str(reject.record_id), reject.reason) for reject in list_open(loader.raw)) == [
        ("north:4", "north: the value is not a number"),
        ("north:5", "north: the value is not a number"),
    ]


def test_a_rejected_record_is_closed_by_a_row_of_its_id_that_comes_later(loader: ShapeLoader) -> None:
    bad = [reading(1, 10, "bad"), reading(2, 20, "bad")]
    loader.load(READINGS, [RowPage("north", bad), RowPage("south", [reading(1, 10, "bad too")])])
    loader.load(READINGS, [RowPage("north", [reading(1, 10)])])
    assert sorted(str(reject.record_id) for reject in list_open(loader.raw)) == ["north:2", "south:1"]
    # It comes wrong again: open again, and once.
    loader.load(READINGS, [RowPage("north", [reading(1, 10, "bad")])])
    assert sorted(str(reject.record_id) for reject in list_open(loader.raw)) == ["north:1", "north:2", "south:1"]


def test_a_replay_loads_once_what_a_mended_rule_accepts(loader: ShapeLoader) -> None:
    bad = [reading(1, 10, "bad"), reading(2, 20, "bad")]
    loader.load(READINGS, [RowPage("north", [*bad, reading(3, 30)], 3), RowPage("south", [reading(1, 15, "bad")])])
    loader.load(READINGS, [RowPage("north", [reading(2, 20, 5)])])
    assert loader.replay(READINGS) == {}
    assert len(list_open(loader.raw)) == 2
    mended: Series[Any] = replace(READINGS, read=read_anything)
    assert loader.replay(mended) == {"extracted": 2, "new": 2}
    assert list_rows(loader) == [("north:1", 10, 0), ("south:1", 15, 0), ("north:2", 20, 5), ("north:3", 30, 1)]
    assert list_open(loader.raw) == []
    outcomes = {
        reject.record_id: [replay.outcome for replay in list_replays(loader.raw, reject)]
        for key in ("north:1", "north:2", "south:1")
        for reject in find_rejects(loader.raw, key)
    }
    assert outcomes == {"north:1": ["loaded"], "north:2": ["overtaken"], "south:1": ["loaded"]}
    assert loader.ask("select stream, last_position from {raw}.stream_positions") == [("north", 3)]
    assert count_days(loader, "late") == {MIDNIGHT.date(): 2}
    assert loader.replay(mended) == {}
    loader.check_ledger("readings", rows=4)

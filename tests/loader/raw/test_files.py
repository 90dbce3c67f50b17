"""Files are replaced one by one, each row can be traced to its file, and a bad file holds back no other."""

import gzip
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from loader.base.errors import HeadwaterError, list_causes
from loader.fetch.refusals import UnavailableError
from loader.raw.file_reader import SourceFile, describe_local_file
from loader.raw.files import Files
from loader.raw.rejects import list_open
from tests.support.shapes import SOURCE, ShapeLoader
from tests.support.workspace import RECORDED

TRIPS = pa.schema(
    [
        pa.field("PULocationID", pa.int64(), nullable=False),
        pa.field("fare_amount", pa.float64()),
        pa.field("note", pa.string()),
    ]
)
TAXI = RECORDED / "taxi"


def list_folder(folder: Path) -> list[SourceFile]:
    return [describe_local_file(path) for path in sorted(folder.iterdir())]


TRIP_FILES = Files[Path]("trips", TRIPS, list_folder)
ROWS = "select file_name, row_number, pu_location_id, fare_amount from {raw}.trips order by all"
FILES = "select file_name, row_count, status, reason from {raw}.files order by all"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[ShapeLoader]:
    with ShapeLoader(tmp_path / "data") as made:
        yield made


def write(folder: Path, name: str, places: Sequence[int | None], **columns: Any) -> None:
    """A Parquet file of one row a place, with a fare of a tenth of it unless `columns` says otherwise."""
    fares = [None if place is None else place / 10 for place in places]
    values = {"PULocationID": pa.array(places, pa.int64()), "fare_amount": pa.array(fares, pa.float64()), **columns}
    pq.write_table(pa.table({column: rows for column, rows in values.items() if rows is not None}), folder / name)


def test_rows_know_their_file_and_their_number_in_it(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    (folder / "b.csv").write_text("PULocationID,fare_amount,note\n30,3.5,\n")
    (folder / "c.csv.gz").write_bytes(gzip.compress("PULocationID,note\n40,Zürich\n".encode()))
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 4, "new": 4}
    assert warehouse.ask(ROWS) == [
        ("a.parquet", 1, 10, 1.0),
        ("a.parquet", 2, 20, 2.0),
        ("b.csv", 1, 30, 3.5),
        ("c.csv.gz", 1, 40, None),
    ]
    assert warehouse.ask("select note from {raw}.trips where note != '' order by all") == [("Zürich",)]
    assert warehouse.ask(FILES) == [
        ("a.parquet", 2, "loaded", None),
        ("b.csv", 1, "loaded", None),
        ("c.csv.gz", 1, "loaded", None),
    ]
    warehouse.check_ledger("trips", 4)


def test_a_second_run_reads_no_file_and_changes_no_row(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    write(folder, "bad.parquet", [None])
    warehouse.load(TRIP_FILES, folder)
    before = warehouse.dump()
    (folder / "bad.parquet").unlink()

    def list_unreadable(folder: Path) -> list[SourceFile]:
        def refuse() -> AbstractContextManager[Path]:
            raise AssertionError

        return [replace(file, open=refuse) for file in list_folder(folder)]

    assert warehouse.load(replace(TRIP_FILES, list_files=list_unreadable), folder) == {"extracted": 2, "unchanged": 2}
    assert warehouse.dump() == before


@pytest.mark.parametrize("places", [[11, 21, 31, 41], [11], []])
def test_a_changed_file_replaces_exactly_its_own_rows(folder: Path, warehouse: ShapeLoader, places: list[int]) -> None:
    write(folder, "a.parquet", [10, 20, 30])
    write(folder, "b.parquet", [50, 60])
    warehouse.load(TRIP_FILES, folder)
    ((first_load,),) = warehouse.ask("select distinct _dlt_load_id from {raw}.trips")
    write(folder, "a.parquet", places)
    counts = warehouse.load(TRIP_FILES, folder)
    expected = {
        "extracted": len(places) + 2,
        "new": max(len(places) - 3, 0),
        "changed": min(len(places), 3),
        "unchanged": 2,
        "removed": max(3 - len(places), 0),
    }
    assert counts == {kind: count for kind, count in expected.items() if count}
    assert warehouse.ask(ROWS) == [
        *(("a.parquet", number, place, place / 10) for number, place in enumerate(places, 1)),
        ("b.parquet", 1, 50, 5.0),
        ("b.parquet", 2, 60, 6.0),
    ]
    untouched = "select distinct file_name from {raw}.trips where _dlt_load_id = " + repr(first_load)
    assert warehouse.ask(untouched) == [("b.parquet",)]
    warehouse.check_ledger("trips", len(places) + 2)
    write(folder, "a.parquet", [12, 22])  # also a file that had become empty
    warehouse.load(TRIP_FILES, folder)
    warehouse.check_ledger("trips", 4)
    assert len(warehouse.ask(ROWS)) == 4


def test_every_file_is_read_again_where_all_are_asked_for(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    write(folder, "b.parquet", [30])
    write(folder, "bad.parquet", [None])
    warehouse.load(TRIP_FILES, folder)
    write(folder, "b.parquet", [31, 41])
    rows, loads = warehouse.ask(ROWS), warehouse.ask("select distinct _dlt_load_id from {raw}.trips")
    again = replace(TRIP_FILES, reads_all=lambda given: given == folder)
    assert warehouse.load(again, folder) == {"extracted": 5, "changed": 3, "new": 1, "rejected": 1}
    assert warehouse.ask(ROWS) == [*rows[:2], ("b.parquet", 1, 31, 3.1), ("b.parquet", 2, 41, 4.1)]
    fresh = "select distinct _dlt_load_id from {raw}.files where status = 'loaded'"
    assert warehouse.ask(fresh) == warehouse.ask("select distinct _dlt_load_id from {raw}.trips") != loads
    warehouse.check_ledger("trips", 4)


def grow_after(checks: int, folder: Path) -> list[SourceFile]:
    """The files, of which `b.csv` gets another row once it was found unchanged that often."""

    def list_growing(file: SourceFile) -> SourceFile:
        checked: list[bool] = []

        def is_unchanged() -> bool:
            if len(checked) == checks:
                with (folder / "b.csv").open("a") as grown:
                    grown.write("40,4.0,\n")
            checked.append(file.is_unchanged())
            return checked[-1]

        return replace(file, is_unchanged=is_unchanged) if file.name == "b.csv" else file

    return [list_growing(file) for file in list_folder(folder)]


def test_a_file_that_is_written_to_while_it_is_read_waits_for_the_next_run(
    folder: Path, warehouse: ShapeLoader
) -> None:
    write(folder, "a.parquet", [10])
    (folder / "b.csv").write_text("PULocationID,fare_amount,note\n30,3.0,\n")
    first_look = replace(TRIP_FILES, list_files=lambda folder: grow_after(0, folder))
    assert warehouse.load(first_look, folder) == {"extracted": 1, "new": 1}
    assert warehouse.progress.failures == [
        "trips: b.csv could not be read: it changed while it was read. Run again once it is complete."
    ]
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 3, "new": 2, "unchanged": 1}
    # Behind the first look its rows are with dlt already: then nothing of the load comes into raw.
    write(folder, "a.parquet", [11])
    with (folder / "b.csv").open("a") as grown:
        grown.write("50,5.0,\n")
    before = warehouse.dump()
    with pytest.raises(PipelineStepFailed, match=r"b\.csv changed while it was read"):
        warehouse.load(replace(TRIP_FILES, list_files=lambda folder: grow_after(1, folder)), folder)
    assert warehouse.dump() == before
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 5, "changed": 3, "new": 2}
    assert [row[2] for row in warehouse.ask(ROWS)] == [11, 30, 40, 50, 40]
    warehouse.check_ledger("trips", 5)


def test_a_bad_file_is_rejected_with_its_reason_and_the_others_are_loaded(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "good.parquet", [10])
    write(folder, "good_too.parquet", [20])
    write(folder, "no_place.parquet", [20], PULocationID=None)
    write(folder, "empty_place.parquet", [20, None])
    write(folder, "text.parquet", [20], PULocationID=pa.array(["Queens"]))
    write(folder, "fraction.parquet", [20], PULocationID=pa.array([20.5]))
    (folder / "torn.parquet").write_bytes((folder / "good.parquet").read_bytes()[:-9])
    # Its last row is the bad one, behind what a reader takes at once.
    (folder / "row.csv").write_text("PULocationID,note\n" + f"1,{'x' * 99}\n" * 100_000 + "Bronx,\n")
    (folder / "none.csv").touch()
    (folder / "latin.csv").write_bytes("PULocationID,note\n1,Zürich\n".encode("latin-1"))
    (folder / "latin_heading.csv").write_bytes("PULocationID,größe\n1,2\n".encode("latin-1"))
    (folder / "torn.csv.gz").write_bytes(gzip.compress(b"PULocationID\n" + b"1\n" * 9)[:-9])
    (folder / "torn_row.csv").write_text("PULocationID,fare_amount,note\n1,1.0,\n2")
    (folder / "notes.txt").write_text("PULocationID\n1\n")
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 14, "new": 2, "rejected": 12}
    assert warehouse.ask(ROWS) == [("good.parquet", 1, 10, 1.0), ("good_too.parquet", 1, 20, 2.0)]
    reasons = {name: reason for name, _, status, reason in warehouse.ask(FILES) if status == "rejected"}
    assert reasons["no_place.parquet"] == "lacks PULocationID"
    assert reasons["empty_place.parquet"] == "PULocationID: 1 rows of 2 have no value"
    assert "Queens" in reasons["text.parquet"]
    assert "20.5" in reasons["fraction.parquet"]
    assert "Bronx" in reasons["row.csv"]
    assert reasons["notes.txt"] == "is neither Parquet nor CSV by its name"
    assert "Empty CSV" in reasons["none.csv"]
    assert "UTF8" in reasons["latin.csv"]
    assert reasons["latin_heading.csv"] == "is not in UTF-8"
    assert "runcated" in reasons["torn.csv.gz"]
    assert "Expected 3 columns, got 1" in reasons["torn_row.csv"]
    assert all("\n" not in reason for reason in reasons.values())
    assert {reject.record_id: reject.reason for reject in list_open(warehouse.raw)} == reasons
    warehouse.check_ledger("trips", 2)
    before = warehouse.dump()
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 14, "unchanged": 2, "rejected": 12}
    assert warehouse.dump() == before


def test_a_rejected_version_leaves_the_rows_of_the_version_before(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    warehouse.load(TRIP_FILES, folder)
    write(folder, "a.parquet", [None, 20])
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 1, "rejected": 1}
    assert warehouse.ask(FILES) == [("a.parquet", 2, "rejected", "PULocationID: 1 rows of 2 have no value")]
    assert [row[2] for row in warehouse.ask(ROWS)] == [10, 20]
    write(folder, "a.parquet", [11, 21, 31])
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 3, "changed": 2, "new": 1}
    assert [row[2] for row in warehouse.ask(ROWS)] == [11, 21, 31]
    assert list_open(warehouse.raw) == []
    warehouse.check_ledger("trips", 3)


def test_a_rejected_file_is_read_again_by_a_run_that_accepts_it(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, None])
    warehouse.load(TRIP_FILES, folder)
    mended = replace(TRIP_FILES, schema=pa.schema([field.with_nullable(True) for field in TRIPS]))
    assert warehouse.load(mended, folder) == {"extracted": 2, "new": 2}
    assert list_open(warehouse.raw) == []


def test_a_file_that_is_no_longer_listed_keeps_its_rows(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    write(folder, "b.parquet", [30])
    warehouse.load(TRIP_FILES, folder)
    before = warehouse.dump()
    (folder / "a.parquet").unlink()
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 1, "unchanged": 1}
    assert warehouse.dump() == before


def test_a_file_that_left_a_complete_list_is_removed(folder: Path, warehouse: ShapeLoader) -> None:
    files = replace(TRIP_FILES, removes_unlisted=True)
    write(folder, "a.parquet", [10, 20])
    write(folder, "b.parquet", [30])
    warehouse.load(files, folder)
    content = (folder / "a.parquet").read_bytes()
    (folder / "a.parquet").unlink()
    assert warehouse.load(files, folder) == {"extracted": 1, "unchanged": 1, "removed": 2}
    assert warehouse.ask(ROWS) == [("b.parquet", 1, 30, 3.0)]
    assert warehouse.ask(FILES)[0] == ("a.parquet", 0, "removed", "no longer listed")
    assert warehouse.load(files, folder) == {"extracted": 1, "unchanged": 1}
    (folder / "a.parquet").write_bytes(content)
    assert warehouse.load(files, folder) == {"extracted": 3, "new": 2, "unchanged": 1}
    warehouse.check_ledger("trips", 3)


def test_an_empty_list_never_removes_everything(folder: Path, warehouse: ShapeLoader) -> None:
    files = replace(TRIP_FILES, removes_unlisted=True)
    write(folder, "a.parquet", [10])
    warehouse.load(files, folder)
    (folder / "a.parquet").unlink()
    with pytest.raises(PipelineStepFailed, match="lists no file") as raised:
        warehouse.load(files, folder)
    assert any(isinstance(cause, HeadwaterError) for cause in list_causes(raised.value))
    assert len(warehouse.ask(ROWS)) == 1


def test_a_file_that_is_listed_twice_is_loaded_once(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    files = replace(TRIP_FILES, list_files=lambda folder: list_folder(folder) * 2)
    assert warehouse.load(files, folder) == {"extracted": 4, "new": 2, "repeated": 2}
    assert len(warehouse.ask(ROWS)) == 2


def test_a_file_that_cannot_be_fetched_holds_back_no_other(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10])
    write(folder, "b.parquet", [20])
    warehouse.load(TRIP_FILES, folder)
    write(folder, "a.parquet", [11])
    write(folder, "b.parquet", [21])

    def list_with_fault(folder: Path) -> list[SourceFile]:
        def fail() -> AbstractContextManager[Path]:
            raise UnavailableError("HTTP 503 in all attempts.")

        first, *others = list_folder(folder)
        return [replace(first, open=fail), *others]

    assert warehouse.load(replace(TRIP_FILES, list_files=list_with_fault), folder) == {"extracted": 1, "changed": 1}
    assert warehouse.progress.failures == ["trips: a.parquet could not be read: HTTP 503 in all attempts."]
    assert [row[2] for row in warehouse.ask(ROWS)] == [10, 21]
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 2, "changed": 1, "unchanged": 1}
    assert [row[2] for row in warehouse.ask(ROWS)] == [11, 21]


def test_a_package_that_a_kill_left_is_loaded_once(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    warehouse.load(TRIP_FILES, folder)
    write(folder, "a.parquet", [11])
    write(folder, "b.parquet", [30])
    warehouse.leave_pending(TRIP_FILES, folder)
    assert [row[2] for row in warehouse.ask(ROWS)] == [10, 20]
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 2, "unchanged": 2}
    assert [row[2] for row in warehouse.ask(ROWS)] == [11, 30]
    warehouse.check_ledger("trips", 2)


def test_a_kill_between_the_copy_to_staging_and_dlts_note_of_it(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "a.parquet", [10, 20])
    warehouse.load(TRIP_FILES, folder)
    write(folder, "a.parquet", [11, 21])
    warehouse.leave_pending(TRIP_FILES, folder)
    (package,) = (warehouse.settings.state / "dlt" / "pipelines" / SOURCE / "load" / "normalized").iterdir()
    # dlt has emptied its staging tables, and begins to fill them.
    (package / "schema_updates.json").rename(package / "applied_schema_updates.json")
    for job in (package / "new_jobs").glob("trips.*.parquet"):
        warehouse.connection.execute("truncate raw_sample_staging.trips")
        warehouse.connection.execute(f"insert into raw_sample_staging.trips by name from read_parquet('{job}')")
        job.rename(package / "started_jobs" / job.name)
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 2, "unchanged": 2}
    assert [row[2] for row in warehouse.ask(ROWS)] == [11, 21]


def test_columns_that_come_go_or_change_their_type_are_reported(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "1.parquet", [10], airport_fee=pa.array([1.25]))
    write(folder, "2.parquet", [20], Airport_fee=pa.array([1.5]), PULocationID=pa.array([20], pa.int32()))
    warehouse.load(TRIP_FILES, folder)
    assert [(change.path, change.change) for change in warehouse.progress.changes["trips"]] == [
        ("Airport_fee", "new (double), from 2.parquet on"),
        ("PULocationID", "now int32 (was int64), from 2.parquet on"),
        ("airport_fee", "vanished (was double), from 2.parquet on"),
    ]
    write(folder, "3.parquet", [30], Airport_fee=pa.array(["free"]))
    warehouse.load(TRIP_FILES, folder)
    changes = {change.path: change.change for change in warehouse.progress.changes["trips"]}
    assert changes["Airport_fee"] == "now string (was double), from 3.parquet on"
    # A column that is not declared is kept as text, which holds any value.
    assert warehouse.ask("select airport_fee from {raw}.trips order by file_name") == [("1.25",), ("1.5",), ("free",)]
    inventory = "select types, record_count, examined_count from {raw}.field_inventory where path = 'airport_fee'"
    assert warehouse.ask(inventory) == [("double", 0, 1)]


def test_a_column_that_only_some_files_have_is_null_for_the_others(folder: Path, warehouse: ShapeLoader) -> None:
    write(folder, "1.parquet", [10])
    write(folder, "2.parquet", [20], cbd_congestion_fee=pa.array([0.75]))
    write(folder, "3.parquet", [30])
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 3, "new": 3}
    write(folder, "4.parquet", [40], tip=pa.array([1]))
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 4, "new": 1, "unchanged": 3}
    fees = warehouse.ask("select cbd_congestion_fee, tip from {raw}.trips order by file_name")
    assert fees == [(None, None), ("0.75", None), (None, None), (None, "1")]


def test_a_local_time_stays_as_it_is(folder: Path, warehouse: ShapeLoader) -> None:
    (folder / "a.csv").write_text("picked_up_at,dropped_off_at\n2022-03-13 02:30:00,2022-03-13 02:30:00+00:00\n")
    schema = pa.schema(
        [pa.field("picked_up_at", pa.timestamp("us")), pa.field("dropped_off_at", pa.timestamp("us", tz="UTC"))]
    )
    warehouse.load(Files[Path]("trips", schema, list_folder), folder)
    assert warehouse.ask(
        "select typeof(picked_up_at), typeof(dropped_off_at), picked_up_at::varchar from {raw}.trips"
    ) == [("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "2022-03-13 02:30:00")]


@pytest.mark.parametrize("names", [["fare_amount", "Fare_Amount"], ["file_name"]])
def test_columns_that_raw_cannot_tell_apart_reject_the_file(
    folder: Path, warehouse: ShapeLoader, names: list[str]
) -> None:
    pq.write_table(pa.table({"PULocationID": [1], **{name: ["1"] for name in names}}), folder / "a.parquet")
    assert warehouse.load(TRIP_FILES, folder) == {"extracted": 1, "rejected": 1}


def test_no_files_make_empty_tables(folder: Path, warehouse: ShapeLoader) -> None:
    assert warehouse.load(TRIP_FILES, folder) == {}
    assert set(warehouse.dump()) == {"trips", "files", "rejected_records", "replays", "field_inventory"}


@pytest.mark.skipif(not TAXI.exists(), reason=f"no recorded files at {TAXI}")
def test_real_taxi_files_of_two_years_are_one_table(warehouse: ShapeLoader) -> None:
    names = ["yellow_tripdata_2025-01_sample_10k.parquet", "yellow_tripdata_sample_2022-01.csv.gz"]
    schema = pa.schema(
        [
            pa.field("tpep_pickup_datetime", pa.timestamp("us"), nullable=False),
            pa.field("PULocationID", pa.int64(), nullable=False),
            pa.field("passenger_count", pa.float64()),
            pa.field("total_amount", pa.float64()),
            pa.field("airport_fee", pa.float64()),
        ]
    )
    files = Files[None]("trips", schema, lambda _: [describe_local_file(TAXI / name) for name in names])
    counts = warehouse.load(files, None)
    assert counts.keys() == {"extracted", "new"}
    expected = pq.read_table(TAXI / names[0])
    ((count, total, fees),) = warehouse.ask(
        "select count(*), sum(total_amount), count(airport_fee) from {raw}.trips where file_name like '%2025%'"
    )
    assert (count, fees) == (expected.num_rows, expected.num_rows - expected["Airport_fee"].null_count)
    assert total == pytest.approx(sum(filter(None, expected["total_amount"].to_pylist())))
    rows = gzip.decompress((TAXI / names[1]).read_bytes()).splitlines()
    assert warehouse.ask("select count(*), max(row_number) from {raw}.trips where file_name like '%2022%'") == [
        (len(rows) - 1, len(rows) - 1)
    ]
    assert warehouse.load(files, None) == {"extracted": counts["new"], "unchanged": counts["new"]}

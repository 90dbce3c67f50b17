"""Trip files from a folder, a glob or addresses: what is loaded, skipped, rejected and noticed."""

import csv
import gzip
import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from loader.samples.faults import answer_status
from loader.samples.taxi.server import TaxiServer
from loader.sources.contract import RunOptions
from tests.support.taxi import FEW, FILES, ask, open_loader, write_few
from tests.support.workspace import RECORDED

RECORDED_TAXI = RECORDED / "taxi"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_few(tmp_path)


def test_a_folder_is_read_with_its_subfolders_and_no_file_twice(folder: Path, tmp_path: Path) -> None:
    loader = open_loader(tmp_path, str(folder))
    zones, trips = loader.load().resources
    assert (zones.counts.new, trips.counts.new) == (17, 3 * 273)
    again = loader.load().resources
    assert [resource.counts.unchanged for resource in again] == [17, 3 * 273]
    rows = ask(
        tmp_path,
        "select file_name, colour, month, format, size_bytes, length(version), row_count, distinct_row_count,"
        " first_pickup_time = (select min(pickup_datetime) from raw_taxi.trips where file_name = files.file_name),"
        " last_pickup_time = (select max(pickup_datetime) from raw_taxi.trips where file_name = files.file_name),"
        " seconds > 0, modified_at is not null from raw_taxi.files where resource = 'trips' order by all",
    )
    assert rows == [
        (name, name.split("/")[-1].split("_")[0], month, kind, (folder / name).stat().st_size, 64, 273, 270)
        + (True,) * 4
        for name, month, kind in (
            ("more/green_tripdata_2018-01.csv", "2018-01", "csv"),
            ("yellow_tripdata_2018-01.csv", "2018-01", "csv"),
            ("yellow_tripdata_2023-01.parquet", "2023-01", "parquet"),
        )
    ]
    ((kind,),) = ask(tmp_path, "select distinct typeof(pickup_datetime) from raw_taxi.trips")
    assert kind == "TIMESTAMP"


def test_a_glob_names_files_by_their_place_below_it(folder: Path, tmp_path: Path) -> None:
    open_loader(tmp_path, str(folder / "**" / "*2018-01.csv")).load()
    names = ask(tmp_path, "select file_name from raw_taxi.files where resource = 'trips' order by all")
    assert names == [("more/green_tripdata_2018-01.csv",), ("yellow_tripdata_2018-01.csv",)]


def test_a_run_can_be_narrowed_to_months(folder: Path, tmp_path: Path) -> None:
    narrowed = RunOptions(narrowed_to={"since": ("2018-02",), "until": ("2023-02",)})
    loader = open_loader(tmp_path, str(folder))
    loader.load(narrowed)
    assert ask(tmp_path, "select distinct file_name from raw_taxi.trips") == [("yellow_tripdata_2023-01.parquet",)]
    loader.load()
    loader.load(narrowed)
    # The others are not listed now, and have not vanished.
    assert ask(tmp_path, "select distinct status from raw_taxi.files") == [("loaded",)]


def test_a_file_that_vanished_is_noticed_and_its_rows_stay(folder: Path, tmp_path: Path) -> None:
    loader = open_loader(tmp_path, str(folder))
    loader.load()
    gone = folder / "yellow_tripdata_2018-01.csv"
    content = gone.read_bytes()
    gone.unlink()
    loader.load()
    state = "select status, row_count, colour, distinct_row_count from raw_taxi.files where file_name like 'yellow%18%'"
    assert ask(tmp_path, state) == [("vanished", 273, "yellow", 270)]
    assert ask(tmp_path, "select count(*) from raw_taxi.trips") == [(3 * 273,)]
    gone.write_bytes(content)
    _, trips = loader.load().resources
    assert trips.counts.unchanged == 3 * 273
    assert ask(tmp_path, state) == [("loaded", 273, "yellow", 270)]


def test_a_file_that_cannot_be_fetched_holds_back_no_other(tmp_path: Path) -> None:
    with TaxiServer({name: FILES[name] for name in (*FEW, "taxi_zone_lookup.csv")}) as server:
        template = f"{server.url}/{{colour}}_tripdata_{{month}}.parquet {server.url}/{FEW[1]}"
        loader = open_loader(tmp_path, template, server.zones_address)
        server.fail_next(*[answer_status(503)] * 6, path=f"/{FEW[2]}")
        months = RunOptions(narrowed_to={"since": ("2018-01",), "until": ("2023-02",)})
        failed = loader.load(months, since="2022-12")
        assert failed.error is not None
        assert "yellow_tripdata_2023-01.parquet could not be read" in failed.error
        loaded = "select file_name, count(*) from raw_taxi.trips group by all order by all"
        assert ask(tmp_path, loaded) == [(FEW[1], 273)]
        loader.load(months)
    assert ask(tmp_path, loaded) == [(FEW[1], 273), (FEW[2], 273)]


def test_a_full_refresh_reads_every_file_again(tmp_path: Path) -> None:
    with TaxiServer({name: FILES[name] for name in (*FEW, "taxi_zone_lookup.csv")}) as server:
        loader = open_loader(tmp_path, server.addresses, server.zones_address)
        loader.load()
        trips = "select * exclude (_dlt_load_id) from raw_taxi.trips order by all"
        loads = "select distinct _dlt_load_id from raw_taxi.trips"
        before, first_loads, asked = ask(tmp_path, trips), ask(tmp_path, loads), len(server.requests)
        again = loader.load(RunOptions(is_full_refresh=True)).resources
        assert [resource.counts.changed for resource in again] == [17, 3 * 273]
        fetched = sorted(request.path for request in server.requests[asked:] if request.method == "GET")
        assert fetched == sorted(f"/{name}" for name in server.files)
    assert ask(tmp_path, trips) == before
    assert ask(tmp_path, loads) == ask(tmp_path, "select distinct _dlt_load_id from raw_taxi.files") != first_loads


@pytest.mark.skipif(not RECORDED_TAXI.exists(), reason="the recorded files are not here")
def test_every_recorded_file_is_loaded_or_rejected_with_the_right_reason(tmp_path: Path) -> None:
    loader = open_loader(tmp_path, str(RECORDED_TAXI), str(RECORDED_TAXI / "taxi_zone_lookup.csv"))
    loader.load()
    states = {
        str(name): (status, rows, reason)
        for name, status, rows, reason in ask(
            tmp_path, "select file_name, status, row_count, reason from raw_taxi.files where resource = 'trips'"
        )
    }
    loaded = {
        str(path.relative_to(RECORDED_TAXI)): read_trips(path)
        for path in RECORDED_TAXI.rglob("*")
        if path.is_file() and "zone_lookup" not in path.name and not path.name.endswith(".json.gz")
    }
    expected = {name: ("loaded", len(trips), None) for name, trips in loaded.items()}
    (json_file,) = RECORDED_TAXI.rglob("*.json.gz")
    not_a_table = ("rejected", 0, "is neither Parquet nor CSV by its name")
    assert states == expected | {str(json_file.relative_to(RECORDED_TAXI)): not_a_table}

    fares = ask(tmp_path, "select file_name, sum(cast(fare_amount as decimal(12, 2))) from raw_taxi.trips group by all")
    assert dict(fares) == {name: sum(trip.fare for trip in trips) for name, trips in loaded.items()}
    hours = "select file_name, pickup_zone_id, date_trunc('hour', pickup_datetime), count(*) from raw_taxi.trips"
    assert {(name, zone, hour): count for name, zone, hour, count in ask(tmp_path, f"{hours} group by all")} == Counter(
        (name, trip.zone, trip.hour) for name, trips in loaded.items() for trip in trips
    )


class RecordedTrip(NamedTuple):
    """What a file says of a trip: its fare in dollars, and the zone and the hour of its pick-up."""

    fare: Decimal
    zone: float
    hour: datetime


def read_trips(path: Path) -> list[RecordedTrip]:
    """The trips of a recorded file, in plain Python."""
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    else:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            rows = list(csv.DictReader(lines))
    (pickup,) = rows[0].keys() & {"pickup_datetime", "tpep_pickup_datetime", "lpep_pickup_datetime"}
    (zone,) = rows[0].keys() & {"pickup_location_id", "PULocationID"}
    return [
        RecordedTrip(
            Decimal(str(row["fare_amount"])),
            float(row[zone]),
            datetime.fromisoformat(str(row[pickup])).replace(minute=0, second=0),
        )
        for row in rows
    ]


def test_zones_keep_na_as_text(folder: Path, tmp_path: Path) -> None:
    open_loader(tmp_path, str(folder)).load(RunOptions(narrowed_to={"only": ("zones",)}))
    zones = ask(tmp_path, "select location_id, borough, zone from raw_taxi.zones where location_id in (264, 265)")
    assert sorted(zones, key=json.dumps) == [(264, "Unknown", "N/A"), (265, "N/A", "Outside of NYC")]

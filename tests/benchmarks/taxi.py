"""`make bench`: trips from a Parquet file to tested marts, and to Postgres, beside plain statements for the same."""

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import duckdb

from loader.base.settings import ROOT, Settings, read_settings
from loader.publish import embedded, postgres
from loader.publish.postgres import find_duckdb_extension
from loader.samples.taxi.files import ZONES
from loader.samples.taxi.layouts import write_zones
from tests.benchmarks.bench import report
from tests.support.workspace import SCRIPTS

_TRIPS = 3_000_000
_GENERATE = """
copy (
    select
        cast(1 + i % 2 as integer) as "VendorID",
        timestamp '2024-03-01' + to_microseconds(cast(hash(i) % 2678000 as bigint) * 1000000) as tpep_pickup_datetime,
        tpep_pickup_datetime + to_seconds(120 + cast(hash(i, 1) % 2400 as integer)) as tpep_dropoff_datetime,
        cast(1 + i % 5 as bigint) as passenger_count,
        0.5 + (hash(i, 2) % 300) / 100.0 as trip_distance,
        cast(1 as bigint) as "RatecodeID",
        'N' as store_and_fwd_flag,
        zones[1 + cast(hash(i, 3) % len(zones) as integer)] as "PULocationID",
        zones[1 + cast(hash(i, 4) % len(zones) as integer)] as "DOLocationID",
        cast(1 + i % 2 as bigint) as payment_type,
        round(3 + trip_distance * 2.3, 2) as fare_amount,
        0.5 as extra,
        0.5 as mta_tax,
        cast(i % 7 as double) as tip_amount,
        0.0 as tolls_amount,
        1.0 as improvement_surcharge,
        round(fare_amount + extra + mta_tax + tip_amount + improvement_surcharge + 2.5, 2) as total_amount,
        2.5 as congestion_surcharge,
        0.0 as "Airport_fee"
    from (select range as i, {zones} as zones from range({trips}))
) to '{path}' (format parquet)
"""
# The same aggregates by the plainest statements.
_FLOOR = """
create table trips as select * from read_parquet('{path}');
create table zone_hours as
select
    "PULocationID", date_trunc('hour', tpep_pickup_datetime) as hour_start, count(*), sum(passenger_count),
    sum(total_amount), median(fare_amount), median(date_diff('second', tpep_pickup_datetime, tpep_dropoff_datetime))
from trips group by all;
"""


def main() -> None:
    """Compares `--trips` trips."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trips", type=int, default=_TRIPS)
    trips = parser.parse_args().trips
    folder = Path(tempfile.mkdtemp(prefix="headwater-bench-taxi-"))
    try:
        compare(trips, folder)
    finally:
        shutil.rmtree(folder)


def compare(trips: int, folder: Path) -> None:
    """Prints both comparisons, and the peak of memory of the commands."""
    source = folder / "yellow_tripdata_2024-03.parquet"
    zones = [number for number, *_ in ZONES]
    duckdb.connect().execute(_GENERATE.format(trips=trips, zones=zones, path=source))
    (folder / "zones.csv").write_bytes(write_zones(ZONES))
    settings = read_settings({"HEADWATER_DATA": str(folder / "data")})
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {
        "HOME": str(folder),
        "HEADWATER_DATA": str(settings.data),
        "HEADWATER_DOMAINS": "taxi",
        "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
        "SOURCES__TAXI__FILES": str(source),
        "SOURCES__TAXI__ZONES": str(folder / "zones.csv"),
    }
    floor = measure_floor(source, folder / "floor.duckdb")
    load = run(environment, "dlt", "pipeline", "taxi", "run")
    build = run(environment, "dbt", "build")
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        ((kept, hours),) = connection.execute(
            "select (select count(*) from marts.fct_trips), (select sum(trip_count) from marts.fct_zone_hours)"
        ).fetchall()
    assert kept == hours > trips / 2
    report(f"{trips:,} trips to tested marts", [load + build], [floor])
    print(f"{'':36} load {load:.1f} s, build {build:.1f} s; {kept:,} trips kept", flush=True)
    embedded.start(settings)
    try:
        floor = measure_publication_floor(settings)
        seconds = run(environment, "dbt", "run-operation", "handoff")
        seconds += run(environment, "dbt", "build", "--target", "postgres")
    finally:
        embedded.stop(settings)
    report(f"publish {kept:,} trips", [seconds], [floor])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{'':36} peak memory {peak:,.0f} MB", flush=True)


def measure_floor(source: Path, target: Path) -> float:
    """Seconds of the plain statements."""
    started = time.perf_counter()
    with duckdb.connect(str(target), config={"threads": 2}) as connection:
        connection.execute(_FLOOR.format(path=source))
    return time.perf_counter() - started


def measure_publication_floor(settings: Settings) -> float:
    """Seconds of one binary COPY of the same trips, and of their primary key."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute(f"load '{find_duckdb_extension()}'")
        server = postgres.find_server(settings, {}).connection_string
        connection.execute(f"attach '{server}' as postgres_server (type postgres)")
        started = time.perf_counter()
        connection.execute("create table postgres_server.public.floor as select * from marts.fct_trips")
        connection.execute(
            "call postgres_execute('postgres_server', 'alter table public.floor add primary key (trip_key)')"
        )
        seconds = time.perf_counter() - started
        connection.execute("call postgres_execute('postgres_server', 'drop table public.floor')")
    return seconds


def run(environment: dict[str, str], *command: str) -> float:
    """Seconds of a command, which must succeed."""
    started = time.perf_counter()
    finished = subprocess.run(
        [str(SCRIPTS / command[0]), *command[1:]],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

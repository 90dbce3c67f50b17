"""How trips were written in each period: the names, the types and the format of its files."""

import gzip
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

Trip = Mapping[str, Any]

_MONEY = ("fare_amount", "extra", "mta_tax", "tip_amount", "tolls_amount", "improvement_surcharge", "total_amount")
_YELLOW = {
    "VendorID": "vendor_id",
    "tpep_pickup_datetime": "pickup",
    "tpep_dropoff_datetime": "dropoff",
    "passenger_count": "passenger_count",
    "trip_distance": "trip_distance",
    "RatecodeID": "rate_code_id",
    "store_and_fwd_flag": "store_and_fwd_flag",
    "PULocationID": "pickup_zone_id",
    "DOLocationID": "dropoff_zone_id",
    "payment_type": "payment_type",
    **{name: name for name in _MONEY},
    "congestion_surcharge": "congestion_surcharge",
}
_GREEN = {
    **{name.replace("tpep_", "lpep_"): source for name, source in _YELLOW.items()},
    "ehail_fee": "ehail_fee",
    "trip_type": "trip_type",
}
_RENAMED = {
    "VendorID": "vendor_id",
    "tpep_pickup_datetime": "pickup_datetime",
    "tpep_dropoff_datetime": "dropoff_datetime",
    "RatecodeID": "rate_code_id",
    "PULocationID": "pickup_location_id",
    "DOLocationID": "dropoff_location_id",
}
_OF_2009 = {
    "vendor_name": "vendor_name",
    "Trip_Pickup_DateTime": "pickup",
    "Trip_Dropoff_DateTime": "dropoff",
    "Passenger_Count": "passenger_count",
    "Trip_Distance": "trip_distance",
    "Start_Lon": "longitude",
    "Start_Lat": "latitude",
    "Rate_Code": "rate_code_id",
    "store_and_forward": "store_and_fwd_flag",
    "End_Lon": "longitude",
    "End_Lat": "latitude",
    "Payment_Type": "payment_name",
    "Fare_Amt": "fare_amount",
    "surcharge": "extra",
    "mta_tax": "mta_tax",
    "Tip_Amt": "tip_amount",
    "Tolls_Amt": "tolls_amount",
    "Total_Amt": "total_amount",
}
_OF_2010 = {
    "vendor_id": "vendor_name",
    "pickup_datetime": "pickup",
    "dropoff_datetime": "dropoff",
    "passenger_count": "passenger_count",
    "trip_distance": "trip_distance",
    "pickup_longitude": "longitude",
    "pickup_latitude": "latitude",
    "rate_code": "rate_code_id",
    "store_and_fwd_flag": "store_and_fwd_flag",
    "dropoff_longitude": "longitude",
    "dropoff_latitude": "latitude",
    "payment_type": "payment_name",
    "fare_amount": "fare_amount",
    "surcharge": "extra",
    "mta_tax": "mta_tax",
    "tip_amount": "tip_amount",
    "tolls_amount": "tolls_amount",
    "total_amount": "total_amount",
}
_WHOLE = (
    "vendor_id",
    "passenger_count",
    "rate_code_id",
    "pickup_zone_id",
    "dropoff_zone_id",
    "payment_type",
    "trip_type",
)
_TEXT = ("store_and_fwd_flag", "vendor_name", "payment_name")


def write_2009(trips: Sequence[Trip]) -> bytes:
    """Parquet with text for times, vendors and payments, and coordinates instead of zones."""
    return _write_parquet(trips, _OF_2009, times=pa.string())


def write_2010(trips: Sequence[Trip]) -> bytes:
    """As 2009, with other names."""
    return _write_parquet(trips, _OF_2010, times=pa.string())


def write_csv(trips: Sequence[Trip]) -> bytes:
    """CSV with the TLC's names."""
    return _write_csv(trips, _YELLOW)


def write_renamed_csv(trips: Sequence[Trip]) -> bytes:
    """CSV with names in snake case."""
    return _write_csv(trips, {_RENAMED.get(name, name): source for name, source in _YELLOW.items()})


def write_indexed_csv(trips: Sequence[Trip]) -> bytes:
    """Compressed CSV with a nameless index, and whole numbers written as 1.0."""
    columns = {"": "index", **_YELLOW, "airport_fee": "airport_fee"}
    return gzip.compress(_write_csv(trips, columns, whole=pa.float64()), mtime=0)


def write_green_csv(trips: Sequence[Trip]) -> bytes:
    """Green trips in CSV."""
    return _write_csv(trips, _GREEN)


def write_airport_fee(trips: Sequence[Trip]) -> bytes:
    """Parquet until January 2023: `airport_fee`, 64 bits, some whole numbers as double."""
    return _write_parquet(trips, {**_YELLOW, "airport_fee": "airport_fee"}, whole=pa.int64(), doubled=True)


def write_capital_airport_fee(trips: Sequence[Trip]) -> bytes:
    """Parquet since February 2023: `Airport_fee`, 32 bits."""
    return _write_parquet(trips, {**_YELLOW, "Airport_fee": "airport_fee"}, whole=pa.int32(), doubled=True)


def write_large_text(trips: Sequence[Trip]) -> bytes:
    """Parquet of 2024: text as `large_string`, whole numbers."""
    return _write_parquet(trips, {**_YELLOW, "Airport_fee": "airport_fee"}, whole=pa.int64(), text=pa.large_string())


def write_cbd_fee(trips: Sequence[Trip]) -> bytes:
    """Parquet since January 2025: `cbd_congestion_fee`."""
    columns = {**_YELLOW, "Airport_fee": "airport_fee", "cbd_congestion_fee": "cbd_congestion_fee"}
    return _write_parquet(trips, columns, whole=pa.int32(), times=pa.timestamp("ns"))


def write_green(trips: Sequence[Trip]) -> bytes:
    """Green trips in Parquet: `ehail_fee` has no type, since it is always empty."""
    return _write_parquet(trips, _GREEN, whole=pa.int32(), doubled=True)


def write_unknown(trips: Sequence[Trip]) -> bytes:
    """Parquet with columns that no year has."""
    return _write_parquet(trips, {**_YELLOW, "driver_mood": "store_and_fwd_flag", "weather": "store_and_fwd_flag"})


def write_zones(zones: Sequence[tuple[int, str, str, str]]) -> bytes:
    """The look-up, quoted as the TLC quotes it."""
    lines = [f'{number},"{borough}","{zone}","{service}"' for number, borough, zone, service in zones]
    return "\n".join(['"LocationID","Borough","Zone","service_zone"', *lines, ""]).encode()


WRITERS: Mapping[str, Callable[[Sequence[Trip]], bytes]] = {
    "yellow_tripdata_2009-01.parquet": write_2009,
    "yellow_tripdata_2010-01.parquet": write_2010,
    "yellow_tripdata_2017-06.csv": write_csv,
    "yellow_tripdata_2018-01.csv": write_renamed_csv,
    "yellow_tripdata_2022-01.csv.gz": write_indexed_csv,
    "yellow_tripdata_2023-01.parquet": write_airport_fee,
    "yellow_tripdata_2023-02.parquet": write_capital_airport_fee,
    "yellow_tripdata_2024-03.parquet": write_large_text,
    "yellow_tripdata_2025-01.parquet": write_cbd_fee,
    "green_tripdata_2018-01.csv": write_green_csv,
    "green_tripdata_2024-03.parquet": write_green,
}


def _build_table(
    trips: Sequence[Trip],
    columns: Mapping[str, str],
    *,
    whole: pa.DataType = pa.int64(),  # noqa: B008  (a constant)
    text: pa.DataType = pa.string(),  # noqa: B008
    times: pa.DataType = pa.timestamp("us"),  # noqa: B008
    doubled: bool = False,
) -> pa.Table:
    arrays = []
    for source in columns.values():
        values = [trip.get(source) for trip in trips]
        if source == "index":
            arrays.append(pa.array(range(len(trips))))
        elif source == "ehail_fee":
            arrays.append(pa.nulls(len(trips)))
        elif source in ("pickup", "dropoff"):
            arrays.append(pa.array([str(value) for value in values]).cast(pa.timestamp("us")).cast(times))
        elif source in _TEXT:
            arrays.append(pa.array(values, text))
        elif source in _WHOLE:
            is_doubled = doubled and source in ("passenger_count", "rate_code_id")
            arrays.append(pa.array(values, pa.int64()).cast(pa.float64() if is_doubled else whole))
        else:
            arrays.append(pa.array([None if value is None else float(value) for value in values], pa.float64()))
    return pa.Table.from_arrays(arrays, names=list(columns))


def _write_parquet(trips: Sequence[Trip], columns: Mapping[str, str], **types: Any) -> bytes:
    target = io.BytesIO()
    pq.write_table(_build_table(trips, columns, **types), target)
    return target.getvalue()


def _write_csv(trips: Sequence[Trip], columns: Mapping[str, str], **types: Any) -> bytes:
    table = _build_table(trips, columns, times=pa.timestamp("s"), **types)
    lines = [",".join(columns)]
    lines += [",".join("" if value is None else str(value) for value in row.values()) for row in table.to_pylist()]
    return "\n".join([*lines, ""]).encode()

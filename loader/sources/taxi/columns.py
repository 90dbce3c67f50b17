"""The columns of every year's trip files, and what each is called in raw."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from loader.raw.file_reader import FileFault

# Raw holds whole numbers as double: files have them as integers in one year and as 1.0 in the next.
_NUMBERS = (
    "vendor_id",
    "passenger_count",
    "trip_distance",
    "rate_code_id",
    "pickup_zone_id",
    "dropoff_zone_id",
    "payment_type",
    "trip_type",
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "ehail_fee",
    "improvement_surcharge",
    "total_amount",
    "congestion_surcharge",
    "airport_fee",
    "cbd_congestion_fee",
    "pickup_longitude",
    "pickup_latitude",
    "dropoff_longitude",
    "dropoff_latitude",
)
# Until 2014 vendor and payment were text. Some files have an index of whoever wrote them.
_TEXTS = ("vendor_name", "payment_name", "store_and_fwd_flag", "row_label")
_TIMES = ("pickup_datetime", "dropoff_datetime")
# Times are New York's wall clock, without a zone.
TRIP_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.timestamp("us")) for name in _TIMES),
        *(pa.field(name, pa.float64()) for name in _NUMBERS),
        *(pa.field(name, pa.string()) for name in _TEXTS),
    ]
)
ZONE_SCHEMA = pa.schema(
    [
        pa.field("location_id", pa.int64(), nullable=False),
        pa.field("borough", pa.string()),
        pa.field("zone", pa.string()),
        pa.field("service_zone", pa.string()),
    ]
)
_REQUIRED = ("pickup_datetime", "dropoff_datetime", "trip_distance", "fare_amount", "total_amount")
# In lower case and without blanks around them; a column may have its name in raw, too.
_TRIP_NAMES = {
    "vendorid": "vendor_id",
    "tpep_pickup_datetime": "pickup_datetime",
    "tpep_dropoff_datetime": "dropoff_datetime",
    "lpep_pickup_datetime": "pickup_datetime",
    "lpep_dropoff_datetime": "dropoff_datetime",
    "trip_pickup_datetime": "pickup_datetime",
    "trip_dropoff_datetime": "dropoff_datetime",
    "ratecodeid": "rate_code_id",
    "rate_code": "rate_code_id",
    "store_and_forward": "store_and_fwd_flag",
    "pulocationid": "pickup_zone_id",
    "dolocationid": "dropoff_zone_id",
    "pickup_location_id": "pickup_zone_id",
    "dropoff_location_id": "dropoff_zone_id",
    "start_lon": "pickup_longitude",
    "start_lat": "pickup_latitude",
    "end_lon": "dropoff_longitude",
    "end_lat": "dropoff_latitude",
    "fare_amt": "fare_amount",
    "surcharge": "extra",
    "tip_amt": "tip_amount",
    "tolls_amt": "tolls_amount",
    "total_amt": "total_amount",
    "": "row_label",
    "unnamed: 0": "row_label",
    "__index_level_0__": "row_label",
}
_ZONE_NAMES = {"locationid": "location_id"}


def match_trip_columns(names: Sequence[str]) -> Mapping[str, str]:
    """The column in raw of each column of a trip file. Raises FileFault for unknown and for missing ones."""
    simple = {name.strip().lower() for name in names}
    has_text_codes = "vendor_name" in simple or {"vendor_id", "pickup_longitude"} <= simple
    spelled = _TRIP_NAMES | ({"vendor_id": "vendor_name", "payment_type": "payment_name"} if has_text_codes else {})
    matched = _match(names, spelled, TRIP_SCHEMA)
    lacking = [name for name in _REQUIRED if name not in matched.values()]
    if not {"pickup_zone_id", "pickup_longitude"} & {*matched.values()}:
        lacking.append("pickup_zone_id")
    if lacking:
        raise FileFault(f"lacks {', '.join(lacking)}")
    return matched


def match_zone_columns(names: Sequence[str]) -> Mapping[str, str]:
    """The column in raw of each column of the zone look-up. Raises FileFault for unknown and for missing ones."""
    matched = _match(names, _ZONE_NAMES, ZONE_SCHEMA)
    if lacking := [name for name in ZONE_SCHEMA.names if name not in matched.values()]:
        raise FileFault(f"lacks {', '.join(lacking)}")
    return matched


def _match(names: Sequence[str], spelled: Mapping[str, str], declared: pa.Schema) -> dict[str, str]:
    matched = {name: spelled.get(name.strip().lower(), name.strip().lower()) for name in names}
    if unknown := [name for name, found in matched.items() if found not in declared.names]:
        raise FileFault(f"has columns that are not known: {', '.join(unknown)}")
    return matched

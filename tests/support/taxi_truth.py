"""What the taxi marts must hold, computed from the files in plain Python, one trip after the other."""

import csv
import gzip
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Trip = dict[str, Any]
# By what a name means, in any spelling of any year; the first that a name contains.
_MEANINGS = (
    ("vendor", "vendor"), ("pickup_datetime", "pickup"), ("dropoff_datetime", "dropoff"),
    ("passenger", "passengers"), ("distance", "miles"), ("rate", "rate"), ("store", "flag"),
    ("pulocation", "from"), ("pickup_location", "from"), ("dolocation", "to"), ("dropoff_location", "to"),
    ("payment", "payment"), ("fare", "fare"), ("extra", "extra"), ("mta", "mta"), ("tip_", "tip"), ("toll", "tolls"),
    ("ehail", "ehail"), ("improvement", "improvement"), ("total", "total"), ("cbd", "cbd"),
    ("congestion", "congestion"), ("surcharge", "extra"), ("airport", "airport"), ("trip_type", "type"),
)  # fmt: skip
_MONEY = ("fare", "extra", "mta", "tip", "tolls", "ehail", "improvement", "congestion", "airport", "cbd", "total")
_WHOLE = ("passengers", "rate", "from", "to", "type")
_CODES = {"CMT": 1, "VTS": 2, "CREDIT": 1, "CRD": 1, "CASH": 2, "CSH": 2}


@dataclass
class TaxiTruth:
    """The trips by file, each with its reason (None: it is kept)."""

    trips: dict[str, list[Trip]]

    @property
    def kept(self) -> list[Trip]:
        return [trip for trips in self.trips.values() for trip in trips if trip["reason"] is None]

    def count_reasons(self) -> Counter[tuple[str, str]]:
        return Counter((name, trip["reason"]) for name, trips in self.trips.items() for trip in trips if trip["reason"])

    def list_zone_hours(self) -> set[tuple[Any, ...]]:
        hours = defaultdict(list)
        for trip in self.kept:
            hours[trip["from"], trip["pickup"].replace(minute=0, second=0)].append(trip)
        return {
            (
                *key,
                len(trips),
                sum(trip["passengers"] or 0 for trip in trips),
                sum(trip["total"] for trip in trips),
                round(float(median(trip["fare"] for trip in trips)), 6),
                round(median((trip["dropoff"] - trip["pickup"]).total_seconds() / 60 for trip in trips), 6),
            )
            for key, trips in hours.items()
        }


def read_truth(files: Mapping[str, bytes]) -> TaxiTruth:
    """The truth of all files that can be read; `files` has the contents by name, the zone look-up among them."""
    (zones_name,) = [name for name in files if "zone" in name]
    zones = {int(re.split(r"\D", line.strip('"'))[0]) for line in files[zones_name].decode().splitlines()[1:]}
    trips = {name: read_trips(name, files[name]) for name in sorted(files) if name != zones_name}
    every = [trip for members in trips.values() for trip in members]
    for trip in every:
        trip["reason"] = find_broken_rule(trip, zones)
    mark_voided(mark_copies(every))
    return TaxiTruth(trips)


def read_trips(name: str, content: bytes) -> list[Trip]:
    """The trips of a file; none of one that cannot be read."""
    if name.endswith(".parquet"):
        try:
            rows = pq.read_table(io.BytesIO(content)).to_pylist()
        except (OSError, pa.ArrowInvalid):
            return []
    else:
        text = (gzip.decompress(content) if name.endswith(".gz") else content).decode()
        rows = list(csv.DictReader(io.StringIO(text)))
    if rows and "driver_mood" in rows[0]:
        return []
    found = re.search(r"(yellow|green).*?(\d{4}-\d\d)", name)
    assert found
    return [{**read_trip(row), "colour": found[1], "month": found[2], "file": name} for row in rows]


def read_trip(row: Mapping[str, Any]) -> Trip:
    trip: Trip = dict.fromkeys(meaning for _, meaning in _MEANINGS)
    for name, value in row.items():
        meaning = next((meaning for part, meaning in _MEANINGS if part in name.lower()), None)
        if meaning and value not in ("", None):
            trip[meaning] = read_value(meaning, value)
    return trip


def read_value(meaning: str, value: Any) -> Any:
    if meaning in ("pickup", "dropoff"):
        return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if meaning in _MONEY:
        return Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if meaning in ("vendor", "payment") and not str(value)[0].isdigit():
        return _CODES[value.upper()]
    if meaning in _WHOLE or meaning in ("vendor", "payment"):
        return int(float(value))
    return float(value) if meaning == "miles" else value


def find_broken_rule(trip: Trip, zones: set[int]) -> str | None:
    month = datetime.fromisoformat(f"{trip['month']}-01")
    took = trip["dropoff"] - trip["pickup"]
    parts = sum(trip[part] or 0 for part in ("fare", "extra", "mta", "tip", "tolls", "ehail", "improvement"))
    over = (trip["total"] or 0) - parts
    sums = {Decimal(0)}
    for surcharge in ("congestion", "airport", "cbd"):
        sums |= {each + (trip[surcharge] or 0) for each in sums}
    rules = {
        "dropped_off_before_pickup": took < timedelta(0),
        "outside_month": (trip["pickup"].year, trip["pickup"].month) != (month.year, month.month),
        "longer_than_24_hours": took > timedelta(hours=24),
        "faster_than_100_mph": trip["miles"] * 3600 > 100 * took.total_seconds(),
        "zero_distance": trip["miles"] <= 0,
        "unknown_zone": not {trip["from"], trip["to"]} <= zones,
        "negative_fare": trip["fare"] < 0,
        "wrong_total": all(abs(over - each) > Decimal("0.01") for each in sums),
    }
    return next((rule for rule, is_broken in rules.items() if is_broken), None)


def mark_copies(trips: Iterable[Trip]) -> list[Trip]:
    """Marks all but one of equal trips, and returns the others."""
    groups = defaultdict(list)
    for trip in trips:
        groups[tuple(value for name, value in trip.items() if name not in ("file", "month", "reason"))].append(trip)
    for group in groups.values():
        group.sort(key=lambda trip: trip["reason"] is not None)
        for trip in group[1:]:
            trip["reason"] = "copied"
    return [group[0] for group in groups.values()]


def mark_voided(trips: list[Trip]) -> None:
    """Marks each negative fare and the positive one that it mirrors, one to one."""
    positive = defaultdict(list)
    names = ("colour", "pickup", "dropoff", "from", "to", "miles")
    for trip in trips:
        if trip["fare"] > 0:
            positive[(*(trip[name] for name in names), trip["fare"], trip["total"])].append(trip)
    for trip in trips:
        if trip["fare"] < 0:
            mirrored = positive.get((*(trip[name] for name in names), -trip["fare"], -trip["total"]))
            if mirrored:
                trip["reason"] = mirrored.pop(0)["reason"] = "voided"

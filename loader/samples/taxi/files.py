"""Sample files from a seed: every known schema, trips that break each rule, and two files that cannot be loaded."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from loader.samples.taxi.layouts import WRITERS, write_cbd_fee, write_csv, write_unknown, write_zones

MODIFIED_AT = datetime(2025, 3, 20, 14, 30, tzinfo=UTC)
TRIPS_A_FILE = 260
ZONES = [
    (4, "Manhattan", "Alphabet City", "Yellow Zone"),
    (7, "Queens", "Astoria", "Boro Zone"),
    (13, "Manhattan", "Battery Park City", "Yellow Zone"),
    (43, "Manhattan", "Central Park", "Yellow Zone"),
    (48, "Manhattan", "Clinton East", "Yellow Zone"),
    (61, "Brooklyn", "Crown Heights North", "Boro Zone"),
    (74, "Manhattan", "East Harlem North", "Boro Zone"),
    (97, "Brooklyn", "Fort Greene", "Boro Zone"),
    (132, "Queens", "JFK Airport", "Airports"),
    (138, "Queens", "LaGuardia Airport", "Airports"),
    (161, "Manhattan", "Midtown Center", "Yellow Zone"),
    (186, "Manhattan", "Penn Station/Madison Sq West", "Yellow Zone"),
    (230, "Manhattan", "Times Sq/Theatre District", "Yellow Zone"),
    (236, "Manhattan", "Upper East Side North", "Yellow Zone"),
    (247, "Bronx", "West Concourse", "Boro Zone"),
    (264, "Unknown", "N/A", "N/A"),
    (265, "N/A", "Outside of NYC", "N/A"),
]
_AIRPORTS = (132, 138)
_CENT = Decimal("0.01")
_PARTS = (
    "fare_amount",
    "extra",
    "mta_tax",
    "tip_amount",
    "tolls_amount",
    "improvement_surcharge",
    "congestion_surcharge",
    "airport_fee",
    "cbd_congestion_fee",
)
Trip = dict[str, Any]


def generate_files(day: int = 1) -> dict[str, bytes]:
    """The content of each file by its name. On the second day January 2025 is corrected, and February has come."""
    months = {name: generate_month(name) for name in WRITERS}
    if day > 1:
        months["yellow_tripdata_2025-01.parquet"] = correct_month(months["yellow_tripdata_2025-01.parquet"])
    files = {name: WRITERS[name](trips) for name, trips in months.items()}
    # Some trips once more, in another format; the columns that CSV lacks here are empty there, too.
    again = [{**trip, "airport_fee": None} for trip in months["yellow_tripdata_2017-06.csv"][:25]]
    files["yellow_tripdata_2017-06_again.parquet"] = WRITERS["yellow_tripdata_2023-02.parquet"](again)
    files["yellow_tripdata_2023-03.parquet"] = files["yellow_tripdata_2023-02.parquet"][:-200]
    files["yellow_tripdata_2023-04.parquet"] = write_unknown(generate_month("yellow_tripdata_2023-04.parquet")[:20])
    files["yellow_tripdata_2018-02.csv"] = write_csv([])
    if day > 1:
        files["yellow_tripdata_2025-02.parquet"] = write_cbd_fee(generate_month("yellow_tripdata_2025-02.parquet"))
    files["taxi_zone_lookup.csv"] = write_zones(ZONES)
    return files


def generate_month(name: str) -> list[Trip]:
    """The trips of a file, the same at each call; the last ones break the rules."""
    colour, _, rest = name.split("_")
    chance = random.Random(name)
    start = datetime.fromisoformat(f"{rest[:7]}-01")
    trips = [_generate_trip(chance, colour, start) for _ in range(TRIPS_A_FILE)]
    return [*trips, *_break_rules(trips, start)]


def correct_month(trips: list[Trip]) -> list[Trip]:
    """The month with other tips on ten trips, and without its last five good ones."""
    corrected = [_add_up({**trip, "tip_amount": trip["tip_amount"] + 1}) for trip in trips[:10]]
    return [*corrected, *trips[10 : TRIPS_A_FILE - 5], *trips[TRIPS_A_FILE:]]


def _generate_trip(chance: random.Random, colour: str, start: datetime) -> Trip:
    year = start.year
    has_airport_fee = colour == "yellow" and year >= 2022
    pickup = start + timedelta(seconds=chance.randrange(27 * 24 * 3600))
    miles = Decimal(chance.randrange(40, 1500)) / 100
    seconds = int(miles * chance.randrange(180, 420)) + 60
    places = [chance.choice(ZONES)[0] for _ in range(2)]
    is_card = chance.random() < 0.7
    fare = (3 + miles * Decimal("2.3")).quantize(_CENT)
    trip: Trip = {
        "vendor_id": chance.choice((1, 2)),
        "pickup": pickup,
        "dropoff": pickup + timedelta(seconds=seconds),
        "passenger_count": None if chance.random() < 0.04 else chance.randrange(1, 6),
        "trip_distance": miles,
        "rate_code_id": 2 if 132 in places else 1,
        "store_and_fwd_flag": "Y" if chance.random() < 0.02 else "N",
        "pickup_zone_id": places[0],
        "dropoff_zone_id": places[1],
        "payment_type": 1 if is_card else 2,
        "trip_type": 1 if colour == "green" else None,
        "fare_amount": fare,
        "extra": Decimal(chance.choice(("0", "0.5", "1"))),
        "mta_tax": Decimal("0.5"),
        "tip_amount": (fare * chance.choice((0, 15, 20, 25)) / 100).quantize(_CENT) if is_card else Decimal(0),
        "tolls_amount": Decimal("6.94") if chance.random() < 0.05 else Decimal(0),
        "improvement_surcharge": Decimal("0.3") if year >= 2015 else None,
        "congestion_surcharge": Decimal("2.5") if year >= 2019 else None,
        "airport_fee": Decimal("1.75") if has_airport_fee and places[0] in _AIRPORTS else Decimal(0),
        "cbd_congestion_fee": Decimal("0.75") if year >= 2025 else None,
        "longitude": Decimal("-73.98"),
        "latitude": Decimal("40.75"),
    }
    trip["vendor_name"] = {1: "CMT", 2: "VTS"}[trip["vendor_id"]]
    trip["payment_name"] = chance.choice(("Credit", "CRD") if is_card else ("CASH", "CSH"))
    return _add_up(trip)


def _add_up(trip: Trip) -> Trip:
    """The trip with its total. One vendor has the congestion surcharge in extra, too."""
    total = sum((trip[part] or Decimal(0) for part in _PARTS), start=Decimal(0))
    if trip["vendor_id"] == 1 and trip["congestion_surcharge"]:
        return {**trip, "extra": trip["extra"] % Decimal("2.5") + Decimal("2.5"), "total_amount": total}
    return {**trip, "total_amount": total}


def _break_rules(trips: list[Trip], start: datetime) -> Iterator[Trip]:
    """Trips that break one rule each, made of the first ones."""
    one, two, three, *others = trips
    yield {**one, "dropoff": one["pickup"] - timedelta(minutes=3)}
    yield {**two, "pickup": start - timedelta(days=40), "dropoff": start - timedelta(days=40) + timedelta(hours=1)}
    yield {**three, "dropoff": three["pickup"] + timedelta(hours=24, seconds=1)}
    yield {**others[0], "dropoff": others[0]["pickup"] + timedelta(seconds=5)}
    yield {**others[1], "trip_distance": Decimal(0)}
    yield {**others[2], "pickup_zone_id": 999}
    yield {**others[3], "dropoff_zone_id": None}
    yield _negate({**others[4], "trip_distance": others[4]["trip_distance"] + Decimal("0.11")})
    yield _negate(others[5])
    yield {**others[6], "total_amount": others[6]["total_amount"] + 7}
    yield from others[7:10]


def _negate(trip: Trip) -> Trip:
    money = {name: -trip[name] for name in (*_PARTS, "total_amount") if trip[name]}
    return {**trip, **money}

"""A few sample trip files, and a loader of them."""

from pathlib import Path

import duckdb

from loader.base.settings import read_settings
from loader.samples.taxi.files import generate_files
from tests.support.loading import SourceLoader

FILES = generate_files()
FEW = ("green_tripdata_2018-01.csv", "yellow_tripdata_2018-01.csv", "yellow_tripdata_2023-01.parquet")
ZONES = "taxi_zone_lookup.csv"


def write_few(place: Path) -> Path:
    """A folder with FEW, one of them below it, and the zones."""
    folder = place / "files"
    (folder / "more").mkdir(parents=True)
    for name in (*FEW, ZONES):
        (folder / ("more" if "green" in name else ".") / name).write_bytes(FILES[name])
    return folder


def repeat_trips(name: str, times: int) -> bytes:
    """A CSV file with its trips so many times over, long enough to break off in the middle of a download."""
    head, *lines = FILES[name].splitlines(keepends=True)
    return head + b"".join(lines) * times


def open_loader(place: Path, files: str, zones: str | None = None) -> SourceLoader:
    """Loads these files, and the zones of `write_few` unless others are given, into a warehouse at `place`."""
    settings = read_settings({"HEADWATER_DATA": str(place / "data")})
    return SourceLoader("taxi", settings, files=files, zones=zones or str(place / "files" / ZONES))


def ask(place: Path, sql: str) -> list[tuple[object, ...]]:
    """Asks that warehouse."""
    with duckdb.connect(str(place / "data" / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()

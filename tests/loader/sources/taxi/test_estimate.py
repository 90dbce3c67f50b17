"""A dry run says which trip files would be read, how long they are, and what it cannot know."""

import re
from dataclasses import replace
from pathlib import Path

from loader.fetch.session import MAX_ATTEMPTS
from loader.samples.faults import answer_status
from loader.samples.taxi.server import TaxiServer
from loader.sources.contract import RunOptions
from tests.support.loading import SourceLoader
from tests.support.taxi import FEW, FILES, ZONES, open_loader, write_few

FULL_REFRESH = RunOptions(is_full_refresh=True)
TORN = "yellow_tripdata_2023-03.parquet"


def estimate(loader: SourceLoader, options: RunOptions | None = None) -> dict[str, tuple[int, int | None, str]]:
    return {part.what: (part.at_least, part.at_most, part.note) for part in loader.estimate(options).parts}


def test_files_of_a_folder_are_told_apart_by_what_raw_holds(tmp_path: Path) -> None:
    folder = write_few(tmp_path)
    (folder / TORN).write_bytes(FILES[TORN])
    loader = open_loader(tmp_path, str(folder))
    sizes = {name: len(FILES[name]) for name in (*FEW, TORN)}
    zones = len(FILES[ZONES])
    assert estimate(loader) == {
        "trips: read 4 files, new": (0, 0, f"{sum(sizes.values()):,} bytes on disk"),
        "zones: read 1 file, new": (0, 0, f"{zones:,} bytes on disk"),
    }
    assert not loader.settings.warehouse.exists()
    loader.load()
    changed = b"".join(FILES[FEW[1]].splitlines(keepends=True)[:-1])
    (folder / FEW[1]).write_bytes(changed)
    (folder / "green_tripdata_2018-02.csv").write_bytes(FILES[FEW[0]])
    read = {
        "trips: read 1 file, new": (0, 0, f"{sizes[FEW[0]]:,} bytes on disk"),
        "trips: read 1 file, changed": (0, 0, f"{len(changed):,} bytes on disk"),
        "trips: read 1 file, rejected before": (0, 0, f"{sizes[TORN]:,} bytes on disk"),
    }
    assert estimate(loader) == {
        **read,
        "trips: skip 2 files, unchanged": (0, 0, ""),
        "zones: skip 1 file, unchanged": (0, 0, ""),
    }
    assert estimate(loader, FULL_REFRESH) == {
        **read,
        "trips: read 2 files, unchanged": (0, 0, f"{sizes[FEW[0]] + sizes[FEW[2]]:,} bytes on disk"),
        "zones: read 1 file, unchanged": (0, 0, f"{zones:,} bytes on disk"),
    }


def test_files_at_addresses_are_looked_up_and_not_downloaded(tmp_path: Path) -> None:
    with TaxiServer({name: FILES[name] for name in (*FEW, ZONES)}) as server:
        files = f"{server.url}/{{colour}}_tripdata_{{month}}.parquet {server.url}/{FEW[1]} {server.url}/{FEW[0]}"
        loader = open_loader(tmp_path, files, server.zones_address)
        months = RunOptions(narrowed_to={"since": ("2018-01",), "until": ("2018-03",)})
        server.fail_next(lambda _, answer: replace(answer, is_chunked=True), path=f"/{FEW[0]}")
        server.fail_next(*[answer_status(503)] * MAX_ATTEMPTS, path="/taxi")
        assert estimate(loader, months) == {
            "trips: look up 6 files": (6, 6, "4 are not published"),
            "trips: read 2 files, new": (2, 2, f"{len(FILES[FEW[1]]):,} bytes to download; size unknown of 1 file"),
            "zones: look up 1 file": (1, 1, ""),
            "zones: try 1 file again": (1, None, "no answer: what is new and its size is unknown"),
        }
        assert {request.method for request in server.requests} == {"HEAD"}
    least, most, note = estimate(loader, months)["trips: look up 6 files"]
    assert (least, most) == (6, None)
    assert re.fullmatch(r"what is new and its size is unknown: http://.* cannot be reached\..*", note)

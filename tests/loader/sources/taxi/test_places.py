"""Where trip files come from: wrong places are told in a line, and a download that stops is continued."""

import re
import signal
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from loader.base.disk import FULL
from loader.fetch.session import MAX_ATTEMPTS
from loader.samples.faults import answer_status, cut_body
from loader.samples.taxi.server import TaxiServer
from loader.sources.contract import RunOptions
from loader.sources.taxi.listing import Period, list_addresses
from loader.sources.taxi.settings import TaxiSettings
from tests.support.taxi import FEW, FILES, ZONES, ask, open_loader, repeat_trips, write_few
from tests.support.workspace import Workspace

NAME = FEW[1]
CONTENT = repeat_trips(NAME, 20)
TRIPS = 20 * 273


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ("htp://127.0.0.1/a.parquet", " has 'htp://127.0.0.1/a.parquet', which is not an http address"),
        ("http://127.0.0.1/{year}.parquet", " has 'http://127.0.0.1/{year}.parquet', which is not an http address"),
        ("http://127.0.0.1/a.parquet /data/b.parquet", " has '/data/b.parquet', which is not an http address"),
        (" ", " is empty"),
        ("/nowhere", ": there is no folder /nowhere."),
        ("/nowhere/*/*.parquet", ": there is no folder /nowhere."),
        ("FOLDER/*.orc", ": there is no trip file at FOLDER/*.orc."),
    ],
)
def test_a_place_that_cannot_be_right_is_told_in_a_line(tmp_path: Path, files: str, told: str) -> None:
    folder = str(write_few(tmp_path))
    error = open_loader(tmp_path, files.replace("FOLDER", folder)).load().error
    assert error is not None
    assert error.startswith(f"sources.taxi.files{told.replace('FOLDER', folder)}")
    assert "\n" not in error


def test_a_place_of_zones_that_cannot_be_right_is_told_in_a_line(tmp_path: Path) -> None:
    folder = str(write_few(tmp_path))
    for zones in ("htp://127.0.0.1/zones.csv", "/nowhere.csv"):
        error = open_loader(tmp_path, folder, zones).load().error
        assert error is not None
        assert re.fullmatch(rf"sources\.taxi\.zones.*{zones}.*", error)


def test_an_address_stands_for_both_colours_and_all_months() -> None:
    settings = TaxiSettings()
    settings.files = "http://a/{colour}_tripdata_{month}.csv,http://b/{colour}_tripdata_2017-01.csv http://c/any.csv"
    period = Period(date(2018, 1, 1), date(2018, 3, 1))
    assert list_addresses(settings, period) == [
        "http://a/yellow_tripdata_2018-01.csv",
        "http://a/green_tripdata_2018-01.csv",
        "http://a/yellow_tripdata_2018-02.csv",
        "http://a/green_tripdata_2018-02.csv",
        "http://c/any.csv",
    ]
    assert "http://b/green_tripdata_2017-01.csv" in list_addresses(settings, Period(None, None))


def test_an_address_without_a_file_is_told_and_a_month_that_is_not_published_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with TaxiServer({name: FILES[name] for name in (NAME, ZONES)}) as server:
        files = f"{server.url}/yellow_tripdata_{{month}}.csv {server.url}/{FEW[0]}"
        loader = open_loader(tmp_path, files, server.zones_address)
        assert loader.load(RunOptions(narrowed_to={"since": ("2018-01",), "until": ("2018-03",)})).error is None
        notes = [line for line in capsys.readouterr().out.splitlines() if "Note:" in line]
        assert notes == [f"Note: There is no file at {server.url}/{FEW[0]}."]


def test_a_zone_look_up_that_is_rejected_fails_the_run(tmp_path: Path) -> None:
    folder = write_few(tmp_path)
    (folder / ZONES).write_bytes('"LocationID","Borough","Zone","service_zone"\n1,"Å","Å","Å"\n'.encode("latin-1"))
    loader = open_loader(tmp_path, str(folder))
    error = loader.load().error
    assert error is not None
    assert error.startswith(f"zones: {ZONES} is rejected: ")
    (folder / ZONES).write_bytes(FILES[ZONES])
    assert loader.load().error is None
    assert ask(tmp_path, "select count(*) from raw_taxi.zones") == [(17,)]


def test_a_full_disk_in_a_download_is_told_and_the_next_run_continues(tmp_path: Path) -> None:
    with TaxiServer({NAME: CONTENT, ZONES: FILES[ZONES]}) as server:
        loader = open_loader(tmp_path, server.addresses, server.zones_address)
        server.fail_next(lambda _, answer: answer, cut_body(), *[answer_status(503)] * MAX_ATTEMPTS, path=f"/{NAME}")
        failed = loader.load().error
        assert failed is not None
        assert "it continues after " in failed
        (part,) = (loader.settings.state / "downloads").iterdir()
        begun = part.rename(tmp_path / "begun")
        part.symlink_to("/dev/full")
        assert loader.load().error == FULL
        part.unlink()
        begun.rename(part)
        assert loader.load().error is None
        assert 0 < find_start(server) < len(CONTENT)
    assert ask(tmp_path, "select count(*) from raw_taxi.trips") == [(TRIPS,)]


def test_ctrl_c_in_a_download_says_how_to_go_on_and_the_next_run_continues(workspace: Workspace) -> None:
    workspace.environment["HEADWATER_DOMAINS"] = "taxi"
    with TaxiServer({NAME: CONTENT, ZONES: FILES[ZONES]}) as server:
        workspace.environment |= {
            "SOURCES__TAXI__FILES": server.addresses,
            "SOURCES__TAXI__ZONES": server.zones_address,
        }
        # Half of the file is here when the rest is asked for.
        server.fail_next(lambda _, answer: answer, cut_body(), path=f"/{NAME}")
        running = workspace.start("dlt", "pipeline", "taxi", "run")
        server.fail_next(
            lambda _, answer: (running.send(signal.SIGINT), replace(answer, delay_seconds=60))[1], path=f"/{NAME}"
        )
        interrupted = running.wait(60)
        assert interrupted.status == 130, interrupted.output
        assert "run the same command again to continue" in interrupted.output
        assert "Traceback" not in interrupted.output
        workspace.run_well("dlt", "pipeline", "taxi", "run")
        assert 0 < find_start(server) < len(CONTENT)
    with workspace.open_duckdb() as connection:
        assert connection.execute("select count(*) from raw_taxi.trips").fetchone() == (TRIPS,)


def find_start(server: TaxiServer) -> int:
    """Where the last download began."""
    last = [request for request in server.requests if request.method == "GET"][-1]
    return int(last.headers["range"].removeprefix("bytes=").removesuffix("-"))

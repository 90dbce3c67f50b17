"""Downloads continue where they broke off, and are whole or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.fetch.downloads import Downloader
from loader.fetch.refusals import UnavailableError
from loader.fetch.session import MAX_ATTEMPTS
from loader.samples.faults import answer_status, cut_body
from loader.samples.taxi.server import TaxiServer

CONTENT = bytes(range(256)) * 20_000


@pytest.fixture
def server() -> Iterator[TaxiServer]:
    with TaxiServer({"a.parquet": CONTENT}) as made:
        yield made


class Shown(list[tuple[str, int, int | None]]):
    def __call__(self, name: str, received: int, expected: int | None) -> None:
        self.append((name, received, expected))


def open_downloader(folder: Path, shown: Shown | None = None) -> Downloader:
    return Downloader(folder, shown if shown is not None else Shown(), first_wait_seconds=0.01)


def test_a_download_that_is_cut_continues_and_shows_how_far_it_is(server: TaxiServer, tmp_path: Path) -> None:
    shown = Shown()
    downloader = open_downloader(tmp_path, shown)
    file = downloader.look_up(f"{server.url}/a.parquet")
    assert file is not None
    server.fail_next(cut_body(), cut_body())
    with downloader.fetch(file) as path:
        assert path.read_bytes() == CONTENT
    ranges = [request.headers.get("range") for request in server.requests if request.method == "GET"]
    begun = [0 if each is None else int(each.removeprefix("bytes=").removesuffix("-")) for each in ranges]
    assert begun[0] == 0
    assert len(CONTENT) * 0.4 < begun[1] <= len(CONTENT) / 2
    assert len(CONTENT) * 0.7 - 1 < begun[2] <= len(CONTENT) * 0.75
    assert shown[-1] == ("a.parquet", len(CONTENT), len(CONTENT))
    assert list(tmp_path.iterdir()) == []


def test_a_later_run_continues_what_an_earlier_one_began(server: TaxiServer, tmp_path: Path) -> None:
    downloader = open_downloader(tmp_path)
    file = downloader.look_up(f"{server.url}/a.parquet")
    assert file is not None
    server.fail_next(cut_body(), *[answer_status(503)] * MAX_ATTEMPTS, path="/a")
    with (
        pytest.raises(UnavailableError, match="it continues after 2,"),
        downloader.fetch(file),
    ):
        raise AssertionError
    with open_downloader(tmp_path).fetch(file) as path:
        assert path.read_bytes() == CONTENT
    assert server.requests[-1].headers["range"].startswith("bytes=2")


def test_a_file_that_changed_meanwhile_is_not_pieced_together(server: TaxiServer, tmp_path: Path) -> None:
    downloader = open_downloader(tmp_path)
    file = downloader.look_up(f"{server.url}/a.parquet")
    assert file is not None
    server.fail_next(cut_body(), *[answer_status(503)] * MAX_ATTEMPTS)
    with pytest.raises(UnavailableError), downloader.fetch(file):
        raise AssertionError
    server.files = {"a.parquet": CONTENT[::-1]}
    with pytest.raises(UnavailableError, match="changed during the download"), downloader.fetch(file):
        raise AssertionError
    changed = downloader.look_up(f"{server.url}/a.parquet")
    assert changed is not None
    with downloader.fetch(changed) as path:
        assert path.read_bytes() == CONTENT[::-1]
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_exist_is_none(server: TaxiServer, tmp_path: Path) -> None:
    assert open_downloader(tmp_path).look_up(f"{server.url}/b.parquet") is None

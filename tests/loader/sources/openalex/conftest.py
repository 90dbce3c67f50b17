"""A small institution in a stand-in OpenAlex, and a loader that follows its people."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.base.settings import read_settings
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from tests.support.openalex import Loader


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return generate_catalogue(roster_size=12, work_count=400)


@pytest.fixture
def server(catalogue: Catalogue) -> Iterator[OpenAlexServer]:
    with OpenAlexServer(catalogue, api_keys=frozenset({"a-good-key"})) as made:
        yield made


@pytest.fixture
def loader(tmp_path: Path, server: OpenAlexServer) -> Loader:
    roster = tmp_path / "roster.csv"
    write_roster(roster, roster_size=12)
    return Loader(read_settings({"HEADWATER_DATA": str(tmp_path / "data")}), server, roster)

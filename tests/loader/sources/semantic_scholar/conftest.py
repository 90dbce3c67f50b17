"""A small institution loaded from a stand-in OpenAlex, and a Semantic Scholar that knows its papers."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.base.settings import ROOT, read_settings
from loader.samples.openalex.catalogue import Catalogue, Record
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.samples.semantic_scholar.records import describe_papers
from loader.samples.semantic_scholar.server import SemanticScholarServer
from tests.support.openalex import Loader
from tests.support.semantic_scholar import PaperLoader

ROSTER_SIZE = 20


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return generate_catalogue(roster_size=ROSTER_SIZE, work_count=900)


@pytest.fixture(scope="module")
def papers(catalogue: Catalogue) -> dict[str, Record]:
    return describe_papers(catalogue)


@pytest.fixture(scope="module")
def loaded_openalex(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the institution's OpenAlex in raw."""
    folder = tmp_path_factory.mktemp("openalex")
    roster = folder / "roster.csv"
    write_roster(roster, roster_size=ROSTER_SIZE)
    with OpenAlexServer(catalogue) as server:
        assert Loader(read_settings({"HEADWATER_DATA": str(folder / "data")}), server, roster).load().error is None
    return folder / "data"


@pytest.fixture
def server(papers: dict[str, Record]) -> Iterator[SemanticScholarServer]:
    with SemanticScholarServer(papers, api_keys=frozenset({"a-good-key"})) as made:
        yield made


@pytest.fixture
def loader(tmp_path: Path, loaded_openalex: Path, server: SemanticScholarServer) -> PaperLoader:
    shutil.copytree(loaded_openalex, tmp_path / "data")
    return PaperLoader(read_settings({"HEADWATER_DATA": str(tmp_path / "data")}), server)


@pytest.fixture
def expected_dois(catalogue: Catalogue, loader: PaperLoader) -> set[str]:
    """The DOIs of the roster's papers, by plain Python."""
    members = {key for (key,) in loader.ask("select id from raw_openalex.roster")}
    with (ROOT / "dbt_project" / "seeds" / "academic" / "work_types_kept.csv").open() as seed:
        kept = {row["work_type"] for row in csv.DictReader(seed)}
    return {
        work["doi"].removeprefix("https://doi.org/")
        for work in catalogue.works
        if work["doi"] and work["type"] in kept and members & {each["author"]["id"] for each in work["authorships"]}
    }

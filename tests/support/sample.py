"""A small sample institution behind a stand-in OpenAlex, for tests that need some records and not many."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.roster import read_roster
from tests.support.workspace import Workspace

ROSTER_SIZE = 8
WORK_COUNT = 150


class Sample:
    """The sample of a day, and the roster file that names its researchers."""

    def __init__(
        self, workspace: Workspace, day: int = 1, *, roster_size: int = ROSTER_SIZE, work_count: int = WORK_COUNT
    ) -> None:
        self.catalogue: Catalogue = generate_catalogue(day=day, roster_size=roster_size, work_count=work_count)
        self.roster = workspace.folder / "roster.csv"
        write_roster(self.roster, roster_size=roster_size)

    @property
    def author_ids(self) -> set[str]:
        """The researchers on the roster, by id or by ORCID."""
        entries = read_roster(self.roster)
        by_orcid = {author["orcid"]: author["id"] for author in self.catalogue.authors}
        return {entry.author_id or by_orcid[entry.orcid] for entry in entries}

    @property
    def roster_works(self) -> dict[str, dict[str, Any]]:
        """The works that a load brings, by id: those of a researcher on the roster."""
        ids = self.author_ids
        return {
            work["id"]: work
            for work in self.catalogue.works
            if any(authorship["author"]["id"] in ids for authorship in work["authorships"])
        }


@contextmanager
def serve_sample(workspace: Workspace, sample: Sample) -> Iterator[OpenAlexServer]:
    """Serves the sample to the workspace's commands."""
    with OpenAlexServer(sample.catalogue) as server:
        workspace.serve(server.url, sample.roster)
        yield server

"""The recorded pages of 2024 as a stand-in OpenAlex, and the truth about them computed by plain Python."""

import gzip
from collections import Counter
from functools import cached_property
from typing import Any

import orjson
import pytest

from loader.samples.openalex.catalogue import Catalogue
from tests.support.truth import KEPT_TYPES, list_authors
from tests.support.workspace import RECORDED

PAGES = RECORDED / "openalex" / "works_deep_sea_pages_2024-09"

needs_recorded_pages = pytest.mark.skipif(not PAGES.exists(), reason=f"no recorded responses at {RECORDED}")


class RecordedWorks:
    """Every author of at least ten of the recorded works is on the roster; OpenAlex's null author is not."""

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """All records in the order of the pages; some works are on two pages."""
        files = sorted(PAGES.glob("result_*.json.gz"), key=lambda path: int(path.name.split("_")[1].split(".")[0]))
        return [record for path in files for record in orjson.loads(gzip.decompress(path.read_bytes()))["results"]]

    @cached_property
    def works(self) -> dict[str, dict[str, Any]]:
        """The distinct works by id."""
        return {record["id"]: record for record in self.records}

    @cached_property
    def roster(self) -> set[str]:
        """The roster's author ids."""
        counts = Counter(author for work in self.works.values() for author in list_authors(work))
        return {author for author, count in counts.items() if count >= 10}

    @cached_property
    def roster_works(self) -> list[dict[str, Any]]:
        """The works of the roster's authors."""
        return [work for work in self.works.values() if list_authors(work) & self.roster]

    @cached_property
    def papers(self) -> list[dict[str, Any]]:
        """The roster works of a kept type with DOI and title."""
        return [work for work in self.roster_works if work["doi"] and work["title"] and work["type"] in KEPT_TYPES]

    @cached_property
    def pairs(self) -> set[tuple[str, str]]:
        """Work and roster author, before any is set aside."""
        return {(work["id"], author) for work in self.roster_works for author in list_authors(work) & self.roster}

    def count_years(self, most: int) -> dict[str, set[int]]:
        """The years in which the most frequent coauthors published, on any recorded work."""
        shared = Counter(author for work in self.roster_works for author in list_authors(work) - self.roster)
        chosen = set(sorted(shared, key=lambda author: (-shared[author], author))[:most])
        years: dict[str, set[int]] = {author: set() for author in chosen}
        for work in self.works.values():
            for author in list_authors(work) & chosen:
                years[author].add(work["publication_year"])
        return years

    def build_catalogue(self) -> Catalogue:
        """What the stand-in serves."""
        return Catalogue.from_works(self.records)

"""Every recorded work of OpenAlex by the year in which it was recorded, and the other entities beside them."""

import csv
import gzip
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from loader.samples.openalex.catalogue import Catalogue
from tests.support.recorded import RecordedWorks
from tests.support.workspace import RECORDED

FOLDER = RECORDED / "openalex"

Record = dict[str, Any]


class RecordedYears:
    """The works as they were recorded, in one list for each year; some were recorded in several years."""

    @cached_property
    def works(self) -> dict[int, list[Record]]:
        """The works of each year, with repetitions. No work was recorded in 2023."""
        works = {2024: RecordedWorks().records, 2025: [], 2026: []}
        for name in ("works_list_2025.json.gz", "works_of_author_A5017898742_2025.json.gz"):
            works[2025] += _read_list(FOLDER / name)
        works[2025] += _read_lines(FOLDER / "works_objects_2025.jsonl.gz")
        works[2026] += _read_list(FOLDER / "works_search_biodiversity_finance_2026-05.json.gz")
        works[2026].append(orjson.loads((FOLDER / "work_single_W2162348455_2026-03.json").read_bytes()))
        with (FOLDER / "works_snowball_a" / "index.csv").open(encoding="utf-8", newline="") as index:
            for row in csv.DictReader(index):
                works[int(row["recorded_at"][:4])] += _read_list(FOLDER / "works_snowball_a" / row["file"])
        return works

    @cached_property
    def others(self) -> dict[str, list[Record]]:
        """The recorded authors, institutions and topics, those of the snapshot of 2023 first."""
        patterns = ("snapshot_2023/{}/*/*.gz", "{}_objects_2025.jsonl.gz", "{}_*2025.json.gz")
        return {
            entity: [
                record
                for pattern in patterns
                for path in sorted(FOLDER.glob(pattern.format(entity)))
                for record in (_read_list(path) if path.name.endswith(".json.gz") else _read_lines(path))
            ]
            for entity in ("authors", "institutions", "topics")
        }

    def build_catalogue(self, works: list[Record]) -> Catalogue:
        """What the stand-in serves: these works, and of the entities around them the recorded ones where there are any.

        Of the others it tells what the works tell.
        """
        derived = Catalogue.from_works(works)
        return replace(
            derived,
            authors=_prefer(self.others["authors"], derived.authors),
            institutions=_prefer(self.others["institutions"], derived.institutions),
            topics=_prefer(self.others["topics"], derived.topics),
        )


def _prefer(recorded: list[Record], derived: list[Record]) -> list[Record]:
    return list({record["id"]: record for record in [*derived, *recorded]}.values())


def _read_list(path: Path) -> list[Record]:
    return orjson.loads(gzip.decompress(path.read_bytes()))["results"]


def _read_lines(path: Path) -> list[Record]:
    return [orjson.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]

"""The source `taxi`: trips and zones, file by file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from loader.raw.file_reader import SourceFile
from loader.raw.files import Files
from loader.sources.contract import ONLY, SINCE, UNTIL, Batch, Plan, Source, SourceRun
from loader.sources.taxi.columns import TRIP_SCHEMA, ZONE_SCHEMA, match_trip_columns, match_zone_columns
from loader.sources.taxi.estimate import estimate_files, read_chosen
from loader.sources.taxi.facts import FACTS, TripSurvey
from loader.sources.taxi.listing import list_trip_files, list_zone_files, read_period, require_trip_name
from loader.sources.taxi.settings import TaxiSettings

# Files that are loaded together, in one transaction: about four months of yellow trips. A killed run loses no more.
_BATCH_BYTES = 200 << 20


@dataclass(frozen=True)
class TaxiBatch:
    """The trip files of one load, and the names of all that are listed."""

    run: SourceRun[TaxiSettings]
    files: Sequence[SourceFile]
    listed: frozenset[str]


def find_vanished(batch: TaxiBatch, held: Iterable[str]) -> set[str]:
    """The files that raw holds, that belong to the period, and that are not listed."""
    period = read_period(batch.run)
    return {name for name in held if name not in batch.listed and period.has(name)}


def load_in_batches(run: SourceRun[TaxiSettings]) -> Plan:
    """Zones and the first trip files in one load, then the others."""
    chosen = read_chosen(run)
    if chosen == {"zones"}:
        yield Batch(("zones",), TaxiBatch(run, [], frozenset()))
        return
    files = [require_trip_name(file) for file in list_trip_files(run)]
    listed = frozenset(file.name for file in files)
    for number, group in enumerate(_group(files)):
        is_with_zones = number == 0 and "zones" in chosen
        yield Batch(("zones", "trips") if is_with_zones else ("trips",), TaxiBatch(run, group, listed))


def reads_all(batch: TaxiBatch) -> bool:
    """Whether the run reads files again that raw holds."""
    return batch.run.options.is_full_refresh


def _group(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    group: list[SourceFile] = []
    size = 0
    for file in files:
        if group and size + (file.size_bytes or 0) > _BATCH_BYTES:
            yield group
            group, size = [], 0
        group.append(file)
        size += file.size_bytes or 0
    yield group


SOURCE = Source(
    name="taxi",
    domain="taxi",
    settings=TaxiSettings,
    resources=(
        Files[TaxiBatch](
            "zones",
            ZONE_SCHEMA,
            lambda batch: list_zone_files(batch.run),
            reads_all=reads_all,
            is_required=True,
            removes_unlisted=True,
            match=match_zone_columns,
            facts=FACTS,
        ),
        Files[TaxiBatch](
            "trips",
            TRIP_SCHEMA,
            lambda batch: batch.files,
            reads_all=reads_all,
            find_vanished=find_vanished,
            match=match_trip_columns,
            facts=FACTS,
            survey=TripSurvey,
        ),
    ),
    options=(ONLY, SINCE, UNTIL),
    plan=load_in_batches,
    estimate=estimate_files,
)

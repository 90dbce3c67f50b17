"""What one more day does to the sample world: new, changed, merged and deleted works."""

from __future__ import annotations

from random import Random

from loader.samples.openalex.catalogue import Record
from loader.samples.openalex.people import LAST_YEAR
from loader.samples.openalex.teams import Society
from loader.samples.openalex.work_records import WorkWriter, draw_timestamp

_DELETED_COUNT = 2
_BACKDATED_SHARE = 0.25


def change_world(works: list[Record], society: Society, writer: WorkWriter) -> tuple[list[Record], dict[str, str]]:
    """Return the works of the next day, and the id that was merged with the id it lives on under.

    One new work for every 150, one changed for every 50, two deleted, one merged. Works that did not change
    are the same objects, in the same order; new works come last. Some new works are back-dated.
    """
    rng = writer.rng
    touched = rng.sample(range(len(works)), len(works) // 50 + _DELETED_COUNT)
    deleted, changed = set(touched[:_DELETED_COUNT]), set(touched[_DELETED_COUNT:])
    merged_from, merged_into = _choose_merge(rng, works, deleted | changed)
    kept = [
        _recount(rng, work, writer) if number in changed else work
        for number, work in enumerate(works)
        if number not in deleted and number != merged_from
    ]
    merged = {works[merged_from]["id"]: works[merged_into]["id"]}
    return kept + _write_new_works(rng, society, writer, max(1, len(works) // 150)), merged


def _choose_merge(rng: Random, works: list[Record], touched: set[int]) -> tuple[int, int]:
    untouched = [number for number in range(len(works)) if number not in touched]
    merged_from, merged_into = rng.sample(untouched, 2)
    return merged_from, merged_into


def _recount(rng: Random, work: Record, writer: WorkWriter) -> Record:
    gained = rng.randint(1, 4)
    counts = {each["year"]: each["cited_by_count"] for each in work["counts_by_year"]}
    counts[LAST_YEAR] = counts.get(LAST_YEAR, 0) + gained
    return work | {
        "cited_by_count": work["cited_by_count"] + gained,
        "counts_by_year": [{"year": year, "cited_by_count": counts[year]} for year in sorted(counts, reverse=True)],
        "updated_date": draw_timestamp(rng, writer.today),
    }


def _write_new_works(rng: Random, society: Society, writer: WorkWriter, count: int) -> list[Record]:
    works = []
    for _ in range(count):
        lead = rng.choice(society.roster)
        is_backdated = rng.random() < _BACKDATED_SHARE
        year = rng.randint(max(lead.first_year, LAST_YEAR - 12), LAST_YEAR) if is_backdated else LAST_YEAR
        work = writer.write_work(society.write_paper(lead, year))
        work["created_date"] = f"{writer.today.isoformat()}T00:00:00"
        work["updated_date"] = draw_timestamp(rng, writer.today)
        works.append(work)
    return works

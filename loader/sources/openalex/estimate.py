"""What a run would ask of OpenAlex, and what that costs: from the roster and raw alone, without asking anything."""

from collections.abc import Iterable, Sequence

from loader.raw.warehouse import RawSchema
from loader.sources.contract import Estimate
from loader.sources.openalex.author_records import AuthorRecords
from loader.sources.openalex.client import MOST_VALUES, PER_PAGE
from loader.sources.openalex.sync import Group, WorksSync

_WORK_COUNTS = "select id, coalesce(cast(document ->> '$.works_count' as bigint), 0) from {raw}.authors"


def estimate_requests(
    sync: WorksSync,
    records: AuthorRecords,
    batches: Iterable[Sequence[Group]],
    raw: RawSchema,
    *,
    orcid_count: int,
) -> list[Estimate]:
    """The lists that a run reads; each page of a hundred records, or filter of a hundred values, costs one credit."""
    counts = dict(raw.query(_WORK_COUNTS)) if raw.has_table("authors") else {}
    groups = [group for batch in batches for group in batch]
    full = [group for group in groups if group.is_full]
    swept = [group for group in groups if not group.is_full]
    unknown = sum(author_id not in counts for group in full for author_id in group.author_ids)
    work_pages = [_count_pages(sum(counts.get(author_id, 0) for author_id in group.author_ids)) for group in full]
    estimates = [
        Estimate(
            f"who {orcid_count:,} authors given by ORCID are",
            -(-orcid_count // MOST_VALUES),
            "their records and works come on top: nothing is known of them yet",
        ),
        Estimate("authors", records.count_credits(sync.member_ids), ""),
        Estimate(
            f"all works of {sum(len(group.author_ids) for group in full):,} authors",
            sum(work_pages),
            f"at least: nothing is known yet of {unknown:,} of them" if unknown else "",
        ),
        Estimate(
            f"which works changed, of {sum(len(group.author_ids) for group in swept):,} authors",
            sum(map(sync.count_sweep_credits, swept)),
            "and one each for a hundred works that changed and for a hundred of their authors",
        ),
    ]
    return [estimate for estimate in estimates if estimate.credits]


def _count_pages(records: int) -> int:
    """A list without a record is a page too."""
    return max(1, -(-records // PER_PAGE))

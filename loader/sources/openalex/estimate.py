"""What a run would request of OpenAlex, and what that costs: from the roster and raw alone, without a request."""

from loader.raw.warehouse import RawSchema
from loader.sources.contract import Estimate
from loader.sources.openalex.author_records import AuthorRecords
from loader.sources.openalex.client import MAX_VALUES, PER_PAGE
from loader.sources.openalex.state import WorksState
from loader.sources.openalex.works import WorksPlan

_WORK_COUNTS = "select id, coalesce(cast(document ->> '$.works_count' as bigint), 0) from {raw}.authors"


def estimate_requests(
    state: WorksState, records: AuthorRecords, plan: WorksPlan, raw: RawSchema, *, orcid_count: int
) -> list[Estimate]:
    """The lists that a run reads; each page of a hundred records, or filter of a hundred values, costs one credit."""
    counts = dict(raw.query(_WORK_COUNTS)) if raw.has_table("authors") else {}
    full = [group for group in plan.groups if group.is_full]
    swept = [group for group in plan.groups if not group.is_full]
    unknown = sum(author_id not in counts for group in full for author_id in group.author_ids)
    work_pages = [_count_pages(sum(counts.get(author_id, 0) for author_id in group.author_ids)) for group in full]
    estimates = [
        Estimate(
            f"look up {orcid_count:,} ORCIDs",
            -(-orcid_count // MAX_VALUES),
            "their records and works are additional: nothing is known of them yet",
        ),
        Estimate("authors", records.count_credits(state.member_ids), ""),
        Estimate(
            f"all works of {sum(len(group.author_ids) for group in full):,} authors",
            sum(work_pages),
            f"at least: nothing is known yet of {unknown:,} of them" if unknown else "",
        ),
        Estimate(
            f"which works changed, of {sum(len(group.author_ids) for group in swept):,} authors",
            sum(map(state.count_sweep_credits, swept)),
            "and one each for a hundred works that changed and for a hundred of their authors",
        ),
    ]
    return [estimate for estimate in estimates if estimate.credits]


def _count_pages(records: int) -> int:
    """A list without a record takes a page, too."""
    return max(1, -(-records // PER_PAGE))

"""The coauthors of the roster's authors: they follow from raw alone, so that a killed run leaves none out."""

from collections import Counter
from collections.abc import Iterable

from loader.base.dbt_project import read_seed
from loader.raw.warehouse import RawSchema
from loader.sources.openalex.bookkeeping import list_left_statuses, read_work_statuses
from loader.sources.openalex.known import WorkHead, list_works_of, read_members


def rank_coauthors(raw: RawSchema, member_ids: Iterable[str] | None = None) -> list[str]:
    """The ids of all who share works with the members and are none themselves, those who share the most works first.

    The members are `member_ids`, by default today's roster in raw. On a tie the smaller id comes first. Works
    that have left OpenAlex do not count.
    """
    members = read_members(raw) if member_ids is None else set(member_ids)
    placeholders = {row["author_id"] for row in read_seed("academic", "placeholder_authors")}
    statuses, left = read_work_statuses(raw), list_left_statuses()
    counts: Counter[str] = Counter()
    for work in list_works_of(members, raw, WorkHead):
        if statuses.get(work.id) not in left:
            counts.update(work.author_ids - members - placeholders)
    return sorted(counts, key=lambda author_id: (-counts[author_id], author_id))

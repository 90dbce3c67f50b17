"""The coauthors of the roster's authors: they follow from raw alone, so that a killed run leaves none out."""

from collections import Counter
from collections.abc import Iterable

from loader.base.dbt_project import read_seed
from loader.raw.warehouse import RawSchema
from loader.sources.openalex.bookkeeping import list_left_statuses, read_work_statuses
from loader.sources.openalex.known import list_works_of, read_members


def rank_coauthors(raw: RawSchema, member_ids: Iterable[str] | None = None) -> dict[str, int | None]:
    """Everyone who shares works with the members and is none, by id, with the year of the first of these works.

    Those who share the most works come first, on a tie the smaller id. The members are `member_ids`, by default today's
    roster in raw. Works that have left OpenAlex do not count.
    """
    members = read_members(raw) if member_ids is None else set(member_ids)
    placeholders = {row["author_id"] for row in read_seed("academic", "placeholder_authors")}
    statuses, left = read_work_statuses(raw), list_left_statuses()
    counts: Counter[str] = Counter()
    first_years: dict[str, int] = {}
    for work in list_works_of(members, raw):
        if statuses.get(work.id) in left:
            continue
        coauthors = work.author_ids - members - placeholders
        counts.update(coauthors)
        if (year := work.publication_year) is not None:
            for author_id in coauthors:
                if year < first_years.get(author_id, year + 1):
                    first_years[author_id] = year
    ranked = sorted(counts, key=lambda author_id: (-counts[author_id], author_id))
    return {author_id: first_years.get(author_id) for author_id in ranked}

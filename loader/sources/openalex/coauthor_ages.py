"""What a run changes of coauthors' ages: an age counts from the first year that is known, fetched or seen in raw."""

from collections.abc import Sequence

from loader.raw.warehouse import RawSchema

# As the models of dbt tell it: the year of an answer, unless a work in raw is older.
_FETCHED = """
    select id, list_min(list_filter(
        list_transform(document ->> '$.answer.group_by[*].key', lambda each: try_cast(each as integer)),
        lambda each: each between 1900 and year(updated_at at time zone 'UTC') + 1
    ))
    from {raw}.coauthor_years
"""
_SEEN = """
    select author_id, min(year)
    from (
        select
            unnest(document ->> '$.authorships[*].author.id') as author_id,
            try_cast(document ->> '$.publication_year' as integer) as year
        from {raw}.works
    )
    group by author_id
"""


class CoauthorAges:
    """The first years of these coauthors when it is made, to be compared with those after the run's requests."""

    def __init__(self, raw: RawSchema, coauthor_ids: Sequence[str]) -> None:
        self._raw = raw
        self._coauthor_ids = coauthor_ids
        self._before = self._read_fetched()

    def describe_changes(self) -> str:
        """How many first years became known, and whose ages that changed."""
        after = self._read_fetched()
        seen = dict(self._raw.query(_SEEN))
        known = [each for each in self._coauthor_ids if each in after and each not in self._before]
        changed = sum(
            _find_first(self._before.get(each), seen.get(each)) != _find_first(after.get(each), seen.get(each))
            for each in self._coauthor_ids
        )
        return f"{len(known):,} first years became known; ages in fct_coauthorships changed for {changed:,} coauthors."

    def count_provisional(self) -> int:
        """How many have an age by the works in raw alone, until their first year is fetched."""
        fetched = self._read_fetched()
        return sum(each not in fetched for each in self._coauthor_ids)

    def _read_fetched(self) -> dict[str, int | None]:
        return dict(self._raw.query(_FETCHED)) if self._raw.has_table("coauthor_years") else {}


def _find_first(fetched: int | None, seen: int | None) -> int | None:
    return min((year for year in (fetched, seen) if year is not None), default=None)

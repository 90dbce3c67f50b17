"""What a run changes of coauthors' ages: an age counts from the first year that is known, fetched or seen in raw."""

from collections.abc import Mapping, Sequence

from loader.raw.warehouse import RawSchema

# As the models of dbt tell it: the year of an answer, unless a work in raw is older.
_FETCHED = """
    select id, list_min(list_filter(
        list_transform(document ->> '$.answer.group_by[*].key', lambda each: try_cast(each as integer)),
        lambda each: each between 1900 and year(updated_at at time zone 'UTC') + 1
    ))
    from {raw}.coauthor_years
    where id in (select unnest(?))
"""
_ALL_FETCHED = "select id from {raw}.coauthor_years"


class CoauthorAges:
    """The first years of coauthors when it is made, to be compared with those after the run's requests.

    `seen` are all coauthors with the year of their first work in raw, `requested` those that the run may ask for.
    """

    def __init__(self, raw: RawSchema, seen: Mapping[str, int | None], requested: Sequence[str]) -> None:
        self._raw = raw
        self._seen = seen
        self._requested = requested
        self._before = self._read_fetched()

    def describe_changes(self) -> str:
        """How many first years became known, and whose ages that changed."""
        after = self._read_fetched()
        known = after.keys() - self._before.keys()
        changed = sum(self._find_first(self._before, each) != self._find_first(after, each) for each in after)
        return f"{len(known):,} first years became known; ages in fct_coauthorships changed for {changed:,} coauthors."

    def count_provisional(self) -> int:
        """How many have an age by the works in raw alone, until their first year is fetched."""
        fetched = set(self._raw.query_keys(_ALL_FETCHED)) if self._raw.has_table("coauthor_years") else set()
        return len(self._seen.keys() - fetched)

    def _read_fetched(self) -> dict[str, int | None]:
        has_table = self._requested and self._raw.has_table("coauthor_years")
        return dict(self._raw.query(_FETCHED, list(self._requested))) if has_table else {}

    def _find_first(self, fetched: Mapping[str, int | None], author_id: str) -> int | None:
        years = (fetched.get(author_id), self._seen[author_id])
        return min((year for year in years if year is not None), default=None)

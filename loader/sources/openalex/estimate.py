"""What a run would request of OpenAlex, and what that costs: from the roster and raw alone, without a request."""

from loader.raw.warehouse import RawSchema
from loader.sources.contract import Estimate
from loader.sources.openalex.author_records import AuthorRecords, count_lists
from loader.sources.openalex.client import PER_PAGE
from loader.sources.openalex.mentioned import read_mentioned
from loader.sources.openalex.presumed import PresumedMembers
from loader.sources.openalex.state import WorksState
from loader.sources.openalex.works import WorksPlan

_WORK_COUNTS = "select id, coalesce(cast(document ->> '$.works_count' as bigint), 0) from {raw}.authors"


def estimate_people(members: PresumedMembers, records: AuthorRecords) -> list[Estimate]:
    """The look-ups of the roster's people, and their records."""
    least, most = records.count_credits(members.ids, members.unknown_count)
    least = max(least, 0 if members.ids else 1)  # a run finds somebody, or fails
    if members.is_complete:
        lookups = count_lists(members.lookup_count)
        return [
            Estimate(f"look up {_count(members.lookup_count, 'ORCID')}", lookups, lookups),
            Estimate("authors", least, most, "of those whose works change, again" if most > least else ""),
        ]
    known = len(members.ids)
    note = f"{known:,} are known from an earlier load" if known else "nobody is known of them yet"
    return [
        Estimate("people of the institution", max(1, count_lists(known)), None, note),
        Estimate("authors", least, None, "the records of these people"),
    ]


def estimate_works(state: WorksState, plan: WorksPlan, raw: RawSchema) -> list[Estimate]:
    """The lists of works: each page of a hundred records, or filter of a hundred values, costs one credit."""
    full = [group for group in plan.groups if group.is_full]
    swept = [group for group in plan.groups if not group.is_full]
    counts = dict(raw.query(_WORK_COUNTS)) if raw.has_table("authors") else {}
    full_ids = [author_id for group in full for author_id in group.author_ids]
    unknown = sum(author_id not in counts for author_id in full_ids)
    by_counts = [sum(counts.get(author_id, 0) for author_id in group.author_ids) for group in full]
    # Works that authors share come once in a list, so their counts add up to more.
    held = [len(state.list_known(group)) for group in full]
    sweeps = sum(map(state.count_sweep_credits, swept))
    estimates = [
        Estimate(
            f"all works of {_count(len(full_ids), 'member')}",
            sum(_count_pages(min(pair)) for pair in zip(by_counts, held, strict=True)),
            None if unknown else sum(_count_pages(max(pair)) for pair in zip(by_counts, held, strict=True)),
            f"nothing is known yet of {unknown:,} of them" if unknown else "",
        ),
        Estimate(
            f"which works changed, of {_count(sum(len(group.author_ids) for group in swept), 'member')}",
            len(swept) if plan.may_stop_early else sweeps,
            2 * sweeps if plan.may_stop_early else sweeps,
        ),
    ]
    return [each for each in estimates if each.at_most != 0]


def estimate_unknown_people(members: PresumedMembers, unknown_count: int, *, is_narrowed: bool) -> list[Estimate]:
    """The works of those whom no load has found so far: `unknown_count`, as far as the roster names them."""
    if not unknown_count and (members.is_complete or is_narrowed):
        return []
    who = f"{_count(unknown_count, 'member')} looked up by ORCID" if members.is_complete else "people who are new there"
    # One list of works has room for a hundred authors; without other authors there is one at least.
    return [Estimate(f"all works of {who}", 0 if members.ids else 1, None, "nothing is known of them yet")]


def estimate_named(
    members: PresumedMembers, raw: RawSchema, plan: WorksPlan, *, is_full_refresh: bool
) -> list[Estimate]:
    """The works that changed, and what works name: by what raw holds, and unknown of what is still to come."""
    is_open = bool(plan.groups) or not members.is_complete or members.unknown_count > 0
    estimates: list[Estimate] = []
    if any(not group.is_full for group in plan.groups):
        estimates.append(Estimate("works that changed", 0, None, "one for a hundred works"))
    mentioned = read_mentioned(raw)._asdict() if raw.has_table("works") else {}
    for table in ("institutions", "topics"):
        held = set(raw.query_keys(f"select id from {{raw}}.{table}")) if raw.has_table(table) else set[str]()
        lists = count_lists(sum(is_full_refresh or key not in held for key in mentioned.get(table, [])))
        note = "one for a hundred that new works name" if is_open else ""
        estimates.append(Estimate(table, lists, None if is_open else lists, note))
    return estimates


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _count_pages(records: int) -> int:
    """A list without a record takes a page, too."""
    return max(1, -(-records // PER_PAGE))

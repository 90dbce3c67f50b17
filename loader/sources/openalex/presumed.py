"""Who is on the roster by what raw holds: for a dry run, which sends no request."""

from collections.abc import Iterator
from dataclasses import dataclass

from loader.raw.warehouse import RawSchema
from loader.sources.openalex.made_records import MEMBERS
from loader.sources.openalex.roster import RosterEntry

# If several authors have one ORCID, it belongs to the one who has it in the roster.
_KNOWN_ORCIDS = f"""
    select author.document ->> '$.orcid', member.id
    from {{raw}}.roster as member
    inner join {{raw}}.authors as author
        on member.id = author.id and (member.document ->> '$.orcid') = (author.document ->> '$.orcid')
    where member.id in ({MEMBERS})
"""
_ORCIDS = """
    select document ->> '$.orcid', id
    from {raw}.authors
    where document ->> '$.orcid' is not null
    order by id desc
"""


@dataclass(frozen=True)
class PresumedMembers:
    """The members whose author ids are known without a request.

    A run looks up `lookup_count` ORCIDs, of which raw has no author for `unknown_count`. `is_complete`: nobody else is
    on the roster; an institution may have anyone.
    """

    entries: list[RosterEntry]
    lookup_count: int
    unknown_count: int
    is_complete: bool

    @property
    def ids(self) -> list[str]:
        """Their author ids, sorted."""
        return sorted({entry.author_id for entry in self.entries if entry.author_id})


def read_roster_orcids(raw: RawSchema) -> list[tuple[str, str]]:
    """ORCIDs of the roster as raw has it, each with its author."""
    return list(raw.query(_KNOWN_ORCIDS))


def read_held_orcids(raw: RawSchema) -> dict[str, str]:
    """The author of each ORCID that raw has; of several, the one who has it in the roster, then the smallest id."""
    if not (raw.has_table("authors") and raw.has_table("roster")):
        return {}
    return dict(raw.query(_ORCIDS)) | dict(read_roster_orcids(raw))


def list_presumed_ids(raw: RawSchema, entries: list[RosterEntry]) -> list[str]:
    """The author ids of a roster's lines, as far as the file or raw gives them."""
    held = read_held_orcids(raw)
    return sorted({found for entry in entries if (found := entry.author_id or held.get(entry.orcid or ""))})


def find_people_of(raw: RawSchema, filter_name: str, value: str) -> list[str]:
    """The members in raw who worked at this institution when they were last loaded."""
    if not (raw.has_table("authors") and raw.has_table("roster")):
        return []
    field = filter_name.rpartition(".")[2]
    wanted = value if value.startswith("http") else f"https://openalex.org/{value}"
    sql = f"select id, document ->> '$.last_known_institutions[*].{field}' from {{raw}}.authors order by id"
    members = set(raw.query_keys(MEMBERS))
    return [author_id for author_id, places in raw.query(sql) if author_id in members and wanted in (places or [])]


def list_contradictions(raw: RawSchema, entries: list[RosterEntry]) -> Iterator[tuple[str, str, str]]:
    """Author id, ORCID and whose ORCID it is, for lines of the roster whose ORCID raw has with somebody else."""
    holders = read_held_orcids(raw)
    for entry in entries:
        holder = holders.get(entry.orcid or "")
        if entry.author_id and entry.orcid and holder and holder != entry.author_id:
            yield entry.author_id, entry.orcid, holder

"""Which DOIs to look up: this follows from raw alone, so that a killed run leaves none out."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from loader.base.dbt_project import read_seed, render_macro
from loader.raw.pipelines import name_raw_schema
from loader.raw.warehouse import RawSchema
from loader.sources.openalex.known import WorkHead
from loader.sources.openalex.models import MEMBERS

_NOT_FOUND_DAYS = 90
# Semantic Scholar refuses a whole batch for one id that it cannot read.
_DOI = re.compile(r"10\.[0-9]{4,9}/\S+")
_NEVER = datetime.min.replace(tzinfo=UTC)


class _Work(WorkHead):
    doi: str | None = None
    type: str | None = None


def has_works(raw: RawSchema) -> bool:
    """Whether OpenAlex was ever loaded into the warehouse of this raw schema."""
    openalex = _find_openalex(raw)
    return openalex.has_table("works") and openalex.has_table("roster")


def list_due_dois(raw: RawSchema, refresh_after_days: float, *, is_full_refresh: bool) -> list[str]:
    """The DOIs of today's roster's papers that were never answered, then those answered long ago.

    Long ago means at least `refresh_after_days` for a paper that was found, 90 days for one that was not, and any time
    with a full refresh. DOIs are in lower case and without an address.
    """
    if not has_works(raw):
        return []
    dois = _read_dois(_find_openalex(raw))
    if not raw.has_table("lookups"):
        return sorted(dois)
    wait_days = {"found": refresh_after_days, "not_found": _NOT_FOUND_DAYS}
    answers = raw.query("select id, updated_at, document ->> '$.status' from {raw}.lookups")
    due_at = {doi: asked_at + timedelta(days=wait_days[status]) for doi, asked_at, status in answers}
    now = datetime.now(UTC)
    due = [(due_at.get(doi, _NEVER), doi) for doi in dois if is_full_refresh or due_at.get(doi, _NEVER) <= now]
    return [doi for _, doi in sorted(due)]


def _find_openalex(raw: RawSchema) -> RawSchema:
    return RawSchema(raw.connection, name_raw_schema("openalex"))


def _read_dois(openalex: RawSchema) -> set[str]:
    """The DOIs of works that are papers of somebody on today's roster, spelled as in the marts."""
    addresses = [work.doi for work in _list_papers(openalex) if work.doi]
    name = render_macro("academic", "values", "name_doi", "address")
    sql = f"select {name} from (select unnest(?::varchar[]) as address)"
    rows = openalex.connection.cursor().execute(sql, [addresses]).fetchall()
    return {doi for (doi,) in rows if _DOI.fullmatch(doi)}


def _list_papers(openalex: RawSchema) -> Iterator[_Work]:
    kept_types = {row["work_type"] for row in read_seed("academic", "work_types_kept")}
    members = set(openalex.query_keys(MEMBERS))
    for work in openalex.read_documents("works", msgspec.json.Decoder(_Work)):
        if work.type in kept_types and not work.author_ids.isdisjoint(members):
            yield work

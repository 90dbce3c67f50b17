"""Which DOIs to look up: this follows from raw alone, so that a killed run leaves none out."""

from collections.abc import Iterable

from loader.base.dbt_project import read_seed, render_macro
from loader.base.settings import ROOT
from loader.raw.pipelines import name_raw_schema
from loader.raw.warehouse import RawSchema
from loader.sources.openalex.known import list_works_of, read_members
from loader.sources.openalex.presumed import list_presumed_ids
from loader.sources.openalex.roster import read_roster
from loader.sources.openalex.settings import OpenAlexSettings
from loader.sources.settings import resolve_settings

_NOT_FOUND_DAYS = 90
# Semantic Scholar refuses a whole batch for one id that it cannot read.
_DOI = r"10\.[0-9]{4,9}/[^\p{Z}\p{Cc}]+"
# Before the first load there is no table of lookups.
_NO_LOOKUPS = "(select null as id, null::json as document, null::timestamptz as updated_at where false)"


def find_openalex(raw: RawSchema) -> RawSchema:
    """OpenAlex's raw schema in the warehouse of this one."""
    return RawSchema(raw.connection, name_raw_schema("openalex"))


def list_due_dois(
    raw: RawSchema,
    refresh_after_days: float,
    *,
    is_full_refresh: bool,
    member_ids: Iterable[str] | None = None,
) -> list[str]:
    """The DOIs of the members' papers that were never answered, then those answered long ago.

    The members are `member_ids`, by default today's roster in raw.

    Long ago means at least `refresh_after_days` for a paper that was found, 90 days for one that was not, and any time
    with a full refresh. DOIs are in lower case and without an address.
    """
    sql = f"""
        select doi
        from (
            select distinct {render_macro("academic", "values", "name_doi", "address")} as doi
            from (select unnest($1::varchar[]) as address)
        )
        left join {"{raw}.lookups" if raw.has_table("lookups") else _NO_LOOKUPS} on doi = id
        where regexp_full_match(doi, $2) and (
            updated_at is null
            or $3
            or epoch(now()) - epoch(updated_at) >= 86400 * if(document ->> '$.status' = 'found', $4, $5)
        )
        order by updated_at nulls first, doi
    """
    addresses = _list_addresses(find_openalex(raw), member_ids)
    return raw.query_keys(sql, addresses, _DOI, is_full_refresh, refresh_after_days, _NOT_FOUND_DAYS)


def presume_members(raw: RawSchema) -> list[str] | None:
    """Who is on the roster file of OpenAlex's settings, by what raw holds; None if no file is set."""
    settings = resolve_settings(OpenAlexSettings, "sources.openalex", accept_partial=True)
    if settings.institution or not settings.roster:
        return None
    return list_presumed_ids(find_openalex(raw), read_roster(ROOT / settings.roster))


def _list_addresses(openalex: RawSchema, member_ids: Iterable[str] | None) -> list[str]:
    """The DOIs of works that are papers of a member, as OpenAlex writes them."""
    kept_types = {row["work_type"] for row in read_seed("academic", "work_types_kept")}
    members = read_members(openalex) if member_ids is None else set(member_ids)
    works = list_works_of(members, openalex)
    return [work.doi for work in works if work.doi and work.type in kept_types]

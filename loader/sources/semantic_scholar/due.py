"""Which DOIs to ask for: it follows from raw alone, so that a run that was killed leaves nothing out."""

from datetime import UTC, datetime, timedelta

from loader.settings import ROOT
from loader.warehouse import RawSchema

_NOT_FOUND_DAYS = 90
# What a paper is, is said in one place: the seed by which the marts keep works.
_KEPT_TYPES = ROOT / "dbt_project" / "seeds" / "work_types_kept.csv"

# Of what is in the DOI's place only DOIs: Semantic Scholar refuses a whole batch for one id that it cannot read.
_PAPERS = """
    with members as (
        select list(id) as ids from {openalex}.roster where cast(document ->> '$.is_member' as boolean)
    ), works as (
        select
            from_json(document, '{{
                "doi": "VARCHAR", "type": "VARCHAR", "authorships": [{{"author": {{"id": "VARCHAR"}}}}]
            }}') as work
        from {openalex}.works
    ), papers as (
        select distinct lower(regexp_replace(work.doi, '^https?://(dx\\.)?doi\\.org/', '', 'i')) as doi
        from works
        cross join members
        where
            work.type in (select work_type from read_csv($kept_types))
            and list_has_any(list_transform(work.authorships, lambda authorship: authorship.author.id), members.ids)
    )
    select doi from papers where regexp_full_match(doi, '10\\.[0-9]{{4,9}}/\\S+')
"""
_LOOKUPS = "select id, document ->> '$.status', updated_at from {raw}.lookups"


def list_due_dois(raw: RawSchema, openalex: RawSchema, refresh_after_days: float) -> list[str]:
    """The DOIs of today's roster's papers that were never answered, and those answered long ago, the oldest last.

    That is more than `refresh_after_days` ago for a paper that was found, 90 days for one that was not.
    Where OpenAlex was never loaded there is none.
    """
    if not (openalex.has_table("works") and openalex.has_table("roster")):
        return []
    papers = openalex.connection.cursor().execute(
        _PAPERS.format(openalex=openalex.name), {"kept_types": str(_KEPT_TYPES)}
    )
    answered: dict[str, tuple[str, datetime]] = {}
    if raw.has_table("lookups"):
        rows = raw.connection.cursor().execute(_LOOKUPS.format(raw=raw.name)).fetchall()
        answered = {doi: (status, asked_at) for doi, status, asked_at in rows}
    now = datetime.now(UTC)
    rests = {"found": timedelta(days=refresh_after_days), "not_found": timedelta(days=_NOT_FOUND_DAYS)}
    never = datetime.min.replace(tzinfo=UTC)
    due: list[tuple[datetime, str]] = []
    for (doi,) in papers.fetchall():
        status, asked_at = answered.get(doi, ("found", never))
        if asked_at is never or now - asked_at >= rests[status]:
            due.append((asked_at, doi))
    return [doi for _, doi in sorted(due)]

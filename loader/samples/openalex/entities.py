"""Which filters, groups, sorts and fields each OpenAlex entity knows, and how to read them from a record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from loader.samples.openalex.catalogue import Record

_PREFIXES = (
    "https://openalex.org/types/",
    "https://openalex.org/",
    "https://orcid.org/",
    "https://ror.org/",
    "https://doi.org/",
    "openalex:",
    "orcid:",
    "ror:",
    "doi:",
)


def _split(names: str) -> list[str]:
    return names.split(", ")


# In the order of OpenAlex's own message about an invalid select field.
_WORK_FIELDS = _split(
    "id, doi, title, display_name, relevance_score, publication_year, publication_date, ids, "
    "language, primary_location, sources, type, type_crossref, indexed_in, open_access, authorships, "
    "institution_assertions, institutions, countries_distinct_count, institutions_distinct_count, "
    "corresponding_author_ids, corresponding_institution_ids, apc_list, apc_paid, fwci, "
    "is_authors_truncated, has_fulltext, fulltext_origin, cited_by_count, "
    "citation_normalized_percentile, cited_by_percentile_year, biblio, is_retracted, is_paratext, "
    "is_xpac, primary_topic, topics, keywords, concepts, mesh, locations_count, locations, "
    "best_oa_location, sustainable_development_goals, awards, funders, datasets, versions, "
    "has_content, content_urls, referenced_works_count, referenced_works, related_works, "
    "abstract_inverted_index, cited_by_api_url, counts_by_year, updated_date, created_date"
)
_AUTHOR_FIELDS = _split(
    "id, orcid, display_name, display_name_alternatives, works_count, cited_by_count, summary_stats, "
    "ids, affiliations, last_known_institutions, topics, topic_share, x_concepts, counts_by_year, "
    "works_api_url, updated_date, created_date"
)
_INSTITUTION_FIELDS = _split(
    "id, ror, display_name, country_code, type, type_id, lineage, homepage_url, image_url, "
    "image_thumbnail_url, display_name_acronyms, display_name_alternatives, repositories, "
    "works_count, cited_by_count, summary_stats, ids, geo, international, associated_institutions, "
    "counts_by_year, roles, topics, topic_share, x_concepts, is_super_system, works_api_url, "
    "updated_date, created_date"
)
_TOPIC_FIELDS = _split(
    "id, display_name, description, keywords, ids, subfield, field, domain, siblings, works_count, "
    "cited_by_count, works_api_url, updated_date, created_date"
)

_OPENALEX_ID = {"openalex": "id", "openalex_id": "id", "ids.openalex": "id"}


@dataclass(frozen=True)
class EntityKind:
    """What one endpoint knows: filters, groups and sorts name a dotted path into the record.

    `matches` are filters for equal values, `lower_bounds` and `upper_bounds` for inclusive ones; `gated` are
    the filters of paid plans. `identifiers` are the paths by which a single record is found.
    """

    name: str
    matches: dict[str, str]
    identifiers: tuple[str, ...]
    select_fields: list[str]
    sorts: tuple[str, ...]
    groups: tuple[str, ...] = ()
    lower_bounds: dict[str, str] | None = None
    upper_bounds: dict[str, str] | None = None
    gated: tuple[str, ...] = ()

    @property
    def filters(self) -> list[str]:
        """Name every filter, in alphabetical order."""
        return sorted({*self.matches, *(self.lower_bounds or {}), *(self.upper_bounds or {})})


KINDS = {
    "works": EntityKind(
        name="works",
        matches={
            **_OPENALEX_ID,
            "author.id": "authorships.author.id",
            "authorships.author.id": "authorships.author.id",
            "author.orcid": "authorships.author.orcid",
            "authorships.author.orcid": "authorships.author.orcid",
            "institutions.id": "authorships.institutions.id",
            "authorships.institutions.id": "authorships.institutions.id",
            "institutions.ror": "authorships.institutions.ror",
            "authorships.institutions.ror": "authorships.institutions.ror",
            "doi": "doi",
            "publication_year": "publication_year",
            "type": "type",
            "topics.id": "topics.id",
            "open_access.is_oa": "open_access.is_oa",
        },
        identifiers=("id", "doi"),
        select_fields=_WORK_FIELDS,
        sorts=("publication_date", "publication_year", "cited_by_count", "display_name", "updated_date"),
        groups=(
            "publication_year",
            "type",
            "language",
            "open_access.is_oa",
            "open_access.oa_status",
            "author.id",
            "authorships.author.id",
            "authorships.institutions.id",
            "primary_topic.id",
        ),
        lower_bounds={
            "from_publication_date": "publication_date",
            "from_updated_date": "updated_date",
            "from_created_date": "created_date",
        },
        upper_bounds={"to_publication_date": "publication_date"},
        gated=("from_updated_date", "from_created_date"),
    ),
    "authors": EntityKind(
        name="authors",
        matches={
            **_OPENALEX_ID,
            "orcid": "orcid",
            "last_known_institutions.id": "last_known_institutions.id",
            "last_known_institutions.ror": "last_known_institutions.ror",
            "affiliations.institution.id": "affiliations.institution.id",
            "affiliations.institution.ror": "affiliations.institution.ror",
        },
        identifiers=("id", "orcid"),
        select_fields=_AUTHOR_FIELDS,
        sorts=("cited_by_count", "works_count", "display_name"),
    ),
    "institutions": EntityKind(
        name="institutions",
        matches={**_OPENALEX_ID, "ror": "ror"},
        identifiers=("id", "ror"),
        select_fields=_INSTITUTION_FIELDS,
        sorts=("cited_by_count", "works_count", "display_name"),
    ),
    "topics": EntityKind(
        name="topics",
        matches=dict(_OPENALEX_ID),
        identifiers=("id",),
        select_fields=_TOPIC_FIELDS,
        sorts=("cited_by_count", "works_count", "display_name"),
    ),
}


def shorten(value: Any) -> str:
    """Return the form in which two ways of writing an id, a DOI or any other value are equal."""
    short = str(value).strip().lower()
    short = short.replace("http://", "https://", 1)
    for prefix in _PREFIXES:
        short = short.removeprefix(prefix)
    return short


def walk(record: Any, path: list[str]) -> Iterator[Any]:
    """Yield every value at a path, through lists and past what is missing or null."""
    if isinstance(record, list):
        for each in record:
            yield from walk(each, path)
    elif not path:
        if record is not None:
            yield record
    elif isinstance(record, dict):
        yield from walk(record.get(path[0]), path[1:])


def list_groups(record: Record, group: str) -> set[tuple[str, str]]:
    """Return the (key, display name) pairs under which a record is counted."""
    path = ("authorships.author.id" if group == "author.id" else group).split(".")
    if path[-1] == "id":
        parents = walk(record, path[:-1])
        found = {(each["id"], each["display_name"]) for each in parents if each.get("id")}
        return found or {("unknown", "unknown")}
    values = list(walk(record, path))
    if not values:
        return {("-111", "unknown")} if group == "publication_year" else {("unknown", "unknown")}
    return {_name_group(group, value) for value in values}


def _name_group(group: str, value: Any) -> tuple[str, str]:
    name = str(value).lower() if isinstance(value, bool) else str(value)
    return (f"https://openalex.org/types/{name}" if group == "type" else name), name

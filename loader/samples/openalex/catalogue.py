"""What a stand-in OpenAlex holds: works as given, and the entities that follow from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

Record = dict[str, Any]

_LISTED_YEARS = 10
_LISTED_TOPICS = 25


@dataclass(frozen=True)
class Catalogue:
    """The entities of a stand-in OpenAlex, each record in the shape its API answers with.

    `works` may hold the same id twice, as recorded pages do. `merged` maps the id of a work that is
    gone to the id under which it lives on (full URLs).
    """

    works: list[Record]
    authors: list[Record]
    institutions: list[Record]
    topics: list[Record]
    merged: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_works(cls, works: list[Record], *, merged: dict[str, str] | None = None) -> Catalogue:
        """Derive authors, institutions and topics from the distinct works, in order of id.

        Of works with the same id the one updated last counts. Authorships without an author id are
        left out; what works do not tell of an entity is null.
        """
        distinct = _keep_latest(works)
        latest_year = max((work["publication_year"] or 0 for work in distinct), default=0)
        return cls(
            works=works,
            authors=_derive_authors(distinct, latest_year),
            institutions=_derive_institutions(distinct, latest_year),
            topics=_derive_topics(distinct),
            merged=merged or {},
        )


def _keep_latest(works: Iterable[Record]) -> list[Record]:
    latest: dict[str, Record] = {}
    for work in works:
        known = latest.get(work["id"])
        if known is None or work["updated_date"] > known["updated_date"]:
            latest[work["id"]] = work
    return list(latest.values())


def _derive_authors(works: Iterable[Record], latest_year: int) -> list[Record]:
    appearances: dict[str, list[tuple[Record, Record]]] = {}
    for work in works:
        for authorship in work["authorships"]:
            author_id = authorship["author"].get("id")
            if author_id:
                appearances.setdefault(author_id, []).append((work, authorship))
    return [_describe_author(author_id, appearances[author_id], latest_year) for author_id in sorted(appearances)]


def _describe_author(author_id: str, appearances: list[tuple[Record, Record]], latest_year: int) -> Record:
    works = list({work["id"]: work for work, _ in appearances}.values())
    authorships = [authorship for _, authorship in appearances]
    name = authorships[-1]["author"]["display_name"]
    orcids = [authorship["author"]["orcid"] for authorship in authorships if authorship["author"].get("orcid")]
    names = {name, *(authorship.get("raw_author_name") or name for authorship in authorships)}
    short_id = author_id.rpartition("/")[2]
    return {
        "id": author_id,
        "orcid": orcids[-1] if orcids else None,
        "display_name": name,
        "display_name_alternatives": sorted(each for each in names if each),
        "works_count": len(works),
        "cited_by_count": sum(work["cited_by_count"] for work in works),
        "summary_stats": _summarise_citations(works, latest_year),
        "ids": {"openalex": author_id} | ({"orcid": orcids[-1]} if orcids else {}),
        "affiliations": _list_affiliations(appearances),
        "last_known_institutions": _find_last_institutions(appearances),
        "topics": _count_topics(works),
        "counts_by_year": _count_by_year(works, latest_year),
        "works_api_url": f"https://api.openalex.org/works?filter=author.id:{short_id}",
        "updated_date": max(work["updated_date"] for work in works),
        "created_date": min(work["created_date"] for work in works),
    }


def _list_affiliations(appearances: list[tuple[Record, Record]]) -> list[Record]:
    institutions: dict[str, Record] = {}
    years: dict[str, set[int]] = {}
    for work, authorship in appearances:
        for institution in authorship["institutions"]:
            if institution.get("id") and work["publication_year"]:
                institutions[institution["id"]] = institution
                years.setdefault(institution["id"], set()).add(work["publication_year"])
    affiliations = [
        {"institution": institutions[each], "years": sorted(years[each], reverse=True)} for each in sorted(years)
    ]
    return sorted(affiliations, key=lambda each: each["years"][0], reverse=True)


def _find_last_institutions(appearances: list[tuple[Record, Record]]) -> list[Record]:
    placed = [(work, authorship) for work, authorship in appearances if authorship["institutions"]]
    if not placed:
        return []
    _, authorship = max(placed, key=lambda each: (each[0]["publication_date"] or "", each[0]["id"]))
    return [institution for institution in authorship["institutions"] if institution.get("id")]


def _summarise_citations(works: Sequence[Record], latest_year: int) -> Record:
    citations = sorted((work["cited_by_count"] for work in works), reverse=True)
    recent = [
        work["cited_by_count"] for work in works if latest_year - 2 <= (work["publication_year"] or 0) < latest_year
    ]
    return {
        "2yr_mean_citedness": sum(recent) / len(recent) if recent else 0.0,
        "h_index": sum(count >= rank for rank, count in enumerate(citations, start=1)),
        "i10_index": sum(count >= 10 for count in citations),
    }


def _count_topics(works: Iterable[Record]) -> list[Record]:
    topics: dict[str, Record] = {}
    counts: Counter[str] = Counter()
    for work in works:
        for topic in work.get("topics") or []:
            topics[topic["id"]] = topic
            counts[topic["id"]] += 1
    ranked = sorted(counts, key=lambda each: (-counts[each], each))[:_LISTED_TOPICS]
    return [
        {
            "id": each,
            "display_name": topics[each]["display_name"],
            "count": counts[each],
            "subfield": topics[each]["subfield"],
            "field": topics[each]["field"],
            "domain": topics[each]["domain"],
        }
        for each in ranked
    ]


def _count_by_year(works: Iterable[Record], latest_year: int) -> list[Record]:
    published: Counter[int] = Counter()
    published_open: Counter[int] = Counter()
    cited: Counter[int] = Counter()
    for work in works:
        year = work["publication_year"] or 0
        published[year] += 1
        published_open[year] += bool(work["open_access"]["is_oa"])
        for each in work["counts_by_year"]:
            cited[each["year"]] += each["cited_by_count"]
    listed = range(latest_year, latest_year - _LISTED_YEARS, -1)
    return [
        {
            "year": year,
            "works_count": published[year],
            "oa_works_count": published_open[year],
            "cited_by_count": cited[year],
        }
        for year in listed
        if published[year] or cited[year]
    ]


def _derive_institutions(works: Iterable[Record], latest_year: int) -> list[Record]:
    institutions: dict[str, Record] = {}
    works_of: dict[str, dict[str, Record]] = {}
    for work in works:
        for institution in chain.from_iterable(each["institutions"] for each in work["authorships"]):
            if institution.get("id"):
                institutions[institution["id"]] = institution
                works_of.setdefault(institution["id"], {})[work["id"]] = work
    return [
        _describe_institution(institutions[each], list(works_of[each].values()), latest_year)
        for each in sorted(institutions)
    ]


def _describe_institution(institution: Record, works: list[Record], latest_year: int) -> Record:
    kind = institution.get("type")
    short_id = institution["id"].rpartition("/")[2]
    return {
        "id": institution["id"],
        "ror": institution.get("ror"),
        "display_name": institution["display_name"],
        "country_code": institution.get("country_code"),
        "type": kind,
        "type_id": f"https://openalex.org/institution-types/{kind}" if kind else None,
        "lineage": institution.get("lineage") or [institution["id"]],
        "homepage_url": None,
        "image_url": None,
        "image_thumbnail_url": None,
        "display_name_acronyms": [],
        "display_name_alternatives": [],
        "repositories": [],
        "works_count": len(works),
        "cited_by_count": sum(work["cited_by_count"] for work in works),
        "summary_stats": _summarise_citations(works, latest_year),
        "ids": {"openalex": institution["id"], "ror": institution.get("ror")},
        "geo": {
            "city": None,
            "geonames_city_id": None,
            "region": None,
            "country_code": institution.get("country_code"),
            "country": None,
            "latitude": None,
            "longitude": None,
        },
        "international": {"display_name": {"en": institution["display_name"]}},
        "associated_institutions": [],
        "counts_by_year": _count_by_year(works, latest_year),
        "roles": [{"role": "institution", "id": institution["id"], "works_count": len(works)}],
        "topics": _count_topics(works),
        "is_super_system": False,
        "works_api_url": f"https://api.openalex.org/works?filter=institutions.id:{short_id}",
        "updated_date": max(work["updated_date"] for work in works),
        "created_date": min(work["created_date"] for work in works),
    }


def _derive_topics(works: Iterable[Record]) -> list[Record]:
    topics: dict[str, Record] = {}
    works_of: dict[str, list[Record]] = {}
    for work in works:
        for topic in work.get("topics") or []:
            topics[topic["id"]] = topic
            works_of.setdefault(topic["id"], []).append(work)
    siblings: dict[str, list[Record]] = {}
    for topic_id in sorted(topics):
        topic = topics[topic_id]
        siblings.setdefault(topic["subfield"]["id"], []).append({"id": topic_id, "display_name": topic["display_name"]})
    return [
        _describe_topic(topics[each], works_of[each], siblings[topics[each]["subfield"]["id"]])
        for each in sorted(topics)
    ]


def _describe_topic(topic: Record, works: list[Record], subfield_topics: list[Record]) -> Record:
    short_id = topic["id"].rpartition("/")[2]
    return {
        "id": topic["id"],
        "display_name": topic["display_name"],
        "description": None,
        "keywords": [],
        "ids": {"openalex": topic["id"], "wikipedia": None},
        "subfield": topic["subfield"],
        "field": topic["field"],
        "domain": topic["domain"],
        "siblings": [each for each in subfield_topics if each["id"] != topic["id"]],
        "works_count": len(works),
        "cited_by_count": sum(work["cited_by_count"] for work in works),
        "works_api_url": f"https://api.openalex.org/works?filter=topics.id:{short_id}",
        "updated_date": max(work["updated_date"] for work in works),
        "created_date": min(work["created_date"] for work in works),
    }

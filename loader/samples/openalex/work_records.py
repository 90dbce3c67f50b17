"""Writes papers down as OpenAlex answered with them in 2026, without what is deprecated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from loader.samples.openalex.catalogue import Record
from loader.samples.openalex.people import LAST_YEAR, Person, scatter_eight
from loader.samples.openalex.teams import Paper
from loader.samples.openalex.titles import TitleWriter, retype_title, write_abstract
from loader.samples.openalex.vocabulary import DEPARTMENTS, SET_ASIDE_PATTERNS

FIRST_DAY = date(LAST_YEAR, 6, 15)
NULL_AUTHOR_ID = "https://openalex.org/A9999999999"

_TYPE_WEIGHTS = {
    "article": 79, "review": 6, "preprint": 3, "book-chapter": 4, "book": 1, "report": 2,
    "editorial": 1.3, "letter": 1.3, "dataset": 1.6, "paratext": 0.5,
}  # fmt: skip
_RAW_TYPES = {
    "preprint": "posted-content",
    "book-chapter": "book-chapter",
    "book": "book",
    "report": "report",
}
_OPEN_STATUSES = {"gold": 38, "green": 25, "hybrid": 18, "bronze": 12, "diamond": 7}
_CITATION_CURVE = (0.2, 0.8, 1.2, 1.3, 1.2, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
_LISTED_YEARS = 10


@dataclass(frozen=True, slots=True)
class Edition:
    """What sets one publication of a paper apart from another of the same paper."""

    title: str
    work_type: str
    published_on: date
    has_doi: bool = True


class WorkWriter:
    """Turns papers into work records, numbering them as it goes."""

    def __init__(self, rng: Random, today: date) -> None:
        """Write as of `today`; both may be set again for a later day."""
        self.rng = rng
        self.today = today
        self._titles = TitleWriter()
        self._next_serial = 1
        self._earlier_ids: list[str] = []

    def write_work(self, paper: Paper) -> Record:
        """Write one paper: its type, title and date are drawn, about one in eighty is set aside by title."""
        title = self._titles.write_title(self.rng, paper.department)
        work_type = self.rng.choices(list(_TYPE_WEIGHTS), list(_TYPE_WEIGHTS.values()))[0]
        if self.rng.random() < 0.0125:
            title, work_type = self.rng.choice(SET_ASIDE_PATTERNS).format(title=title), "article"
        has_doi = self.rng.random() > 0.04
        return self._write_record(paper, Edition(title, work_type, self._draw_date(paper.year), has_doi))

    def write_pair(self, paper: Paper) -> list[Record]:
        """Write a preprint and the article it became: the same authors, the same title typed differently."""
        title = self._titles.write_title(self.rng, paper.department)
        published_on = self._draw_date(paper.year)
        posted_on = published_on - timedelta(days=self.rng.randint(60, 400))
        return [
            self._write_record(paper, Edition(retype_title(self.rng, title), "preprint", posted_on)),
            self._write_record(paper, Edition(title, "article", published_on)),
        ]

    def _draw_date(self, year: int) -> date:
        if self.rng.random() < 0.12:
            return date(year, 1, 1)
        drawn = date(year, 1, 1) + timedelta(days=self.rng.randint(0, 364))
        return drawn if drawn < self.today else date(year, 1, 1) + timedelta(days=drawn.toordinal() % 160)

    def _write_record(self, paper: Paper, edition: Edition) -> Record:
        serial = self._next_serial
        self._next_serial += 1
        short_id = f"W7{scatter_eight(serial)}0"
        work_id = f"https://openalex.org/{short_id}"
        year = edition.published_on.year
        doi = f"https://doi.org/10.5555/{short_id.lower()}" if edition.has_doi else None
        authorships = [self._write_authorship(paper, place, person, year) for place, person in enumerate(paper.authors)]
        corresponding = [each for each in authorships if each["is_corresponding"]]
        locations, open_access = self._write_locations(paper, edition, doi, short_id)
        topics = self._draw_topics(paper.department)
        counts, cited_by_count = self._draw_citations(year)
        fwci, percentile = _rate_citations(cited_by_count, self.today.year - year)
        references = self.rng.sample(self._earlier_ids, min(len(self._earlier_ids), self.rng.randint(0, 8)))
        self._earlier_ids.append(work_id)
        volume = year - 1970
        first_page = self.rng.randint(1, 1800)
        in_journal = edition.work_type != "preprint"
        best_open = next((each for each in locations if each["is_oa"]), None)
        has_abstract = edition.work_type not in ("paratext", "editorial") and self.rng.random() < 0.88
        return {
            "id": work_id,
            "doi": doi,
            "title": edition.title,
            "display_name": edition.title,
            "publication_year": year,
            "publication_date": edition.published_on.isoformat(),
            "ids": {"openalex": work_id} | ({"doi": doi} if doi else {}),
            "language": self.rng.choices(("en", "de", "sv", "fr", "ja", "es", None), (94, 1, 1, 1, 1, 1, 1))[0],
            "primary_location": locations[0],
            "type": edition.work_type,
            "indexed_in": ["crossref"] if doi else [],
            "open_access": open_access,
            "authorships": authorships,
            "institutions": [],
            "countries_distinct_count": len({code for each in authorships for code in each["countries"]}),
            "institutions_distinct_count": len({place["id"] for each in authorships for place in each["institutions"]}),
            "corresponding_author_ids": [each["author"]["id"] for each in corresponding],
            "corresponding_institution_ids": [place["id"] for each in corresponding for place in each["institutions"]],
            "apc_list": None,
            "apc_paid": None,
            "fwci": fwci,
            "has_fulltext": best_open is not None and best_open["pdf_url"] is not None,
            "cited_by_count": cited_by_count,
            "citation_normalized_percentile": percentile,
            "biblio": {
                "volume": str(volume) if in_journal else None,
                "issue": str(self.rng.randint(1, 12)) if in_journal else None,
                "first_page": str(first_page) if in_journal else None,
                "last_page": str(first_page + self.rng.randint(3, 24)) if in_journal else None,
            },
            "is_retracted": self.rng.random() < 0.002,
            "is_xpac": False,
            "primary_topic": topics[0] if topics else None,
            "topics": topics,
            "keywords": self._draw_keywords(paper.department),
            "locations_count": len(locations),
            "locations": locations,
            "best_oa_location": best_open,
            "sustainable_development_goals": [],
            "awards": [],
            "funders": [],
            "referenced_works_count": len(references),
            "referenced_works": references,
            "abstract_inverted_index": write_abstract(self.rng, paper.department) if has_abstract else None,
            "counts_by_year": counts,
            "updated_date": self._draw_updated_date(),
            "created_date": f"{max(date(2025, 10, 10), edition.published_on).isoformat()}T00:00:00",
        }

    def _write_authorship(self, paper: Paper, place: int, person: Person, year: int) -> Record:
        last = len(paper.authors) - 1
        is_unknown = last > 0 and self.rng.random() < 0.0012
        institution = person.find_institution(year)
        is_placed = self.rng.random() > 0.03
        affiliation = f"{DEPARTMENTS[person.department].name}, {institution['display_name']}"
        institutions = [institution] if is_placed else []
        return {
            "author_position": "first" if place == 0 else "last" if place == last else "middle",
            "author": {
                "id": NULL_AUTHOR_ID if is_unknown else person.author_id,
                "display_name": person.name,
                "orcid": None if is_unknown else person.orcid,
            },
            "institutions": institutions,
            "countries": [each["country_code"] for each in institutions],
            "is_corresponding": place == (last if paper.year % 3 else 0),
            "raw_author_name": person.printed_name,
            "raw_affiliation_strings": [affiliation] if is_placed else [],
            "affiliations": [
                {"raw_affiliation_string": affiliation, "institution_ids": [each["id"]]} for each in institutions
            ],
        }

    def _write_locations(
        self, paper: Paper, edition: Edition, doi: str | None, short_id: str
    ) -> tuple[list[Record], Record]:
        status = self._draw_open_status(edition)
        pdf_url = f"https://repository.example.org/{short_id}.pdf" if self.rng.random() < 0.7 else None
        is_open_here = status in ("gold", "hybrid", "bronze", "diamond")
        landing_page_url = doi or f"https://www.example.org/records/{short_id}"
        first = _describe_location(
            location_id=f"doi:{doi.removeprefix('https://doi.org/')}" if doi else f"mag:{short_id[1:]}",
            landing_page_url=landing_page_url,
            pdf_url=pdf_url if is_open_here else None,
            source=_REPOSITORY if edition.work_type == "preprint" else self._draw_journal(paper.department),
            is_oa=is_open_here,
            is_published=edition.work_type != "preprint",
            raw_type=_RAW_TYPES.get(edition.work_type, "journal-article"),
        )
        locations = [first]
        if edition.work_type == "preprint":
            first["is_oa"] = status != "closed"
            first["pdf_url"] = pdf_url if status != "closed" else None
        elif status == "green":
            locations.append(
                _describe_location(
                    location_id=f"pmh:oai:repository.example.org:{short_id}",
                    landing_page_url=f"https://repository.example.org/{short_id}",
                    pdf_url=pdf_url,
                    source=_REPOSITORY,
                    is_oa=True,
                    is_published=False,
                    raw_type="article",
                )
            )
        best = next((each for each in locations if each["is_oa"]), None)
        return locations, {
            "is_oa": best is not None,
            "oa_status": status,
            "oa_url": (best["pdf_url"] or best["landing_page_url"]) if best else None,
            "any_repository_has_fulltext": status == "green",
        }

    def _draw_open_status(self, edition: Edition) -> str:
        open_share = min(0.85, 0.08 + 0.018 * max(0, edition.published_on.year - 1985))
        if edition.work_type == "preprint":
            return "green"
        if self.rng.random() > open_share:
            return "closed"
        return self.rng.choices(list(_OPEN_STATUSES), list(_OPEN_STATUSES.values()))[0]

    def _draw_journal(self, department: int) -> Record:
        number = self.rng.randrange(len(DEPARTMENTS[department].journals))
        serial = department * 10 + number + 1
        return _describe_source(serial, DEPARTMENTS[department].journals[number], "journal")

    def _draw_topics(self, department: int) -> list[Record]:
        if self.rng.random() < 0.01:
            return []
        known = DEPARTMENTS[department].topics
        chosen = self.rng.choices(range(len(known)), [1 / (rank + 2) for rank in range(len(known))], k=3)
        distinct = list(dict.fromkeys(chosen))[: self.rng.randint(1, 3)]
        top = self.rng.uniform(0.7, 0.999)
        return [describe_topic(department, number, round(top * 0.93**rank, 4)) for rank, number in enumerate(distinct)]

    def _draw_keywords(self, department: int) -> list[Record]:
        words = [word for word in DEPARTMENTS[department].subjects if "<" not in word and "&" not in word]
        return [
            {
                "id": f"https://openalex.org/keywords/{word.replace(' ', '-')}",
                "display_name": word.capitalize(),
                "score": round(self.rng.uniform(0.3, 0.9), 4),
            }
            for word in self.rng.sample(words, 2)
        ]

    def _draw_citations(self, year: int) -> tuple[list[Record], int]:
        rate = self.rng.lognormvariate(0.1, 1.25)
        counts = {
            cited: int(rate * _weigh_citation_age(cited - year) * self.rng.uniform(0.5, 1.5) + self.rng.random() * 0.9)
            for cited in range(year, LAST_YEAR + 1)
        }
        counts[LAST_YEAR] //= 2
        listed = [
            {"year": cited, "cited_by_count": counts[cited]}
            for cited in range(LAST_YEAR, max(year, LAST_YEAR - _LISTED_YEARS + 1) - 1, -1)
            if counts[cited]
        ]
        return listed, sum(counts.values())

    def _draw_updated_date(self) -> str:
        day = self.today - timedelta(days=self.rng.randint(1, 150))
        return draw_timestamp(self.rng, day)


def draw_timestamp(rng: Random, day: date) -> str:
    """Return a moment of a day as OpenAlex prints it: no zone, microseconds."""
    moment = datetime.combine(day, time()) + timedelta(microseconds=rng.randrange(1, 86_400_000_000))
    return moment.isoformat(timespec="microseconds")


def describe_topic(department: int, number: int, score: float) -> Record:
    """Return a topic of a department as a work carries it."""
    words = DEPARTMENTS[department]
    name, subfield, subfield_name = words.topics[number]
    return {
        "id": f"https://openalex.org/T9{department:02d}{number:02d}",
        "display_name": name,
        "score": score,
        "subfield": {"id": f"https://openalex.org/subfields/{subfield}", "display_name": subfield_name},
        "field": {"id": f"https://openalex.org/fields/{words.field[0]}", "display_name": words.field[1]},
        "domain": {"id": f"https://openalex.org/domains/{words.domain[0]}", "display_name": words.domain[1]},
    }


def _weigh_citation_age(age: int) -> float:
    return _CITATION_CURVE[age] if age < len(_CITATION_CURVE) else 0.4


def _rate_citations(cited_by_count: int, age: int) -> tuple[float, Record]:
    fwci = round(cited_by_count / (2.0 + 2.2 * max(age, 0)), 4)
    share = round(1 - 1 / (1 + fwci) ** 2, 6)
    return fwci, {"value": share, "is_in_top_1_percent": share >= 0.99, "is_in_top_10_percent": share >= 0.9}


def _describe_source(serial: int, name: str, kind: str) -> Record:
    issn = f"{serial:04d}-9{serial:03d}" if kind == "journal" else None
    return {
        "id": f"https://openalex.org/S99{scatter_eight(serial)}",
        "display_name": name,
        "issn_l": issn,
        "issn": [issn] if issn else None,
        "is_oa": kind == "repository",
        "is_in_doaj": False,
        "is_core": kind == "journal",
        "host_organization": None,
        "host_organization_name": None,
        "host_organization_lineage": [],
        "host_organization_lineage_names": [],
        "type": kind,
    }


_REPOSITORY = _describe_source(999, "Open Sample Archive", "repository")


def _describe_location(
    *,
    location_id: str,
    landing_page_url: str,
    pdf_url: str | None,
    source: Record,
    is_oa: bool,
    is_published: bool,
    raw_type: str,
) -> Record:
    return {
        "id": location_id,
        "is_oa": is_oa,
        "landing_page_url": landing_page_url,
        "pdf_url": pdf_url,
        "source": source,
        "license": "cc-by" if is_oa else None,
        "license_id": "https://openalex.org/licenses/cc-by" if is_oa else None,
        "version": "publishedVersion" if is_published else "submittedVersion",
        "is_accepted": is_published,
        "is_published": is_published,
        "raw_source_name": source["display_name"],
        "raw_type": raw_type,
    }

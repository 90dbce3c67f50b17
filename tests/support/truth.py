"""The academic marts by plain Python over the JSON of works: the rules once more, to hold the marts against."""

import html
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Any

Row = tuple[Any, ...]
Work = dict[str, Any]

KEPT_TYPES = {"article", "review", "preprint", "book-chapter", "book", "report"}

_WHOLE = ("table of contents", "appendix", "appendices")
_STARTS = (
    "table #", "figure #", "data for", "author correction :", "supplementary material", "list of contributors",
    "appendix :", "appendix #", "appendix to",
)  # fmt: skip
_PARTS = (
    "online appendix", "supplementary appendix", "issue cover", "this week in science", "supporting information",
)  # fmt: skip
_NO_AUTHORS = {"https://openalex.org/A9999999999", "https://openalex.org/A5317838346"}


class AcademicTruth:
    """What the marts must hold of these works and this roster, whose members' first years are not given.

    `works` are those of the roster, `eligible` those of a kept type with DOI and title; `years` are those of all works
    of each coauthor who was asked for. `loaded` is the day of the last load, after which no work should be dated.
    """

    def __init__(
        self,
        works: list[Work],
        eligible: list[Work],
        roster: set[str],
        years: dict[str, set[int]],
        loaded: date = date.max,
    ) -> None:
        self._works = works
        self._eligible = eligible
        self._roster = roster
        self._years = years
        self._loaded = loaded

    @cached_property
    def papers(self) -> dict[str, list[Work]]:
        """The kept papers of every roster author who has one: of one title the newest, most cited, smallest id."""
        by_title: dict[tuple[str, str], list[Work]] = defaultdict(list)
        for work in self._eligible:
            title = _clean(work["title"]).lower()
            if _is_front_matter(work):
                continue
            for author in list_authors(work) & self._roster:
                by_title[author, _normalise(title)].append(work)
        papers = defaultdict(list)
        for (author, _), same in by_title.items():
            newest = max((work["publication_date"], work["cited_by_count"]) for work in same)
            best = [work for work in same if (work["publication_date"], work["cited_by_count"]) == newest]
            papers[author].append(min(best, key=lambda work: work["id"]))
        return dict(papers)

    def list_papers(self) -> Iterator[Row]:
        """`fct_papers`: paper, author, year, citations, coauthors, percentile and category."""
        distinct = {work["id"]: work["cited_by_count"] for works in self.papers.values() for work in works}
        citations = sorted(distinct.values())
        for author, works in self.papers.items():
            for work in works:
                cited = work["cited_by_count"]
                percentile = 100 * citations.index(cited) / (len(citations) - 1)
                coauthors = len(list_authors(work) - {author})
                yield (
                    work["id"], author, work["publication_year"], cited, coauthors, percentile,
                    _categorise_citations(cited, percentile),
                )  # fmt: skip

    def list_set_aside(self) -> Iterator[Row]:
        """`fct_papers_set_aside`: paper, author and reason."""
        kept = {(work["id"], author) for author, works in self.papers.items() for work in works}
        for work in self._works:
            reason = _exclude(work) or ("title_pattern" if _is_front_matter(work) else "duplicate_title")
            for author in list_authors(work) & self._roster:
                if (work["id"], author) not in kept:
                    yield work["id"], author, reason

    def list_coauthorships(self) -> Iterator[Row]:
        """`fct_coauthorships` but for the names of institutions."""
        for author, works in self.papers.items():
            shared: dict[str, list[Work]] = defaultdict(list)
            for work in works:
                for coauthor in list_authors(work) - {author}:
                    shared[coauthor].append(work)
            for coauthor, both in shared.items():
                to_date = 0
                for year, together in _group_by_year(both):
                    is_new, to_date = to_date == 0, to_date + len(together)
                    age, other_age = year - self.first_years[author], year - self.first_years[coauthor]
                    yield (
                        author, coauthor, year, max(work["publication_date"] for work in together),
                        len(together), to_date, is_new,
                        self.first_years[author], age, self.first_years[coauthor], other_age, age - other_age,
                        _categorise_age(age - other_age),
                        self.institutions.get((author, year)), self.institutions.get((coauthor, year)),
                        coauthor in self._roster, all(len(work["authorships"]) > 25 for work in together),
                    )  # fmt: skip

    def list_coauthorship_papers(self) -> Iterator[Row]:
        """`bridge_coauthorship_papers`: roster author, coauthor, paper and year."""
        for author, works in self.papers.items():
            for work in works:
                for coauthor in list_authors(work) - {author}:
                    yield author, coauthor, work["id"], work["publication_year"]

    def list_author_years(self) -> Iterator[Row]:
        """`fct_author_years` but for the names of institutions."""
        coauthorships: dict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in self.list_coauthorships():
            coauthorships[row[0], row[2]].append(row)
        for author, works in self.papers.items():
            career = {work["publication_year"] for work in works}
            if present := [work["publication_year"] for work in works if not self._is_future_dated(work)]:
                career |= set(range(min(present), max(present) + 1))
            for year in career:
                own = [work for work in works if work["publication_year"] == year]
                coauthors = coauthorships[author, year]
                new = sum(row[6] for row in coauthors)
                ages = Counter(row[12] for row in coauthors)
                weights: Counter[str] = Counter()
                for row in coauthors:
                    weights[row[12]] += row[4]
                home = self.institutions.get((author, year))
                so_far = [work["cited_by_count"] for work in works if work["publication_year"] <= year]
                yield (
                    author, year, year - self.first_years[author],
                    len(own), sum(work["cited_by_count"] for work in own),
                    len(coauthors), new, len(coauthors) - new,
                    ages["younger"], ages["same"], ages["older"],
                    ages["younger"] / len(coauthors) if coauthors else None,
                    len({row[14] for row in coauthors} - {None}),
                    sum(len(list_authors(work)) - 1 for work in own) / len(own) if own else None,
                    find_h_index(so_far),
                    weights["younger"], weights["same"], weights["older"],
                    home, sum(home is not None and row[14] == home for row in coauthors),
                )  # fmt: skip

    def list_authors(self) -> Iterator[Row]:
        """`dim_authors`: id, on the roster, years and source of the first, works, kept papers, citations, h-index.

        Then citations and h-index of the kept papers.
        """
        kept = {work["id"]: work for works in self.papers.values() for work in works}
        shared: dict[str, list[Work]] = defaultdict(list)
        for work in kept.values():
            for author in list_authors(work):
                shared[author].append(work)
        for author in self.authors_works.keys() | self._roster:
            works = self.authors_works[author]
            seen = {work["publication_year"] for work in works if not self._is_future_dated(work)}
            seen = seen or {work["publication_year"] for work in works}
            first, last = self.first_years[author], max(seen | self._years.get(author, set()))
            source = "cache" if first in self._years.get(author, set()) else "seen"
            citations = [work["cited_by_count"] for work in works]
            papers = self.papers.get(author, []) if author in self._roster else shared[author]
            paper_citations = [work["cited_by_count"] for work in papers]
            yield (
                author, author in self._roster, first, last, "roster" if author in self._roster else source,
                len(works), len(papers), sum(citations), find_h_index(citations),
                sum(paper_citations), find_h_index(paper_citations),
            )  # fmt: skip

    def find_newest_institutions(self) -> dict[str, str]:
        """The institution that every author lists first on the newest work that has one, if any has."""
        newest: dict[str, tuple[tuple[bool, int, str], str]] = {}
        for work in self._works:
            day = date.fromisoformat(work["publication_date"])
            rank = (self._is_future_dated(work), -day.toordinal(), work["id"])
            for author, institution in _list_first_institutions(work).items():
                if author not in newest or rank < newest[author][0]:
                    newest[author] = (rank, institution)
        return {author: institution for author, (_, institution) in newest.items()}

    @cached_property
    def authors_works(self) -> dict[str, list[Work]]:
        """Every author's works of the roster's works, whatever the rules leave out."""
        found: dict[str, list[Work]] = defaultdict(list)
        for work in self._works:
            for author in list_authors(work):
                found[author].append(work)
        return found

    @cached_property
    def first_years(self) -> dict[str, int]:
        """The year of every author's earliest work, of those that are seen and those that OpenAlex told of."""
        seen = {author: {work["publication_year"] for work in works} for author, works in self.authors_works.items()}
        return {author: min(years | self._years.get(author, set())) for author, years in seen.items()}

    @cached_property
    def institutions(self) -> dict[tuple[str, int], str]:
        """The institution of every author and year: most often listed first, then the smaller id."""
        listed: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
        for work in self._works:
            for author, institution in _list_first_institutions(work).items():
                listed[author, work["publication_year"]][institution] += 1
        return {key: min(counts, key=lambda one: (-counts[one], one)) for key, counts in listed.items()}

    def _is_future_dated(self, work: Work) -> bool:
        return date.fromisoformat(work["publication_date"]) > self._loaded


def list_authors(work: Work) -> set[str]:
    """The distinct authors of a work, without those that stand for nobody."""
    return {authorship["author"]["id"] for authorship in work["authorships"]} - _NO_AUTHORS


def _list_first_institutions(work: Work) -> dict[str, str]:
    """By author, for those who list any."""
    first: dict[str, str] = {}
    for authorship in work["authorships"]:
        if authorship["institutions"] and authorship["author"]["id"] not in _NO_AUTHORS:
            first.setdefault(authorship["author"]["id"], authorship["institutions"][0]["id"])
    return first


def _exclude(work: Work) -> str | None:
    if not work["doi"]:
        return "no_doi"
    if not _clean(work["title"] or ""):
        return "no_title"
    if work["type"] not in KEPT_TYPES:
        return "work_type_not_kept"
    return None if work["publication_year"] and work["publication_date"] else "no_publication_date"


def _is_front_matter(work: Work) -> bool:
    """By its title: whole words, of which a number, a Roman one or a single letter is `#`."""
    words = re.findall(r"[^\W_]+|:", unicodedata.normalize("NFC", _clean(work["title"])))
    counted = re.compile(r"[A-Za-z]?[0-9]+[A-Za-z]?|[IVX]+|[A-Z]")
    title = " ".join("#" if counted.fullmatch(word) else word.lower() for word in words) + " "
    if title.strip() in _WHOLE or title.startswith(tuple(f"{start} " for start in _STARTS)):
        return True
    return any(f" {part} " in f" {title}" for part in _PARTS)


def find_h_index(citations: Iterable[int]) -> int:
    """The largest h such that h of the papers have at least h citations each."""
    ranked = sorted(citations, reverse=True)
    return max((rank for rank, cited in enumerate(ranked, start=1) if cited >= rank), default=0)


def _group_by_year(works: list[Work]) -> Iterator[tuple[int, list[Work]]]:
    for year, group in groupby(sorted(works, key=_get_year), key=_get_year):
        yield year, list(group)


def _get_year(work: Work) -> int:
    return int(work["publication_year"])


def _categorise_age(difference: int) -> str:
    return "younger" if difference > 7 else "older" if difference < -7 else "same"


def _categorise_citations(cited: int, percentile: float) -> str:
    if cited == 0:
        return "uncited"
    for bound, name in ((50, "low_impact"), (80, "medium_impact"), (95, "high_impact")):
        if percentile <= bound:
            return name
    return "very_high_impact"


def _clean(title: str) -> str:
    return " ".join(re.sub(r"</?[a-zA-Z][^<>]*>", "", html.unescape(html.unescape(title))).split())


def _normalise(title: str) -> str:
    composed = unicodedata.normalize("NFC", title)
    letters = "".join(char if unicodedata.category(char)[0] in "LMN" else " " for char in composed)
    return " ".join(letters.split()) or title

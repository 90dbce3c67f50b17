"""What a stand-in Semantic Scholar knows of a catalogue's works."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from loader.samples.openalex.catalogue import Catalogue, Record

_MODEL = "tldr@v2.0.0"
# OpenAlex's fields by the names that Semantic Scholar has for them, where it has others.
_FIELD_NAMES = {
    "Agricultural and Biological Sciences": "Biology",
    "Arts and Humanities": "Art",
    "Biochemistry, Genetics and Molecular Biology": "Biology",
    "Business, Management and Accounting": "Business",
    "Chemical Engineering": "Chemistry",
    "Earth and Planetary Sciences": "Geology",
    "Economics, Econometrics and Finance": "Economics",
    "Immunology and Microbiology": "Medicine",
    "Neuroscience": "Medicine",
    "Physics and Astronomy": "Physics",
    "Social Sciences": "Sociology",
}


def describe_papers(catalogue: Catalogue) -> dict[str, Record]:
    """The papers by the DOIs, in lower case, that lead to them; the same catalogue gives the same papers.

    About one DOI in twelve leads to none. A preprint and the article it became are one paper with two DOIs.
    """
    papers: dict[str, Record] = {}
    by_title: dict[tuple[str, str], Record] = {}
    for work in catalogue.works:
        doi = (work["doi"] or "").removeprefix("https://doi.org/").lower()
        if not doi or _draw(doi, 12) == 0:
            continue
        first_author = work["authorships"][0]["author"]["id"] if work["authorships"] else work["id"]
        letters = "".join(filter(str.isalnum, work["title"] or "")).lower()
        papers[doi] = by_title.setdefault((letters, first_author), _describe_paper(doi, work))
    return papers


def _draw(doi: str, sides: int, salt: str = "") -> int:
    """A die with so many sides, thrown by the DOI."""
    return int(hashlib.sha256(f"{salt}{doi}".encode()).hexdigest(), 16) % sides


def _describe_paper(doi: str, work: Record) -> Record:
    paper_id = hashlib.sha1(doi.encode()).hexdigest()
    names = [topic["field"]["display_name"] for topic in work["topics"] or []]
    fields = list(dict.fromkeys(_FIELD_NAMES.get(name, name) for name in names))
    from_publisher = fields[:1] if _draw(doi, 3, "fields") else []
    abstract = _rebuild_abstract(work["abstract_inverted_index"]) or _write_abstract(doi, work["title"])
    open_url = work["open_access"]["oa_url"]
    return {
        "paperId": paper_id,
        "externalIds": {"DOI": doi.upper() if _draw(doi, 2, "case") else doi, "CorpusId": int(paper_id[:7], 16)},
        "title": work["title"],
        "abstract": abstract,
        "citationCount": work["cited_by_count"],
        "influentialCitationCount": work["cited_by_count"] // (8 + _draw(doi, 9, "citations")),
        "openAccessPdf": {"url": open_url, "status": (work["open_access"]["oa_status"] or "").upper()}
        if open_url
        else None,
        "fieldsOfStudy": from_publisher or None,
        "s2FieldsOfStudy": [
            *({"category": name, "source": "external"} for name in from_publisher),
            *({"category": name, "source": "s2-fos-model"} for name in fields),
        ],
        "tldr": _describe_tldr(doi, abstract),
    }


def _write_abstract(doi: str, title: str | None) -> str | None:
    """Semantic Scholar's own, for half of the works of which OpenAlex has none."""
    return f"We report on {title}. Methods and data are described." if title and _draw(doi, 2, "abstract") else None


def _describe_tldr(doi: str, abstract: str | None) -> Record | None:
    if not abstract or _draw(doi, 3, "tldr") == 0:
        return None
    return {"model": _MODEL, "text": abstract.split(". ")[0].rstrip(".") + "."}


def _rebuild_abstract(index: Mapping[str, list[int]] | None) -> str | None:
    if not index:
        return None
    return " ".join(word for _, word in sorted((place, word) for word, places in index.items() for place in places))

"""What a run of OpenAlex may be narrowed to."""

from contextlib import suppress

from loader.sources.contract import Option
from loader.sources.openalex.roster import normalise_author_id, normalise_orcid


def _parse_author(text: str) -> str:
    for normalise in (normalise_author_id, normalise_orcid):
        with suppress(ValueError):
            return normalise(text)
    raise ValueError("it must be an OpenAlex author id, such as A5023888391, or an ORCID, such as 0000-0002-1825-0097")


AUTHOR = Option(
    "author",
    "ID",
    "Bring only the works of this author of the roster up to date (A5023888391, or an ORCID)",
    _parse_author,
)

"""What a run of OpenAlex may be narrowed to."""

from loader.sources.contract import Option
from loader.sources.openalex.roster import normalise_author_id


def _parse_author(text: str) -> str:
    try:
        return normalise_author_id(text)
    except ValueError:
        raise ValueError("it must be an OpenAlex author id, such as A5023888391") from None


AUTHOR = Option(
    "author", "ID", "Bring only the works of this author of the roster up to date (A5023888391)", _parse_author
)

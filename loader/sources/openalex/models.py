"""OpenAlex's records: what staging needs of them, and nothing else.

Source: OpenAlex's entity documentation; records of 2023 to 2026 were checked against these models.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Required

import msgspec
from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from loader.raw.record import Record

# DuckDB and Python each read many spellings of a time, not the same ones; both read these alike.
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?"
_DATE_OR_TIMESTAMP = re.compile(f"{_DATE.pattern}({_TIME})?")


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _spelled(spelling: re.Pattern[str], example: str, read: Callable[[str], date]) -> BeforeValidator:
    """Reads a text of this spelling, and no other, by `read`."""

    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not spelling.fullmatch(value):
            raise PydanticCustomError("spelling", "Input should be spelled like {example}", {"example": example})
        try:
            return read(value)
        except (ValueError, OverflowError) as error:
            raise PydanticCustomError("no_such_time", "There is no such time: {error}", {"error": str(error)}) from None

    return BeforeValidator(convert)


def read_utc(text: str) -> datetime:
    """OpenAlex gives times without a zone and means UTC."""
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


AuthorId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/A[0-9]{1,20}$")]
InstitutionId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/I[0-9]{1,20}$")]
TopicId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/T[0-9]{1,20}$")]
WorkId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/W[0-9]{1,20}$")]
Year = Annotated[int, Field(ge=0, le=9999)]
# What staging's INTEGER and BIGINT hold; a number that JSON allows is a double, or is refused before.
Integer = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
BigInteger = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]
# Citations are added up over works, and the sum is a BIGINT.
CitationCount = Annotated[int, Field(ge=0, le=2**31 - 1)]
Date = Annotated[date, _spelled(_DATE, "2026-01-31", date.fromisoformat)]
DateOrTimestamp = Annotated[
    datetime, _spelled(_DATE_OR_TIMESTAMP, "2026-01-31T23:59:59.123456 or 2026-01-31", read_utc)
]


# The pieces of a record are typed dicts, each field optional: pydantic checks them a third faster than models.
class _Named(TypedDict, total=False):
    id: str | None
    display_name: str | None


class _Person(TypedDict, total=False):
    id: AuthorId | None
    display_name: str | None
    orcid: str | None


class _Affiliation(TypedDict, total=False):
    id: InstitutionId | None
    display_name: str | None
    ror: str | None
    country_code: str | None
    type: str | None


class _Authorship(TypedDict, total=False):
    author_position: str | None
    author: Required[_Person]
    institutions: list[_Affiliation] | None
    is_corresponding: bool | None


class _Source(TypedDict, total=False):
    display_name: str | None
    type: str | None


class _Location(TypedDict, total=False):
    landing_page_url: str | None
    pdf_url: str | None
    license: str | None
    source: _Source | None


class _OpenAccess(TypedDict, total=False):
    is_oa: bool | None
    oa_status: str | None
    oa_url: str | None


class _Percentile(TypedDict, total=False):
    value: float | None


class _Biblio(TypedDict, total=False):
    volume: str | None
    issue: str | None
    first_page: str | None
    last_page: str | None


class _WorkTopic(TypedDict, total=False):
    id: Required[TopicId]
    display_name: str | None
    score: float | None
    subfield: _Named | None
    field: _Named | None
    domain: _Named | None


class _YearCount(TypedDict, total=False):
    year: Required[Year]
    cited_by_count: CitationCount


class _Entity(Record):
    """What all OpenAlex entities share."""

    updated_date: DateOrTimestamp | None = None

    @property
    def changed_at(self) -> datetime | None:
        """In UTC."""
        return self.updated_date


class Work(_Entity):
    """A paper, book, data set or anything else that is cited."""

    has_summary = True

    id: WorkId
    doi: str | None = None
    title: str | None = None
    type: str | None = None
    language: str | None = None
    publication_year: Year | None = None
    publication_date: Date | None = None
    created_date: DateOrTimestamp | None = None
    authorships: list[_Authorship] | None = None
    cited_by_count: CitationCount = 0
    fwci: float | None = None
    citation_normalized_percentile: _Percentile | None = None
    countries_distinct_count: Integer | None = None
    institutions_distinct_count: Integer | None = None
    locations_count: Integer | None = None
    referenced_works_count: Integer | None = None
    open_access: _OpenAccess | None = None
    has_fulltext: bool | None = None
    fulltext_origin: str | None = None
    is_retracted: bool | None = None
    is_authors_truncated: bool | None = None
    primary_location: _Location | None = None
    biblio: _Biblio | None = None
    primary_topic: _WorkTopic | None = None
    topics: list[_WorkTopic] | None = None
    counts_by_year: list[_YearCount] | None = None
    abstract_inverted_index: dict[str, list[Integer]] | None = None

    @property
    def summary(self) -> bytes:
        """What HeldWork reads (loader/sources/openalex/known.py)."""
        authorships = [
            {"author": _select_id(each["author"]), "institutions": _select_ids(each.get("institutions"))}
            for each in self.authorships or ()
        ]
        return msgspec.json.encode(
            {
                "id": self.id,
                "doi": self.doi,
                "type": self.type,
                "publication_year": self.publication_year,
                "authorships": authorships,
                "topics": _select_ids(self.topics),
            }
        )


def _select_id(named: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": named.get("id")}


def _select_ids(named: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    return [_select_id(each) for each in named or ()]


class _SummaryStats(TypedDict, total=False):
    h_index: Integer | None


class Author(_Entity):
    """A person as OpenAlex tells people apart."""

    id: AuthorId
    display_name: str | None = None
    orcid: str | None = None
    works_count: BigInteger | None = None
    cited_by_count: BigInteger | None = None
    summary_stats: _SummaryStats | None = None
    last_known_institutions: list[_Affiliation] | None = None


class _Geo(TypedDict, total=False):
    city: str | None
    country: str | None
    latitude: float | None
    longitude: float | None


class Institution(_Entity):
    """A university, company or other place that people work at."""

    id: InstitutionId
    display_name: str | None = None
    ror: str | None = None
    country_code: str | None = None
    type: str | None = None
    homepage_url: str | None = None
    geo: _Geo | None = None


class Topic(_Entity):
    """One of about 4,500 subjects, each within a subfield, a field and a domain."""

    id: TopicId
    display_name: str | None = None
    description: str | None = None
    subfield: _Named | None = None
    field: _Named | None = None
    domain: _Named | None = None

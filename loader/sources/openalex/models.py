"""OpenAlex's records: what staging needs of them, and nothing else.

Source: OpenAlex's entity documentation; records of 2023 to 2026 were held against these models.
"""

from datetime import UTC, date, datetime
from typing import Annotated, Required

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from loader.documents import Record

AuthorId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/A\d+$")]
InstitutionId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/I\d+$")]
TopicId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/T\d+$")]
WorkId = Annotated[str, StringConstraints(pattern=r"^https://openalex\.org/W\d+$")]
Year = Annotated[int, Field(ge=0, le=9999)]


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


class _Location(TypedDict, total=False):
    landing_page_url: str | None
    pdf_url: str | None
    license: str | None
    source: _Named | None


class _OpenAccess(TypedDict, total=False):
    is_oa: bool | None
    oa_status: str | None
    oa_url: str | None


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
    cited_by_count: int


class _Entity(Record):
    """What all OpenAlex entities share."""

    updated_date: datetime | None = None

    @property
    def changed_at(self) -> datetime | None:
        """OpenAlex gives times without a zone and means UTC."""
        if self.updated_date is None or self.updated_date.tzinfo:
            return self.updated_date
        return self.updated_date.replace(tzinfo=UTC)


class Work(_Entity):
    """A paper, book, data set or anything else that is cited."""

    id: WorkId
    doi: str | None = None
    title: str | None = None
    type: str | None = None
    language: str | None = None
    publication_year: Year | None = None
    publication_date: date | None = None
    created_date: datetime | date | None = None
    authorships: list[_Authorship] | None = None
    cited_by_count: int = 0
    fwci: float | None = None
    countries_distinct_count: int | None = None
    institutions_distinct_count: int | None = None
    locations_count: int | None = None
    referenced_works_count: int | None = None
    open_access: _OpenAccess | None = None
    has_fulltext: bool | None = None
    fulltext_origin: str | None = None
    is_retracted: bool | None = None
    primary_location: _Location | None = None
    biblio: _Biblio | None = None
    primary_topic: _WorkTopic | None = None
    topics: list[_WorkTopic] | None = None
    counts_by_year: list[_YearCount] | None = None
    abstract_inverted_index: dict[str, list[int]] | None = None

    @property
    def key(self) -> str:
        """The work's OpenAlex id."""
        return self.id


class _SummaryStats(TypedDict, total=False):
    h_index: int | None


class Author(_Entity):
    """A person as OpenAlex tells people apart."""

    id: AuthorId
    display_name: str | None = None
    orcid: str | None = None
    works_count: int | None = None
    cited_by_count: int | None = None
    summary_stats: _SummaryStats | None = None
    last_known_institutions: list[_Affiliation] | None = None

    @property
    def key(self) -> str:
        """The author's OpenAlex id."""
        return self.id


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

    @property
    def key(self) -> str:
        """The institution's OpenAlex id."""
        return self.id


class Topic(_Entity):
    """One of about 4,500 subjects, each within a subfield, a field and a domain."""

    id: TopicId
    display_name: str | None = None
    description: str | None = None
    subfield: _Named | None = None
    field: _Named | None = None
    domain: _Named | None = None

    @property
    def key(self) -> str:
        """The topic's OpenAlex id."""
        return self.id


class RosterMember(Record):
    """A researcher whom the user follows, as the roster file says, with the OpenAlex id found for them."""

    author_id: AuthorId
    orcid: str | None = None
    display_name: str | None = None
    department: str | None = None
    college: str | None = None
    position: str | None = None
    first_publication_year: Year | None = None
    group_url: str | None = None
    has_research_group: bool | None = None
    is_member: bool

    @property
    def key(self) -> str:
        """The author's OpenAlex id."""
        return self.author_id

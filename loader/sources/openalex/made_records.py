"""The records that the loader itself makes: who is on the roster, and when coauthors published."""

from datetime import datetime
from typing import Annotated, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict

from loader.raw.record import Record
from loader.sources.openalex.models import AuthorId, Date, DateOrTimestamp, Year


class _Membership(TypedDict, total=False):
    department: str | None
    college: str | None
    position: str | None
    member_from: Date | None
    member_until: Date | None


class RosterMember(Record):
    """A researcher that the user follows, as the roster file says, with the OpenAlex id found for them.

    Earlier versions wrote one department, college and position instead of the list of memberships.
    """

    key_field = "author_id"

    author_id: AuthorId
    orcid: str | None = None
    display_name: str | None = None
    memberships: list[_Membership] | None = None
    department: str | None = None
    college: str | None = None
    position: str | None = None
    first_publication_year: Year | None = None
    group_url: str | None = None
    has_research_group: bool | None = None
    group_size: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    is_professor: bool | None = None
    is_member: bool


# As raw holds it: who is on the roster today.
MEMBERS = "select id from {raw}.roster where cast(document ->> '$.is_member' as boolean)"


class _YearGroup(TypedDict, total=False):
    key: Required[str]
    # A year without a work would be a false first year.
    count: Required[Annotated[int, Field(ge=1, le=2**63 - 1)]]


class _YearGroups(TypedDict, total=False):
    # A page holds 200 groups, and a full one may not be all.
    group_by: Required[Annotated[list[_YearGroup], Field(max_length=199)]]


class CoauthorYears(Record):
    """OpenAlex's last answer about how many works of each year a coauthor has, in a record that the loader makes."""

    id: AuthorId
    asked_at: DateOrTimestamp
    status: Literal["found", "not_found"]
    answer: _YearGroups

    @property
    def changed_at(self) -> datetime:
        """When it was requested (UTC)."""
        return self.asked_at

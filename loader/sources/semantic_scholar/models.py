"""Semantic Scholar's papers: what staging needs of them; and what became of each requested DOI.

Source: the documentation of its Graph API; recorded records of 2025 were checked against these models.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
import orjson
from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from loader.raw.record import Record

PaperId = Annotated[str, StringConstraints(min_length=1, max_length=100)]
CitationCount = Annotated[int, Field(ge=0, le=2**31 - 1)]
Timestamp = Annotated[datetime, BeforeValidator(datetime.fromisoformat)]


class _FieldOfStudy(TypedDict, total=False):
    category: str | None
    source: str | None


class _Tldr(TypedDict, total=False):
    model: str | None
    text: str | None


class Paper(Record):
    """A paper as Semantic Scholar tells papers apart: a preprint and its article are often one."""

    model_config = ConfigDict(alias_generator=to_camel)
    key_field = "paper_id"

    paper_id: PaperId
    title: str | None = None
    abstract: str | None = None
    fields_of_study: list[str] | None = None
    s2_fields_of_study: list[_FieldOfStudy] | None = None
    tldr: _Tldr | None = None
    citation_count: CitationCount | None = None
    influential_citation_count: CitationCount | None = None


class Lookup(Record):
    """The last answer to a DOI. The loader makes the record: an answer belongs to its DOI by position only."""

    key_field = "doi"

    # In lower case and without an address.
    doi: str
    status: Literal["found", "not_found"]
    paper_id: str | None
    asked_at: Timestamp

    @property
    def changed_at(self) -> datetime:
        """When it was requested (UTC)."""
        return self.asked_at.astimezone(UTC)


class _Identified(msgspec.Struct):
    paper_id: str = msgspec.field(name="paperId")


def describe_lookup(doi: str, record: bytes | None, asked_at: datetime) -> bytes | None:
    """The lookup's record, as JSON; None for an answer without a readable paper id, which counts as no answer."""
    paper_id = None
    if record is not None:
        try:
            paper_id = msgspec.json.decode(record, type=_Identified).paper_id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
    status = "not_found" if record is None else "found"
    return orjson.dumps({"doi": doi, "status": status, "paper_id": paper_id, "asked_at": asked_at.isoformat()})

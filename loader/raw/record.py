"""One record as a source sent it: how its model reads it, and what is wrong with one that fails."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar, Self

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from loader.fetch.json_text import parse_strict

_MAX_REASONS = 3


class Record(BaseModel):
    """What every record has: a key and, if its source tells, the time of its last change.

    A model names what staging needs, checks its types strictly and ignores everything else. `key_field` is the field
    that is the primary key in raw.
    """

    model_config = ConfigDict(strict=True, extra="ignore")
    key_field: ClassVar[str] = "id"

    @classmethod
    def read(cls, record: bytes) -> Self:
        """Raises ValueError if the record is not strict JSON or fails the model; describe_fault says why."""
        return cls.model_validate(parse_strict(record))

    @property
    def key(self) -> str:
        """The primary key in raw."""
        return str(getattr(self, self.key_field))

    @classmethod
    def read_key(cls, record: bytes) -> str | None:
        """The key of a record that may be invalid, if it can be read at all."""
        return read_id(record, cls.model_fields[cls.key_field].alias or cls.key_field)

    @property
    def changed_at(self) -> datetime | None:
        """When the source says that the record last changed."""
        return None


def describe_fault(error: ValueError) -> str:
    """The first faults of a record, each with its place: `authorships[2].author.id: …`."""
    if not isinstance(error, ValidationError):
        return f"record: {error}"
    return "; ".join(
        f"{_describe_place(detail['loc']) or 'record'}: {detail['msg']}"
        for detail in error.errors(include_url=False, include_context=False, include_input=False)[:_MAX_REASONS]
    )


def _describe_place(location: Sequence[int | str]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def read_id(record: bytes, field: str = "id") -> str | None:
    """The id in this field of a record, if it can be read at all, also of a rejected record."""
    decoder, beginning = _prepare_to_read(field)
    try:
        value = decoder.decode(record).value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # A record that is not JSON as a whole may still begin with its id.
        found = beginning.match(record)
        return found.group(1).decode() if found else None
    return None if value is None else str(value)


@cache
def _prepare_to_read(field: str) -> tuple[msgspec.json.Decoder[Any], re.Pattern[bytes]]:
    struct = msgspec.defstruct("_Identified", [("value", Any, msgspec.field(name=field))])
    return msgspec.json.Decoder(struct), re.compile(rb'\s*\{\s*"%b"\s*:\s*"([!#-\[\]-~]+)"' % field.encode())

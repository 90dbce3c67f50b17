"""One record as a source sent it: how its model reads it, and what is wrong with one that fails."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Self

from pydantic import AliasPath, BaseModel, ConfigDict, ValidationError

from loader.fetch.json_text import parse_strict
from loader.fetch.records import read_id

_MAX_REASONS = 3


class Record(BaseModel):
    """What every record has: a key and, if its source tells, the time of its last change.

    A model names what staging needs, checks its types strictly and ignores everything else. `key_field` is the field
    that is the primary key in raw. With `has_summary`, raw keeps a summary beside each document.
    """

    model_config = ConfigDict(strict=True, extra="ignore")
    key_field: ClassVar[str] = "id"
    has_summary: ClassVar[bool] = False

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
        alias = cls.model_fields[cls.key_field].validation_alias
        if isinstance(alias, AliasPath):
            return read_id(record, ".".join(map(str, alias.path)))
        return read_id(record, str(alias or cls.key_field))

    @property
    def changed_at(self) -> datetime | None:
        """When the source says that the record last changed."""
        return None

    @property
    def summary(self) -> bytes | None:
        """A short JSON of what later runs read of the record: the document's own form, with fewer fields."""
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

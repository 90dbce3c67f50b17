"""The institutions and topics that the works in raw name."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from loader.raw.warehouse import RawSchema


class Named(msgspec.Struct):
    """What a work names."""

    id: str | None = None


class _Authorship(msgspec.Struct):
    institutions: list[Named] | None = None


class _Work(msgspec.Struct):
    authorships: list[_Authorship] | None = None
    topics: list[Named] | None = None


class NamingAuthorship(Protocol):
    """An authorship with its institutions."""

    institutions: list[Named] | None


class NamingWork(Protocol):
    """A work with what it names."""

    @property
    def authorships(self) -> Sequence[NamingAuthorship] | None:
        """With their institutions."""

    topics: list[Named] | None


class Mentioned(NamedTuple):
    """OpenAlex ids, sorted."""

    institutions: list[str]
    topics: list[str]


class Mentions:
    """What works name. `last_load_id` is the newest load among those that were read; None if there is none."""

    def __init__(self, last_load_id: str | None = None) -> None:
        self.last_load_id = last_load_id
        self._institutions: set[str] = set()
        self._topics: set[str] = set()

    def add(self, work: NamingWork) -> None:
        """Notes what a work names."""
        self._topics.update([topic.id for topic in work.topics or [] if topic.id])
        for authorship in work.authorships or []:
            self._institutions.update([each.id for each in authorship.institutions or [] if each.id])

    def list(self) -> Mentioned:
        """What is noted so far."""
        return Mentioned(sorted(self._institutions), sorted(self._topics))


def read_mentioned(raw: RawSchema, read_before: Mentions | None = None) -> Mentioned:
    """Reads all works, or those that were loaded after the ones that were `read_before`."""
    mentions = read_before or Mentions()
    for work in raw.read_summaries("works", msgspec.json.Decoder(_Work), loaded_after=mentions.last_load_id):
        mentions.add(work)
    return mentions.list()

"""What raw holds of the roster's works, read once in a run, and how a listed work is compared with it."""

from collections.abc import Iterable, Iterator, Sequence, Set
from datetime import timedelta

import msgspec

from loader.raw.warehouse import RawSchema
from loader.sources.openalex.made_records import MEMBERS
from loader.sources.openalex.mentioned import Mentions, Named
from loader.sources.openalex.models import EPOCH, read_utc

_CHANGED_AT = "select id, epoch_us(updated_at) from {raw}.works"
_MICROSECOND = timedelta(microseconds=1)


class WorkHead(msgspec.Struct):
    """The part of a work that syncing needs; `changed_at` is in microseconds since 1970."""

    id: str
    updated_date: str | None = None
    authorships: "list[_Authorship] | None" = None
    is_authors_truncated: bool | None = None

    @property
    def changed_at(self) -> int | None:
        """None if the record has no readable time of change."""
        try:
            return (read_utc(self.updated_date) - EPOCH) // _MICROSECOND if self.updated_date else None
        except (ValueError, OverflowError):
            return None

    @property
    def author_ids(self) -> set[str]:
        """The authors that the record names."""
        return {authorship.author.id for authorship in self.authorships or [] if authorship.author.id}


class _Person(msgspec.Struct):
    id: str | None = None


class _Authorship(msgspec.Struct):
    author: _Person


class _HeldAuthorship(_Authorship):
    institutions: list[Named] | None = None


class HeldWork(WorkHead):
    """What a run reads of a work in raw: no more than its summary has (Work.summary)."""

    doi: str | None = None
    type: str | None = None
    publication_year: int | None = None
    authorships: list[_HeldAuthorship] | None = None  # type: ignore[assignment]
    topics: list[Named] | None = None


_DECODER = msgspec.json.Decoder(WorkHead)
_HELD_DECODER = msgspec.json.Decoder(HeldWork)


def read_head(record: bytes) -> WorkHead | None:
    """None if it cannot be read. Whether the record is valid is checked when it comes to raw."""
    try:
        return _DECODER.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def read_members(raw: RawSchema) -> set[str]:
    """The author ids of today's roster, as raw holds it."""
    return set(raw.query_keys(MEMBERS)) if raw.has_table("roster") else set()


def list_works_of(author_ids: Set[str], raw: RawSchema) -> Iterator[HeldWork]:
    """The works in raw that name one of these authors."""
    if raw.has_table("works"):
        for work in raw.read_summaries("works", _HELD_DECODER):
            if not work.author_ids.isdisjoint(author_ids):
                yield work


class KnownWorks:
    """The works in raw: when each last changed, and which of these authors they name.

    `mentions` is what else they name: works are read once for both.
    """

    def __init__(self, raw: RawSchema, author_ids: Sequence[str]) -> None:
        self._changed_at: dict[str, int | None] = {}
        self._works: dict[str, set[str]] = {author_id: set() for author_id in author_ids}
        self._authors: dict[str, set[str]] = {}
        self.mentions = Mentions()
        if not raw.has_table("works"):
            return
        self._changed_at.update(raw.query(_CHANGED_AT))
        ((last_load_id,),) = raw.query("select max(_dlt_load_id) from {raw}.works")
        self.mentions = Mentions(last_load_id)
        for work in raw.read_summaries("works", _HELD_DECODER):
            self._name_authors(work)
            self.mentions.add(work)

    def has(self, work_id: str, changed_at: int | None) -> bool:
        """Whether raw holds the work as it was when it last changed."""
        return changed_at is not None and self._changed_at.get(work_id) == changed_at

    def list_works(self, author_ids: Iterable[str]) -> set[str]:
        """The works that name one of these authors."""
        return set().union(*(self._works[author_id] for author_id in author_ids))

    def count_works(self, author_id: str, among: set[str]) -> int:
        """How many of these works name the author."""
        return len(self._works[author_id] & among)

    def find_newest_change(self, work_ids: Iterable[str]) -> int | None:
        """When the last of these works changed, in microseconds since 1970."""
        return max((at for work_id in work_ids if (at := self._changed_at.get(work_id)) is not None), default=None)

    def is_of_roster(self, head: WorkHead) -> bool:
        """Whether the record names one of the authors, or raw holds a version of it."""
        return head.id in self._changed_at or not head.author_ids.isdisjoint(self._works)

    def list_authors(self, work_id: str) -> set[str]:
        """Which of the authors the work names; none if the work is unknown."""
        return self._authors.get(work_id, set())

    def remember(self, head: WorkHead) -> set[str]:
        """Notes a record that goes to raw; returns the authors that it or the previous version names."""
        self._changed_at[head.id] = head.changed_at
        named_before = self.list_authors(head.id)
        for author_id in named_before:
            self._works[author_id].discard(head.id)
        self._name_authors(head)
        return named_before | self.list_authors(head.id)

    def _name_authors(self, head: WorkHead) -> None:
        self._authors[head.id] = head.author_ids & self._works.keys()
        for author_id in self._authors[head.id]:
            self._works[author_id].add(head.id)

"""Reads a list page by page until it is complete, also if the server returns wrong pages."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from loader.base.errors import HeadwaterError
from loader.fetch.paging import CursorRefusedError, Header, PageFacts, Paging, Place, SinglePage, Step, is_about
from loader.fetch.records import Cut, CutDecoder, Format, Json, read_id
from loader.fetch.refusals import RefusedError
from loader.fetch.session import Answer, HttpSession
from loader.fetch.transport import resolve_link

MAX_READINGS = 3
MAX_EMPTY_PAGES = 3
# A list may exceed twice its total by this much, for records that are added while it is read.
_MAX_EXCESS = 100
# What servers answer to a cursor that has expired, unless the source explains it better.
_EXPIRED_STATUSES = frozenset({400, 404, 410, 422})


@dataclass(frozen=True)
class Page:
    """Some records as the source sent them, and how many it says there are in all.

    The source named `unchanged_count` more without sending them: raw holds their current version. `left_count` records
    of raw have left the source, or are no longer followed: they are marked, and stay.
    """

    records: Sequence[bytes]
    expected: int | None = None
    unchanged_count: int = 0
    left_count: int = 0


@dataclass(frozen=True)
class _List:
    """A list as it is requested."""

    session: HttpSession
    path: str
    params: Mapping[str, str]
    decoder: CutDecoder
    paging: Paging
    total: Place | None
    key: str | None
    before_request: Callable[[], None]

    def read_key(self, record: bytes) -> str | bytes:
        """What tells a record apart: its key, or all of it if it has none that can be read."""
        return (self.key and read_id(record, self.key)) or hashlib.sha256(record).digest()


def read_pages(
    session: HttpSession,
    path: str,
    params: Mapping[str, str] | None = None,
    *,
    records: str | Format,
    paging: Paging | None = None,
    total: Place | None = None,
    key: str | None = "id",
    name: str | None = None,
    before_request: Callable[[], None] = lambda: None,
) -> Iterator[Page]:
    """The pages of a list; it is read again from its start, twice at most, if a reading went wrong.

    `params` go with every request, the size of a page among them. `records` is the path to the records in a JSON
    answer (`results`, `data.children`, "" for an answer that is a list), or another format. `paging` leads from page to
    page; without it the list comes in one answer. `total` says where an answer counts the records of the whole list:
    without it nobody can notice that a list ended early. `key` is the field that tells records apart; whole records are
    compared where it is None or missing. Messages call the list `name`. `before_request` is called before each request
    and may raise.

    A reading goes wrong if it leads back to a page already read, has several empty pages in a row, cannot be continued,
    continues far beyond the total, or ends before as many different records came as the total says. A list that was
    read again yields its records again. If a second reading finds every page and nothing new, the server counts some
    records twice: the list is accepted with a warning. Warnings go to `session.warn`.

    Raises HeadwaterError if the third reading goes wrong too, and what the session raises.
    """
    way = paging or SinglePage()
    decoder = _build_decoder(records, way, total)
    listing = _List(session, path, params or {}, decoder, way, total, key, before_request)
    name = name or f"{session.base_url}{path}"
    keys: set[str | bytes] = set()
    read_before = 0
    for number in range(1, MAX_READINGS + 1):
        known = len(keys)
        reading = _Reading(listing)
        for page in reading.read_pages():
            if page.expected is None:
                yield page
            else:
                keys |= reading.page_keys
                yield Page(page.records, read_before + page.expected)
        read_before += reading.received
        if not reading.trouble and (reading.expected is None or is_about(len(keys), reading.expected)):
            return
        if not reading.trouble and len(keys) == known and is_about(reading.received, reading.expected or 0):
            session.warn(
                f"{name} counts {reading.expected:,} records and has {len(keys):,}: it was read twice, and some came"
                " more than once."
            )
            return
        trouble = reading.trouble or f"ended after {len(keys):,} of {reading.expected:,} records"
        if number < MAX_READINGS:
            session.warn(f"{name} {trouble}; it is read again from its start.")
    raise HeadwaterError(
        f"{name} {trouble}, and was read {MAX_READINGS} times. Try again later; what was loaded before is kept."
    )


class _Reading:
    """One way through a list. `trouble` is what went wrong, if anything did; `page_keys` those of the last page."""

    def __init__(self, listing: _List) -> None:
        self.received = 0
        self.expected: int | None = None
        self.trouble: str | None = None
        self.page_keys: frozenset[str | bytes] = frozenset()
        self._list = listing
        self._seen_steps: set[Step] = set()
        self._seen_pages: set[int] = set()  # hashes of their keys: a list may be long
        self._empty_pages = 0

    def read_pages(self) -> Iterator[Page]:
        """The pages up to the end, or up to where it went wrong."""
        step: Step | None = self._list.paging.first_step()
        while step:
            is_first = not self._seen_steps
            self._seen_steps.add(step)
            try:
                answer = self._request(step)
            except (CursorRefusedError, RefusedError) as error:
                if is_first or not _is_expired(error):
                    raise
                self.trouble = f"cannot be continued after {self._describe_position()}"
                return
            facts = self._note(answer)
            yield Page(answer.body.records, self.expected)
            step = self._list.paging.next_step(step, facts)
            self.trouble = self._find_trouble(step)
            self._seen_pages.add(hash(self.page_keys))
            if self.trouble:
                return

    def _request(self, step: Step) -> Answer[Cut]:
        self._list.before_request()
        session = self._list.session
        if step.link is None:
            return session.fetch(self._list.path, {**self._list.params, **dict(step.parameters)}, self._list.decoder)
        return session.fetch(resolve_link(session.base_url + self._list.path, step.link), {}, self._list.decoder)

    def _note(self, answer: Answer[Cut]) -> PageFacts:
        records = answer.body.records
        self.page_keys = frozenset(map(self._list.read_key, records))
        self.received += len(records)
        self._empty_pages = 0 if records else self._empty_pages + 1
        facts = PageFacts(len(records), answer.body.values, answer.headers, self.received, self.expected)
        if self._list.total is None or (count := facts.read_count(self._list.total)) is None:
            return facts
        self.expected = count
        return replace(facts, expected=count)

    def _find_trouble(self, next_step: Step | None) -> str | None:
        """Why the list would never end; None if nothing is wrong."""
        if not next_step:
            return None
        # If there is a total, it shows that a page came in place of another.
        is_repeated = self.expected is None and self.page_keys and hash(self.page_keys) in self._seen_pages
        if next_step in self._seen_steps or is_repeated:
            return "leads back to a page already read"
        if self._empty_pages >= MAX_EMPTY_PAGES:
            return f"has {self._empty_pages} empty pages in a row"
        if self.expected is not None and self.received > 2 * self.expected + _MAX_EXCESS:
            return f"continues after {self.received:,} records, of {self.expected:,}"
        return None

    def _describe_position(self) -> str:
        return (
            f"{self.received:,} records" if self.expected is None else f"{self.received:,} of {self.expected:,} records"
        )


def _build_decoder(records: str | Format, paging: Paging, total: Place | None) -> CutDecoder:
    layout = Json(records) if isinstance(records, str) else records
    values = [place for place in paging.places if not isinstance(place, Header)]
    return layout.build_decoder(values, [] if total is None or isinstance(total, Header) else [total])


def _is_expired(error: CursorRefusedError | RefusedError) -> bool:
    return isinstance(error, CursorRefusedError) or error.status in _EXPIRED_STATUSES

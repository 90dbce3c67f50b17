"""The ways in which servers lead from one page of a list to the next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

from requests.utils import parse_header_links

from loader.base.errors import HeadwaterError
from loader.fetch.records import Scalar


class CursorRefusedError(HeadwaterError):
    """The server no longer accepts its own cursor: the list is read again from its start."""


@dataclass(frozen=True)
class Header:
    """A value that an answer has in this header and not in its body."""

    name: str


Place = str | Header
"""Where a value of an answer is: at a dotted path of the body (`meta.next_cursor`), or in a header."""


@dataclass(frozen=True)
class Step:
    """The request for one page: what is added to the list's parameters, or a whole address in place of both.

    `attempt` counts how often the page came empty.
    """

    parameters: tuple[tuple[str, str], ...] = ()
    link: str | None = None
    attempt: int = 1


@dataclass(frozen=True)
class PageFacts:
    """What is known after a page: its number of records, its values, and how far the list has been read with it."""

    count: int
    values: Mapping[str, Scalar]
    headers: Mapping[str, str]
    received: int
    expected: int | None

    def read(self, place: Place) -> str | None:
        """The value at this place as text; None if there is none."""
        value = self.headers.get(place.name) if isinstance(place, Header) else self.values.get(place)
        return None if value is None or value is False else str(value)

    def read_count(self, place: Place) -> int | None:
        """The number at this place; None if there is none."""
        text = self.read(place)
        return int(text) if text and text.isascii() and text.isdigit() else None


class Paging(Protocol):
    """A way of paging. `places` are the values that it reads from each answer."""

    @property
    def places(self) -> tuple[Place, ...]:
        """What to read from each answer."""

    def first_step(self) -> Step:
        """The request for the first page."""

    def next_step(self, step: Step, page: PageFacts) -> Step | None:
        """The request after this one; None at the end of the list."""


@dataclass(frozen=True)
class SinglePage:
    """The list comes in one answer."""

    places: ClassVar[tuple[Place, ...]] = ()

    def first_step(self) -> Step:
        """The only request."""
        return Step()

    def next_step(self, step: Step, page: PageFacts) -> None:
        """There is none."""


@dataclass(frozen=True)
class Cursor:
    """Each answer has the cursor (or token) of the next page at `next`; the last one has none.

    It is sent as `parameter`. The first request sends `start`, if there is one. With `stays_at_end` the cursor never
    ends: an empty page that repeats it is the end of the list, as with lists by time.
    """

    parameter: str
    next: Place
    start: str | None = None
    stays_at_end: bool = False

    @property
    def places(self) -> tuple[Place, ...]:
        """The next cursor."""
        return (self.next,)

    def first_step(self) -> Step:
        """The request with `start`."""
        return Step() if self.start is None else Step(((self.parameter, self.start),))

    def next_step(self, step: Step, page: PageFacts) -> Step | None:
        """The request with the next cursor."""
        cursor = page.read(self.next)
        if not cursor:
            return None
        following = Step(((self.parameter, cursor),))
        return None if self.stays_at_end and not page.count and following == step else following


@dataclass(frozen=True)
class LinkHeader:
    """Each answer has the address of the next page in its `Link` header, as rel="next"; the last one has none."""

    places: ClassVar[tuple[Place, ...]] = ()

    def first_step(self) -> Step:
        """The list's own address."""
        return Step()

    def next_step(self, step: Step, page: PageFacts) -> Step | None:
        """The address with rel="next"."""
        links = parse_header_links(page.headers.get("Link", ""))
        following = (link.get("url") for link in links if "next" in link.get("rel", "").lower().split())
        link = next(following, None)
        return Step(link=link) if link else None


@dataclass(frozen=True)
class PageNumber:
    """Pages are requested by their number, from `start` on.

    The list ends after the number of pages that the answers have at `pages`; without it, with the list's total;
    without that, with the first empty page.
    """

    parameter: str = "page"
    start: int = 1
    pages: Place | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """The number of pages."""
        return () if self.pages is None else (self.pages,)

    def first_step(self) -> Step:
        """The request for the first page."""
        return _build_step(self.parameter, self.start)

    def next_step(self, step: Step, page: PageFacts) -> Step | None:
        """The request for the page with the next number."""
        number = _read_position(step)
        pages = page.read_count(self.pages) if self.pages is not None else None
        if pages is not None:
            if number - self.start + 1 >= pages:
                return None
            return _build_step(self.parameter, number + 1) if page.count else _ask_again(step)
        return _next_position_step(step, page, lambda: _build_step(self.parameter, number + 1))


@dataclass(frozen=True)
class Offset:
    """Pages are requested by the number of records before them, from `start` on.

    The list ends with its total if that is known, otherwise with the first empty page.
    """

    parameter: str = "offset"
    start: int = 0
    places: ClassVar[tuple[Place, ...]] = ()

    def first_step(self) -> Step:
        """The request for the first record."""
        return _build_step(self.parameter, self.start)

    def next_step(self, step: Step, page: PageFacts) -> Step | None:
        """The request for the records after this page, whatever its size."""
        position = _read_position(step) + page.count
        return _next_position_step(step, page, lambda: _build_step(self.parameter, position))


def is_about(received: int, expected: int) -> bool:
    """Whether a list is complete: records come and go while it is read, but not more than a thousandth of them."""
    return received >= expected - expected // 1000


def _build_step(parameter: str, position: int) -> Step:
    return Step(((parameter, str(position)),))


def _read_position(step: Step) -> int:
    ((_, position),) = step.parameters
    return int(position)


def _next_position_step(step: Step, page: PageFacts, build: Callable[[], Step]) -> Step | None:
    """The next step of a list that does not name its next page.

    A page that comes empty before the total is reached is requested again: some servers send one now and then.
    """
    if page.expected is None:
        return build() if page.count else None
    if page.count:
        return None if page.received >= page.expected else build()
    return None if is_about(page.received, page.expected) else _ask_again(step)


def _ask_again(step: Step) -> Step:
    return replace(step, attempt=step.attempt + 1)

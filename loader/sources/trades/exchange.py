"""What the source needs of an exchange, and what all of them share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, local
from typing import Any, ClassVar, NamedTuple

from loader.base.errors import HeadwaterError
from loader.fetch.refusals import Refusal
from loader.fetch.session import HttpSession
from loader.raw.series_intake import Place, SeriesRow
from loader.sources.trades.trade import check_id, check_time, read_exactly

PAGE_SIZE = 1000


class Head(NamedTuple):
    """The number of a trade and its time in microseconds since 1970: enough to order and to page."""

    number: int
    at: int


@dataclass(frozen=True)
class TradePage:
    """Trades in the order of their numbers. `position` is where to read on; None if the page does not say."""

    records: Sequence[bytes]
    position: int | None = None


class BannedError(HeadwaterError):
    """The exchange answers nothing until a time: no request of this run to it makes sense."""


class StoppedError(HeadwaterError):
    """The run ends; a request that waited is not sent."""


class Exchange(ABC):
    """An exchange's list of trades. Any number of threads may use it.

    `requests` counts all requests, `requests_of_thread` those of the calling thread since it was set to zero.
    """

    name: ClassVar[str]
    requests_per_second: ClassVar[float]
    # Where a record has its id.
    id_field: ClassVar[str | int]
    is_position_a_number: ClassVar[bool] = True
    # How many requests' time the first retry waits at least.
    first_wait_requests: ClassVar[int] = 0

    def __init__(self, base_url: str, requests_per_second: float | None, warn: Callable[[str], None]) -> None:
        self.requests = 0
        self.stop = Event()
        self._lock = Lock()
        self._of_thread = local()
        self.session = HttpSession(
            base_url,
            requests_per_second=requests_per_second or self.requests_per_second,
            section="sources.trades",
            explain=self.explain,
            observe=self._count,
            warn=warn,
            first_wait_requests=self.first_wait_requests,
        )

    @staticmethod
    @abstractmethod
    def read(record: bytes, pair: str) -> SeriesRow:
        """The trade of a record. Raises ValueError with the reason why it is none."""

    @staticmethod
    @abstractmethod
    def read_time(fields: Any) -> int:
        """When a record's trade was made, in microseconds since 1970. Raises ValueError."""

    @classmethod
    def read_place(cls, record: bytes) -> Place:
        """Id and time of what may be no trade."""
        try:
            fields = read_exactly(record)
        except ValueError:
            return Place(None, None)
        try:
            trade_id = check_id(fields[cls.id_field])
        except (ValueError, TypeError, LookupError, AttributeError):
            trade_id = None
        try:
            return Place(trade_id, check_time(cls.read_time(fields)))
        except (ValueError, TypeError, LookupError, AttributeError):
            return Place(trade_id, None)

    @staticmethod
    @abstractmethod
    def read_head(record: bytes) -> Head | None:
        """Number and time, if they can be read."""

    @abstractmethod
    def read_new(self, pair: str, position: int | None) -> Iterator[TradePage]:
        """What came after the position, oldest first; without one, the newest page."""

    @abstractmethod
    def read_day(self, pair: str, start: int, end: int) -> Iterator[Sequence[bytes]]:
        """At least all trades from `start` to before `end` (microseconds), in any order of pages."""

    @abstractmethod
    def read_missing(self, pair: str, first: int, last: int, after: Head) -> Sequence[bytes]:
        """The trades of these numbers, as far as the exchange has them; `after` is the trade before."""

    def explain(self, refusal: Refusal) -> HeadwaterError | None:
        """See HttpSession: by default, the usual rules."""
        return None

    def get(self, path: str, parameters: Mapping[str, str], decoder: Any) -> Any:
        """The answer's body and headers."""
        if self.stop.is_set():
            raise StoppedError(f"{self.name}: the run ends.")
        return self.session.fetch(path, parameters, decoder)

    def reset_requests_of_thread(self) -> None:
        """Begins to count the requests of this thread."""
        self._of_thread.count = 0

    @property
    def requests_of_thread(self) -> int:
        """Requests of this thread since the count began."""
        return getattr(self._of_thread, "count", 0)

    def _count(self, _: Mapping[str, str]) -> None:
        with self._lock:
            self.requests += 1
        self._of_thread.count = self.requests_of_thread + 1


def describe_until(seconds_from_now: float) -> str:
    """A time in UTC, to the second."""
    return f"{datetime.fromtimestamp(datetime.now(UTC).timestamp() + seconds_from_now, UTC):%Y-%m-%d %H:%M:%S} UTC"

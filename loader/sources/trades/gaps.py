"""Numbers that a stream skips: asked for again, and kept as known gaps if the exchange has none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from loader.raw.series_tables import Gap
from loader.sources.trades.exchange import Exchange, Head

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class GapFinder:
    """Follows the numbers of one stream. `last` is the trade before the next one; None at the start of a reading."""

    exchange: Exchange
    pair: str
    last: Head | None = None
    found: list[Gap] = field(default_factory=list)

    def complete(self, records: Sequence[bytes]) -> list[bytes]:
        """The records, and those that the exchange has of the numbers that they skip.

        Numbers that it does not have are in `found`.
        """
        completed = list(records)
        heads = sorted({head for record in records if (head := self.exchange.read_head(record))})
        for head in heads:
            if self.last and head.number > self.last.number + 1:
                completed += self.request_missing(self.last, head)
            if self.last is None or head.number > self.last.number:
                self.last = head
        return completed

    def take_found(self) -> list[Gap]:
        """The gaps since the last call."""
        found, self.found = self.found, []
        return found

    def request_missing(self, before: Head, after: Head) -> list[bytes]:
        """The trades between two, as far as the exchange has them; numbers that it lacks are in `found`."""
        first, last = before.number + 1, after.number - 1
        answer = self.exchange.read_missing(self.pair, first, last, before)
        numbered = {
            head.number: record
            for record in answer
            if (head := self.exchange.read_head(record)) and first <= head.number <= last
        }
        followed_at = _EPOCH + timedelta(microseconds=after.at)
        self.found += [
            Gap(self.pair, start, end, followed_at) for start, end in _list_missing(first, last, sorted(numbered))
        ]
        return list(numbered.values())


def _list_missing(first: int, last: int, there: Sequence[int]) -> Iterator[tuple[int, int]]:
    expected = first
    for number in [*there, last + 1]:
        if number > expected:
            yield expected, number - 1
        expected = number + 1

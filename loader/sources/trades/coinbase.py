"""Coinbase: the newest trades first, older ones by the cursor in a header. `side` is the maker's."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Any, ClassVar

import msgspec

from loader.base.errors import HeadwaterError
from loader.fetch.records import Json
from loader.raw.series_intake import SeriesRow
from loader.sources.trades.exchange import PAGE_SIZE, Exchange, Head, TradePage
from loader.sources.trades.trade import BUY, SELL, build_trade, read_exactly, read_side, require

_DECODER = Json("").build_decoder()
# The maker bought, so the taker sold.
_SIDES = {BUY: SELL, SELL: BUY}
_MAX_PROBES = 80


class _Head(msgspec.Struct):
    trade_id: int
    time: datetime


_HEADS = msgspec.json.Decoder(_Head)


class Coinbase(Exchange):
    """See Exchange. A position is the number of the last trade read."""

    name: ClassVar[str] = "coinbase"
    id_field: ClassVar[str | int] = "trade_id"
    requests_per_second: ClassVar[float] = 8.0

    @staticmethod
    def read(record: bytes, pair: str) -> SeriesRow:
        """See Exchange."""
        fields = require(read_exactly(record), dict, "it is not an object")
        side, at = read_side(fields.get("side"), _SIDES), Coinbase.read_time(fields)
        return build_trade(fields.get("trade_id"), side, fields.get("price"), fields.get("size"), at)

    @staticmethod
    def read_time(fields: Any) -> int:
        """See Exchange."""
        try:
            moment = datetime.fromisoformat(require(fields.get("time"), str, "it has no time"))
        except ValueError:
            raise ValueError("it has no time that can be read") from None
        if moment.tzinfo is None:
            raise ValueError("its time has no zone")
        return _count(moment)

    @staticmethod
    def read_head(record: bytes) -> Head | None:
        """See Exchange."""
        try:
            head = _HEADS.decode(record)
            return Head(head.trade_id, _count(head.time))
        except (msgspec.DecodeError, TypeError):
            return None

    def read_new(self, pair: str, position: int | None) -> Iterator[TradePage]:
        """See Exchange. The newest page tells how far there is to read; those before it are asked for by number."""
        newest, _ = self._request(pair, {}, limit=PAGE_SIZE)
        reached = position or 0
        oldest = min(self._list_numbers(newest), default=0)
        while position is not None and reached + 1 < oldest:
            last = min(reached + PAGE_SIZE, oldest - 1)
            records, _ = self._request(pair, {"after": str(last + 1)}, limit=PAGE_SIZE)
            if newer := self._list_newer(records, reached):
                yield TradePage(newer, max(self._list_numbers(newer), default=None))
            reached = last
        newer = self._list_newer(newest, reached)
        yield TradePage(newer, max(self._list_numbers(newer), default=None))

    def read_day(self, pair: str, start: int, end: int) -> Iterator[Sequence[bytes]]:
        """See Exchange. There is no search by time: the number that ends the day is searched for."""
        for records in self._read_before(pair, self._find_number(pair, end)):
            yield records[::-1]
            heads = [head for record in records if (head := self.read_head(record))]
            if heads and min(head.at for head in heads) < start:
                return

    def read_missing(self, pair: str, first: int, last: int, after: Head) -> Sequence[bytes]:
        """See Exchange."""
        found: list[bytes] = []
        for records in self._read_before(pair, last + 1):
            found += records
            heads = [head for record in records if (head := self.read_head(record))]
            if not heads or min(heads).number <= first:
                break
        return found

    def _find_number(self, pair: str, at: int) -> int | None:
        """A number of which all lower ones are of before that time or of little after; None: the newest trades."""
        newest = self._probe(pair, None)
        if newest is None or newest.at < at:
            return None
        low, high = 1, newest.number  # what is below `low` is too old; `high` is of `at` or later
        for _ in range(_MAX_PROBES):
            if high - low <= PAGE_SIZE // 2:
                break
            middle = (low + high) // 2
            head = self._probe(pair, middle + 1)
            if head is None or head.at < at:
                low = middle
            else:
                high = min(middle, head.number)
        return high + 1

    def _probe(self, pair: str, before: int | None) -> Head | None:
        """The newest trade with a number below that one."""
        records, _ = self._request(pair, {} if before is None else {"after": str(before)}, limit=1)
        return self.read_head(records[0]) if records else None

    def _read_before(self, pair: str, cursor: int | None) -> Iterator[list[bytes]]:
        """Pages of descending numbers, from before the cursor on."""
        parameters = {} if cursor is None else {"after": str(cursor)}
        asked: set[str] = set()
        while True:
            records, older = self._request(pair, parameters, limit=PAGE_SIZE)
            if records:
                yield records
            if not records or not older:
                return
            if older in asked:
                raise HeadwaterError(f"coinbase leads {pair} back to a page already read.")
            asked.add(older)
            parameters = {"after": older}

    def _request(self, pair: str, parameters: dict[str, str], *, limit: int) -> tuple[list[bytes], str | None]:
        answer = self.get(f"/products/{pair}/trades", {**parameters, "limit": str(limit)}, _DECODER)
        return list(answer.body.records), answer.headers.get("CB-AFTER")

    def _list_numbers(self, records: Sequence[bytes]) -> list[int]:
        return [head.number for record in records if (head := self.read_head(record))]

    def _list_newer(self, records: Sequence[bytes], number: int) -> list[bytes]:
        """Oldest first, those of a page (newest first) that come before the number in it."""
        newer = takewhile(lambda record: (head := self.read_head(record)) is None or head.number > number, records)
        return list(newer)[::-1]


def _count(moment: datetime) -> int:
    """Microseconds since 1970."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond

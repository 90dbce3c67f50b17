"""Binance: aggregate trades, numbered without a gap; read on by number, found by time an hour at a time."""

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from loader.base.errors import HeadwaterError
from loader.fetch.records import Json
from loader.fetch.refusals import Refusal
from loader.fetch.waits import read_wait
from loader.raw.series_intake import SeriesRow
from loader.sources.trades.exchange import PAGE_SIZE, BannedError, Exchange, Head, TradePage, describe_until
from loader.sources.trades.trade import BUY, SELL, build_trade, read_exactly, read_side, require

_PATH = "/api/v3/aggTrades"
_HOUR_MILLISECONDS = 3_600_000
_DECODER = Json("").build_decoder()
# `m`: the buyer is the maker, so the taker sells.
_SIDES = {True: SELL, False: BUY}
_BANNED_UNTIL = re.compile(r"banned until (\d{13})")


class _Head(msgspec.Struct):
    a: int
    T: int


_HEADS = msgspec.json.Decoder(_Head)


class Binance(Exchange):
    """See Exchange. A position is the number of the last trade read."""

    name: ClassVar[str] = "binance"
    id_field: ClassVar[str | int] = "a"
    requests_per_second: ClassVar[float] = 10.0  # of weight 4; 6,000 a minute are allowed

    @staticmethod
    def read(record: bytes, pair: str) -> SeriesRow:
        """See Exchange."""
        fields = require(read_exactly(record), dict, "it is not an object")
        at = Binance.read_time(fields)
        return build_trade(fields.get("a"), read_side(fields.get("m"), _SIDES), fields.get("p"), fields.get("q"), at)

    @staticmethod
    def read_time(fields: Any) -> int:
        """See Exchange."""
        return int(require(fields.get("T"), int, "it has no time")) * 1000

    @staticmethod
    def read_head(record: bytes) -> Head | None:
        """See Exchange."""
        try:
            head = _HEADS.decode(record)
        except msgspec.DecodeError:
            return None
        return Head(head.a, head.T * 1000)

    def read_new(self, pair: str, position: int | None) -> Iterator[TradePage]:
        """See Exchange."""
        if position is None:
            records = self._request(pair, {})
            yield TradePage(records, self._find_last(records))
            return
        for records in self._read_from(pair, position + 1):
            position = max(position, self._find_last(records) or position)
            yield TradePage(records, position)

    def read_day(self, pair: str, start: int, end: int) -> Iterator[Sequence[bytes]]:
        """See Exchange."""
        for hour in range(start // 1000, end // 1000, _HOUR_MILLISECONDS):
            last = min(hour + _HOUR_MILLISECONDS, end // 1000) - 1
            records = self._request(pair, {"startTime": str(hour), "endTime": str(last)})
            if not records:
                continue
            yield records
            if (number := self._find_last(records)) is None:
                raise HeadwaterError(f"binance answers for {pair} a page of which no trade can be read.")
            for further in self._read_from(pair, number + 1):
                yield further
                heads = [head for record in further if (head := self.read_head(record))]
                if heads and heads[-1].at >= end:
                    return
            return

    def read_missing(self, pair: str, first: int, last: int, after: Head) -> Sequence[bytes]:
        """See Exchange."""
        found: list[bytes] = []
        for records in self._read_from(pair, first):
            found += records
            if (self._find_last(records) or last) >= last:
                break
        return found

    def explain(self, refusal: Refusal) -> HeadwaterError | None:
        """A ban (418) says until when."""
        if refusal.status != 418:
            return None
        wait = read_wait(refusal.headers.get("Retry-After", ""))
        if match := _BANNED_UNTIL.search(refusal.message):
            wait = max(int(match.group(1)) / 1000 - time.time(), 0)
        until = f"until {describe_until(wait)}" if wait is not None else "and does not say until when"
        return BannedError(f"Binance has banned this address {until} (418). Run the same command again after that.")

    def _read_from(self, pair: str, number: int) -> Iterator[list[bytes]]:
        """Pages of ascending numbers up to the newest trade."""
        while records := self._request(pair, {"fromId": str(number)}):
            yield records
            last = self._find_last(records)
            if last is None or last < number:
                raise HeadwaterError(f"binance answers for {pair} from number {number} with what does not follow it.")
            if len(records) < PAGE_SIZE:
                return
            number = last + 1

    def _request(self, pair: str, parameters: dict[str, str]) -> list[bytes]:
        answer = self.get(_PATH, {"symbol": pair, **parameters, "limit": str(PAGE_SIZE)}, _DECODER)
        return list(answer.body.records)

    def _find_last(self, records: Sequence[bytes]) -> int | None:
        return max((head.number for record in records if (head := self.read_head(record))), default=None)

"""Kraken: trades after a time in nanoseconds. Errors come in answers with the status 200."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from loader.base.errors import HeadwaterError
from loader.fetch.refusals import Refusal
from loader.raw.series_intake import SeriesRow
from loader.sources.trades.exchange import PAGE_SIZE, Exchange, Head, TradePage
from loader.sources.trades.trade import BUY, SELL, build_trade, read_exactly, read_microseconds, read_side, require

_PATH = "/0/public/Trades"
_SIDES = {"b": BUY, "s": SELL}
# What passes: a limit of requests, and a service that is busy or down.
_PASSING = ("EAPI:Rate limit", "EGeneral:Too many requests", "EService:", "EGeneral:Internal error")


class _Body(msgspec.Struct):
    error: list[str]
    result: dict[str, msgspec.Raw] | None = None


class _Answer(msgspec.Struct):
    records: list[bytes]
    last: int


class _Decoder:
    """Reads the trades of the one pair, each as its bytes, and where to read on."""

    def __init__(self) -> None:
        self._body = msgspec.json.Decoder(_Body)
        self._records = msgspec.json.Decoder(list[msgspec.Raw])

    def decode(self, body: bytes, /) -> _Answer:
        answer = self._body.decode(body)
        if answer.error or not answer.result:
            raise msgspec.ValidationError("the answer reports an error")
        pairs = [name for name in answer.result if name != "last"]
        if len(pairs) != 1 or "last" not in answer.result:
            raise msgspec.ValidationError("the answer is not of one pair")
        records = [bytes(record) for record in self._records.decode(answer.result[pairs[0]])]
        last = bytes(answer.result["last"]).strip(b'"')
        if not last.isdigit():
            raise msgspec.ValidationError("last is not a number")
        return _Answer(records, int(last))


_DECODER = _Decoder()


class Kraken(Exchange):
    """See Exchange. A position is a time in nanoseconds, `last` in the answers."""

    name: ClassVar[str] = "kraken"
    id_field: ClassVar[str | int] = 6
    requests_per_second: ClassVar[float] = 1.0
    is_position_a_number: ClassVar[bool] = False
    first_wait_requests: ClassVar[int] = 5  # its limit of requests recovers in seconds

    @staticmethod
    def read(record: bytes, pair: str) -> SeriesRow:
        """See Exchange."""
        fields = require(read_exactly(record), list, "it is not a list")
        if len(fields) < 6:
            raise ValueError(f"it has {len(fields)} fields")
        trade_id = fields[6] if len(fields) > 6 else None
        return build_trade(trade_id, read_side(fields[3], _SIDES), fields[0], fields[1], Kraken.read_time(fields))

    @staticmethod
    def read_time(fields: Any) -> int:
        """See Exchange."""
        return read_microseconds(fields[2])

    @staticmethod
    def read_head(record: bytes) -> Head | None:
        """See Exchange."""
        try:
            fields: Any = read_exactly(record)
            return Head(int(fields[6]), read_microseconds(fields[2]))
        except (ValueError, TypeError, IndexError, KeyError):
            return None

    def read_new(self, pair: str, position: int | None) -> Iterator[TradePage]:
        """See Exchange."""
        if position is None:
            answer = self._request(pair, {})
            yield TradePage(answer.records, answer.last)
            return
        for answer in self._read_after(pair, position):
            yield TradePage(answer.records, answer.last)

    def read_day(self, pair: str, start: int, end: int) -> Iterator[Sequence[bytes]]:
        """See Exchange."""
        for answer in self._read_after(pair, start * 1000):
            yield answer.records
            heads = [head for record in answer.records if (head := self.read_head(record))]
            if heads and heads[-1].at >= end:
                return

    def read_missing(self, pair: str, first: int, last: int, after: Head) -> Sequence[bytes]:
        """See Exchange: looked for in the page that begins with the trade before."""
        return self._request(pair, {"since": str(after.at * 1000 - 1)}).records

    def explain(self, refusal: Refusal) -> HeadwaterError | None:
        """An error in a 200 that no retry can help; what passes is retried."""
        errors = refusal.fields.get("error")
        if refusal.status != 200 or not isinstance(errors, list) or not errors:
            return None
        if any(str(error).startswith(_PASSING) for error in errors):
            return None
        return HeadwaterError(f"Kraken refuses the request: {refusal.message}.")

    def _read_after(self, pair: str, position: int) -> Iterator[_Answer]:
        """Pages from the position on. The trade at the position comes again: several may have its time."""
        previous: set[bytes] = set()
        while True:
            answer = self._request(pair, {"since": str(position - 1)})
            # What the overlap brings again is not another trade.
            fresh = [record for record in answer.records if record not in previous]
            yield _Answer(fresh, max(answer.last, position))
            if len(answer.records) < PAGE_SIZE or (answer.last <= position and not fresh):
                return
            # A page of trades of one time would come again for ever.
            position = max(answer.last, position + 1)
            previous = set(answer.records)

    def _request(self, pair: str, parameters: dict[str, str]) -> _Answer:
        asked = {"pair": pair.replace("/", ""), **parameters, "count": str(PAGE_SIZE)}
        body: _Answer = self.get(_PATH, asked, _DECODER).body
        return body

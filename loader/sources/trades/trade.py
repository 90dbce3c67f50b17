"""One trade in the shape that all exchanges share: exact, or rejected with a reason."""

import json
import re
import time
from collections.abc import Mapping
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from loader.fetch.json_text import parse_strict
from loader.raw.series_intake import SeriesRow

BUY, SELL = "buy", "sell"
TRADE_SCHEMA = pa.schema(
    [
        pa.field("trade_id", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),
        pa.field("price", pa.decimal128(18, 10), nullable=False),
        pa.field("quantity", pa.decimal128(20, 8), nullable=False),
    ]
)
# An exchange's clock may be ahead of ours by so much.
MAX_SECONDS_AHEAD = 60

_NUMBER = re.compile(r"[0-9]{1,18}")
_EXACT = Context(prec=120)
_ZERO = Decimal(0)


def read_exactly(record: bytes) -> Any:
    """A JSON text with its numbers as they are written: Decimal, or int. Raises ValueError."""
    parse_strict(record)
    return json.loads(record, parse_float=Decimal)


def build_trade(trade_id: object, side: str | None, price: object, quantity: object, at: int) -> SeriesRow:
    """A trade; `at` is in microseconds since 1970. Raises ValueError that says what no trade has."""
    number = check_id(trade_id)
    if side is None:
        raise ValueError("the side is unknown")
    check_time(at)
    values = (number, side, _read_decimal("price", price, 18, 10), _read_decimal("quantity", quantity, 20, 8))
    return SeriesRow(number, at, values)


def check_id(trade_id: object) -> str:
    """The id of a trade as text. Raises ValueError that says what is wrong with it."""
    if trade_id is None or trade_id == "":
        raise ValueError("it has no trade id")
    if not _NUMBER.fullmatch(text := str(trade_id)):
        raise ValueError(f"the trade id {text[:40]!r} is not a number of at most 18 digits")
    return text


def check_time(at: int) -> int:
    """The time of a trade in microseconds since 1970. Raises ValueError that says what is wrong with it."""
    if at > (time.time() + MAX_SECONDS_AHEAD) * 1e6:
        raise ValueError("the time is in the future")
    if at <= 0:
        raise ValueError("the time is before 1970")
    return at


def read_side(value: object, sides: Mapping[Any, str]) -> str | None:
    """The taker's side by the exchange's word for it; None if it is unknown."""
    return sides.get(value) if isinstance(value, str | bool) else None


def read_microseconds(seconds: object) -> int:
    """Seconds since 1970, exact, as whole microseconds; digits beyond are cut off. Raises ValueError."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | Decimal | str):
        raise ValueError("it has no time")  # noqa: TRY004  (it describes a record)
    return int(_parse("time", seconds).scaleb(6, _EXACT))


def require(value: object, kind: type, what: str) -> Any:
    """The value if it is of that kind; raises ValueError with `what` is wrong otherwise."""
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(what)  # noqa: TRY004  (it describes a record)
    return value


def _read_decimal(name: str, value: object, precision: int, scale: int) -> Decimal:
    number = _parse(name, value)
    if number <= _ZERO:
        raise ValueError(f"the {name} {str(value)[:40]} is not above zero")
    scaled = number.scaleb(scale, _EXACT)
    if scaled != scaled.to_integral_value() or scaled.adjusted() >= precision:
        raise ValueError(f"the {name} {str(value)[:60]} does not fit decimal({precision},{scale})")
    return number


def _parse(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"it has no {name}")  # noqa: TRY004  (it describes a record)
    try:
        number = _EXACT.create_decimal(value)
    except InvalidOperation:
        raise ValueError(f"the {name} {str(value)[:40]!r} is not a number") from None
    if not number.is_finite() or (isinstance(value, str) and (len(value) > 100 or "_" in value)):
        raise ValueError(f"the {name} {str(value)[:40]!r} is not a number")
    return number

"""Sample trades from a seed: a price that wanders, busy and quiet hours."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

_DAY_MICROSECONDS = 86_400_000_000
_TICKS = 100


@dataclass(frozen=True)
class SampleTrade:
    """A trade as an exchange keeps it: `at` in microseconds since 1970, price and quantity as it writes them."""

    number: int
    at: int
    price: str
    quantity: str
    side: str  # the taker's


def generate_trades(
    pair: str,
    days: Sequence[date],
    trades_per_day: int,
    *,
    asset: str = "BTC",
    price: float = 100.0,
    first_number: int = 1_000,
) -> list[SampleTrade]:
    """Trades of these days in the order of their numbers and times; the same for the same arguments.

    Pairs of one asset follow one price, each with a little noise of its own.
    """
    chance = random.Random(f"{pair} {days[0]} {trades_per_day}")
    trades: list[SampleTrade] = []
    for number, day in enumerate(days):
        path = _walk(random.Random(f"{asset} {day}"), round(price * _TICKS) + 20 * number)
        midnight = int(datetime.combine(day, datetime.min.time(), UTC).timestamp()) * 1_000_000
        for moment in sorted(_choose_microsecond(chance) for _ in range(trades_per_day)):
            minute = moment // 60_000_000
            is_rising = path[minute + 1] > path[minute]
            ticks = max(1, path[minute] + chance.choice((-2, -1, 0, 0, 1, 2)))
            trades.append(
                SampleTrade(
                    first_number + len(trades),
                    midnight + moment // 1000 * 1000,
                    f"{ticks // _TICKS}.{ticks % _TICKS:02d}",
                    f"{chance.randint(1, 500_000_000) / 1e8:.8f}",
                    "buy" if chance.random() < (0.6 if is_rising else 0.45) else "sell",
                )
            )
    return trades


def _walk(chance: random.Random, ticks: int) -> list[int]:
    """A price for each minute of a day, and one more."""
    path = [ticks]
    for _ in range(24 * 60):
        path.append(max(1, path[-1] + chance.choice((-8, -4, -2, -1, 0, 0, 1, 2, 4, 8))))
    return path


def _choose_microsecond(chance: random.Random) -> int:
    """A time of the day: more in the afternoon (UTC) than at night."""
    while True:
        moment = chance.randrange(_DAY_MICROSECONDS)
        if chance.random() < 0.6 + 0.4 * math.sin(2 * math.pi * (moment / _DAY_MICROSECONDS - 0.4)):
            return moment

"""Sample trades from a seed: a price that wanders, busy and quiet hours."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

_DAY_MICROSECONDS = 86_400_000_000
_CENT_TICKS = 100


@dataclass(frozen=True)
class SampleTrade:
    """A trade as an exchange keeps it: `at` in microseconds since 1970, price and quantity as it writes them."""

    number: int
    at: int
    price: str
    quantity: str
    side: str  # the taker's


def generate_trades(
    pair: str, days: Sequence[date], trades_per_day: int, *, price: float = 100.0, first_number: int = 1_000
) -> list[SampleTrade]:
    """Trades of these days in the order of their numbers and times; the same for the same arguments."""
    chance = random.Random(f"{pair} {days[0]} {trades_per_day}")
    trades: list[SampleTrade] = []
    ticks = round(price * _CENT_TICKS)
    for day in days:
        midnight = int(datetime.combine(day, datetime.min.time(), UTC).timestamp()) * 1_000_000
        for second in sorted(_choose_microsecond(chance) for _ in range(trades_per_day)):
            ticks = max(1, ticks + chance.choice((-3, -2, -1, -1, 0, 0, 1, 1, 2, 3)))
            trades.append(
                SampleTrade(
                    first_number + len(trades),
                    midnight + second // 1000 * 1000,
                    f"{ticks // _CENT_TICKS}.{ticks % _CENT_TICKS:02d}",
                    f"{chance.randint(1, 500_000_000) / 1e8:.8f}",
                    chance.choice(("buy", "sell")),
                )
            )
    return trades


def _choose_microsecond(chance: random.Random) -> int:
    """A time of the day: more in the afternoon (UTC) than at night."""
    while True:
        moment = chance.randrange(_DAY_MICROSECONDS)
        if chance.random() < 0.6 + 0.4 * math.sin(2 * math.pi * (moment / _DAY_MICROSECONDS - 0.4)):
            return moment

"""Which pairs of which exchanges a run follows: symbols, mapped by the seed market_pairs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from loader.base.dbt_project import read_seed
from loader.base.errors import SettingsError

_SYMBOL = re.compile(r"[A-Z0-9_-]+")


@dataclass(frozen=True)
class Pair:
    """A pair as its exchange spells it, and the symbol that it has here."""

    exchange: str
    name: str
    symbol: str


def find_pairs(wanted: Sequence[str], setting: str) -> list[Pair]:
    """The pairs of these symbols: `BTC-USD` on every exchange that the seed has it for, `kraken:BTC-USD` on one.

    Raises SettingsError that names `setting`.
    """
    pairs = [Pair(row["exchange"], row["pair"], row["symbol"]) for row in read_seed("market", "market_pairs")]
    found: dict[Pair, None] = {}
    for text in wanted:
        exchange, _, symbol = text.rpartition(":")
        if not _SYMBOL.fullmatch(symbol):
            raise SettingsError(f"{setting} has {text!r}; a symbol has A to Z, 0 to 9, _ and - only, such as BTC-USD.")
        matching = [pair for pair in pairs if pair.symbol == symbol and exchange in ("", pair.exchange)]
        if not matching:
            raise SettingsError(
                f"{setting} has {text!r}, which no line of dbt_project/seeds/market/market_pairs.csv maps. Add the"
                " exchange's pair there."
            )
        found |= dict.fromkeys(matching)
    return list(found)

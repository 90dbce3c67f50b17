"""The settings of the trades."""

from collections.abc import Mapping
from typing import ClassVar

import dlt
from dlt.common.configuration import configspec

from loader.base.errors import SettingsError
from loader.sources.settings import SourceSettings

# At most every ten seconds a live run commits; reading takes some of them.
MAX_POLL_SECONDS = 8.0


@configspec
class TradesSettings(SourceSettings):
    """`symbols` are those of the seed market_pairs: `BTC-USD` on every exchange that has it, `kraken:BTC-USD` on one.

    `requests_per_second` is for each exchange; None is its usual pace. `poll_seconds` is how often a live run looks for
    trades.
    """

    minimums: ClassVar[Mapping[str, float]] = {"poll_seconds": 0.1}

    symbols: list[str] = dlt.config.value
    binance_url: str = "https://api.binance.com"
    kraken_url: str = "https://api.kraken.com"
    coinbase_url: str = "https://api.exchange.coinbase.com"
    requests_per_second: float | None = None
    poll_seconds: float = 5.0

    def check(self, section: str) -> None:
        """See SourceSettings."""
        super().check(section)
        if self.poll_seconds > MAX_POLL_SECONDS:
            raise SettingsError(f"{section}.poll_seconds is {self.poll_seconds:g}; at most {MAX_POLL_SECONDS:g}.")

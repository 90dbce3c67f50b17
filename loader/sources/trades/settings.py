"""The settings of the trades."""

from collections.abc import Mapping
from typing import ClassVar

import dlt
from dlt.common.configuration import configspec

from loader.base.errors import SettingsError
from loader.sources.settings import SourceSettings

# A run that follows commits at least every ten seconds; reading takes some of them.
MAX_POLL_SECONDS = 8.0


@configspec
class TradesSettings(SourceSettings):
    """`symbols` are those of the seed market_pairs: `BTC-USD` on every exchange that has it, `kraken:BTC-USD` on one.

    `requests_per_second` is for each exchange; None is its usual pace. A run that follows looks for trades of a pair
    every `poll_seconds` while there are new ones, and less and less often, up to `quiet_poll_seconds`, while there are
    none.
    """

    minimums: ClassVar[Mapping[str, float]] = {"poll_seconds": 0.1, "quiet_poll_seconds": 0.1}

    symbols: list[str] = dlt.config.value
    binance_url: str = "https://api.binance.com"
    kraken_url: str = "https://api.kraken.com"
    coinbase_url: str = "https://api.exchange.coinbase.com"
    requests_per_second: float | None = None
    poll_seconds: float = 2.0
    quiet_poll_seconds: float = 8.0

    def check(self, section: str) -> None:
        """See SourceSettings."""
        super().check(section)
        if self.poll_seconds > MAX_POLL_SECONDS:
            raise SettingsError(f"{section}.poll_seconds is {self.poll_seconds:g}; at most {MAX_POLL_SECONDS:g}.")
        if self.quiet_poll_seconds < self.poll_seconds:
            raise SettingsError(
                f"{section}.quiet_poll_seconds is {self.quiet_poll_seconds:g}; it must not be less than poll_seconds"
                f" ({self.poll_seconds:g})."
            )

"""The settings of the taxi source."""

from dlt.common.configuration import configspec

from loader.base.errors import SettingsError
from loader.sources.contract import parse_date
from loader.sources.settings import SourceSettings


@configspec
class TaxiSettings(SourceSettings):
    """`files` and `zones` are where trips and zones come from; `since` and `until` are months, `until` not included."""

    files: str = "https://d37ci6vzurychx.cloudfront.net/trip-data/{colour}_tripdata_{month}.parquet"
    zones: str = "https://d37ci6vzurychx.cloudfront.net/misc/taxi_zone_lookup.csv"
    since: str = "2023-01"
    until: str = "2025-05"

    def check(self, section: str) -> None:
        """See SourceSettings."""
        super().check(section)
        for name in ("files", "zones"):
            if not getattr(self, name).strip():
                raise SettingsError(f"{section}.{name} is empty; it must say where they are, or be left out.")
        for name in ("since", "until"):
            try:
                parse_date(getattr(self, name))
            except ValueError:
                raise SettingsError(
                    f"{section}.{name} is {getattr(self, name)!r}; it must be a month, such as 2025-01."
                ) from None

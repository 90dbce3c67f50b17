"""OpenAlex's settings, `sources.openalex.*`."""

from collections.abc import Mapping
from typing import ClassVar

from dlt.common.configuration import configspec

from loader.sources.settings import HttpSettings


@configspec
class OpenAlexSettings(HttpSettings):
    """Either `roster`, a CSV file, or `institution`, an OpenAlex or ROR id, is needed.

    Authors who were synced less than `refresh_after_days` ago are skipped. The lists of known authors are read to their
    end if all of them cost no more than `sweep_credits`, otherwise once a month; with `has_paid_plan` OpenAlex is asked
    for what changed instead. `coauthor_credits` is the maximum of coauthor look-ups per run;
    the first run of a roster of at most `defer_coauthors_up_to` members leaves them to later runs.
    """

    minimums: ClassVar[Mapping[str, float]] = {"coauthor_credits": 0, "defer_coauthors_up_to": 0}

    base_url: str = "https://api.openalex.org"
    roster: str | None = None
    institution: str | None = None
    refresh_after_days: float = 0
    sweep_credits: int = 100
    has_paid_plan: bool = False
    coauthor_credits: int = 1_000
    defer_coauthors_up_to: int = 500

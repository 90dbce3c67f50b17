"""Which of the roster's works a run requests: all works of a new author; new and changed ones of the others.

OpenAlex's filter by date of change is for paying users, and a watermark on the date of publication misses back-dated
works. So the ids of all works of known authors are swept, each with its date of change, and compared with raw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain

from loader.sources.contract import RunOptions
from loader.sources.openalex.bookkeeping import SyncStatus
from loader.sources.openalex.groups import Group, form_batches
from loader.sources.openalex.options import AUTHOR
from loader.sources.openalex.settings import OpenAlexSettings
from loader.sources.openalex.state import WorksState

# Sweeps are cut into loads so that a kill loses little; works of new authors have their own load.
_MAX_SWEEPS = 10


@dataclass(frozen=True)
class WorksPlan:
    """The groups of each load, in order. `may_stop_early`: whether a sweep may stop before the end of its list."""

    batches: tuple[Sequence[Group], ...]
    may_stop_early: bool

    @property
    def groups(self) -> list[Group]:
        """The groups of all loads."""
        return list(chain(*self.batches))


def plan_works(
    state: WorksState, chosen_ids: Sequence[str], options: RunOptions, settings: OpenAlexSettings
) -> WorksPlan:
    """The plan for the chosen members.

    Authors whose last sync failed come first, then new ones, then those whose sync is the longest ago.
    """
    refresh_after = timedelta(days=settings.refresh_after_days)

    def is_due(status: SyncStatus) -> bool:
        if options.list(AUTHOR) or options.is_full_refresh or status.last_synced_at is None:
            return True
        return status.last_synced_at + refresh_after <= datetime.now(UTC)

    statuses = [state.find_status(author_id) for author_id in chosen_ids]
    failed = [status for status in statuses if status.error]
    others = [status for status in statuses if not status.error and is_due(status)]
    # Groups that failed are swept one by one: a work that cannot be fetched then holds up its own group alone.
    batches = (
        *form_batches(failed, 1, is_full_refresh=options.is_full_refresh),
        *form_batches(others, _MAX_SWEEPS, is_full_refresh=options.is_full_refresh),
    )
    credits = sum(map(state.count_sweep_credits, chain(*batches)))
    return WorksPlan(batches, may_stop_early=credits > settings.sweep_credits)

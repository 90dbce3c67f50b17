"""The roster in groups of at most a hundred authors, who are requested together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loader.fetch.batches import split
from loader.sources.openalex.bookkeeping import SyncStatus
from loader.sources.openalex.client import MAX_VALUES


@dataclass(frozen=True)
class Group:
    """At most 100 authors; all of their works are requested (`is_full`), or only what changed."""

    author_ids: tuple[str, ...]
    is_full: bool


def form_batches(
    statuses: Sequence[SyncStatus], max_sweeps: int, *, is_full_refresh: bool
) -> Iterator[Sequence[Group]]:
    """First the groups whose works are requested in full, each a batch; then the others, `max_sweeps` in a batch."""
    in_full = [status.author_id for status in statuses if is_full_refresh or not status.last_synced_at]
    swept = sorted(
        (status.last_synced_at, status.author_id)
        for status in statuses
        if status.last_synced_at and not is_full_refresh
    )
    for author_ids in split(in_full, MAX_VALUES):
        yield [Group(tuple(author_ids), is_full=True)]
    groups = [Group(tuple(author_id for _, author_id in part), is_full=False) for part in split(swept, MAX_VALUES)]
    yield from split(groups, max_sweeps)

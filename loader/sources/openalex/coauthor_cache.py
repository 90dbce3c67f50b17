"""When coauthors outside the roster began to publish: requested one by one, and kept for a year.

Raw holds only what these people wrote with the roster, so it does not show when their careers began.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from loader.base.errors import HeadwaterError
from loader.fetch.batches import split
from loader.fetch.failures import Failures
from loader.fetch.pages import Page
from loader.raw.rejects import list_open
from loader.sources.contract import Estimate, SourceRun
from loader.sources.openalex.client import OpenAlexClient, WorksByYear
from loader.sources.openalex.coauthors import rank_coauthors
from loader.sources.openalex.options import AUTHOR
from loader.sources.openalex.settings import OpenAlexSettings

TABLE = "coauthor_years"
_ASK_AGAIN_AFTER = timedelta(days=365)
_COAUTHORS_PER_LOAD = 200
_RECORDS_PER_PAGE = 20
_MAX_FAILURES = 3  # in a row: one who cannot be fetched does not hold up the others


class CoauthorCache:
    """Requests coauthors in one run, a batch a load; those who share the most works come first."""

    def __init__(self, run: SourceRun[OpenAlexSettings], client: OpenAlexClient) -> None:
        self._raw = run.raw
        self._options = run.options
        self._progress = run.progress
        self._client = client
        self._most = run.settings.coauthor_credits
        self._due_count = 0
        self._answered = 0
        self._failures = Failures(_MAX_FAILURES)
        self._credits_before: int | None = None

    def plan(self) -> list[Sequence[str]]:
        """The batches of this run: as many of the due coauthors as the limits allow."""
        return list(split(self._choose(), _COAUTHORS_PER_LOAD))

    def estimate(self, member_ids: Sequence[str]) -> Estimate | None:
        """What these requests cost for these members, by what raw holds; None if the run asks for no coauthors.

        The works that the run brings first may name any number more.
        """
        if not self._most or self._options.list(AUTHOR):
            return None
        due = len(self._list_due(member_ids))
        most = min(self._most, self._client.available_credits // 2)
        note = f"{due:,} are due by what is loaded; those of new works are additional"
        return Estimate("first and last years of coauthors", min(due, most), most, note)

    def list_pages(self, batch: Sequence[str]) -> Iterator[Page]:
        """The answers for the authors of a batch."""
        for author_ids in split(batch, _RECORDS_PER_PAGE):
            records = [self._ask(author_id) for author_id in author_ids]
            yield Page([record for record in records if record is not None], len(batch))
            if self.has_ended:
                return

    @property
    def has_ended(self) -> bool:
        """Whether no further coauthors are requested in this run."""
        return self._failures.has_ended or self._is_half_spent()

    @property
    def error(self) -> HeadwaterError | None:
        """Why no further coauthors are requested, if OpenAlex failed several times in a row."""
        if not self._failures.has_too_many:
            return None
        return HeadwaterError(
            f"The years of {self._due_count - self._answered:,} coauthors could not be fetched; the next run"
            f" continues. {self._failures.last_error}"
        )

    def report_remaining(self) -> None:
        """Warns of the coauthors that could not be fetched or are left for the next run, unless `error` says so."""
        if self.error:
            return
        errors, stopped_by = self._failures.errors, self._failures.stopped_by
        if errors:
            self._progress.warn(
                f"The years of {len(errors):,} coauthors could not be fetched; the next run requests them again."
                f" {errors[0]}"
            )
        if self._due_count > self._answered + len(errors):
            reason = f" {stopped_by}" if stopped_by else ""
            self._progress.warn(
                f"The first and last years of {self._answered:,} of {self._due_count:,} coauthors were fetched; the"
                f" next run continues.{reason}"
            )

    def _is_half_spent(self) -> bool:
        """Whether one more would take more than half of what was left of the day's budget before the first coauthor."""
        remaining = self._client.remaining_credits
        # A run that requested nothing else learns from its first coauthor what is left.
        if remaining is None:
            return False
        if self._credits_before is None:
            self._credits_before = remaining + self._answered
        return self._credits_before - remaining >= self._credits_before // 2

    def _choose(self) -> list[str]:
        # A run of single authors should be quick, and coauthors are ranked over all members.
        if not self._most or self._options.list(AUTHOR):
            return []
        due = self._list_due()
        self._due_count = len(due)
        # The other half is for later runs of the day: their works matter more.
        return due[: min(self._most, self._client.available_credits // 2)]

    def _list_due(self, member_ids: Sequence[str] | None = None) -> list[str]:
        ranked = rank_coauthors(self._raw, member_ids)
        if self._options.is_full_refresh:
            return ranked
        asked_at = self._read_asked()
        since = datetime.now(UTC) - _ASK_AGAIN_AFTER
        return [author_id for author_id in ranked if author_id not in asked_at or asked_at[author_id] <= since]

    def _read_asked(self) -> dict[str, datetime]:
        """When each was last requested, also if the answer was rejected: it is pending for a replay."""
        if not self._raw.has_table(TABLE):
            return {}
        asked_at = dict(self._raw.query(f"select id, updated_at from {{raw}}.{TABLE}"))
        rejects = (reject for reject in list_open(self._raw) if reject.resource == TABLE)
        return asked_at | {reject.record_id: reject.rejected_at for reject in rejects if reject.record_id}

    def _ask(self, author_id: str) -> bytes | None:
        """The record of the answer; None if there was none, or if no further coauthors are requested."""
        if self.has_ended:
            return None
        asked_at = datetime.now(UTC)
        with self._failures.catch():
            works = self._client.count_works_by_year(author_id)
            self._answered += 1
            return _describe(author_id, works, asked_at)
        return None


def _describe(author_id: str, works: WorksByYear, asked_at: datetime) -> bytes:
    """The record of an answer, with the answer in it as it was sent."""
    return msgspec.json.encode(
        {
            "id": author_id,
            "asked_at": asked_at.isoformat(),
            "status": "found" if works.count else "not_found",
            "answer": msgspec.Raw(works.answer),
        }
    )

"""When coauthors outside the roster began to publish: requested one by one, and kept for a year.

Raw holds only what these people wrote with the roster, so it does not show when their careers began.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import islice

import msgspec

from loader.base.errors import HeadwaterError
from loader.fetch.batches import split
from loader.fetch.failures import Failures
from loader.fetch.pages import Page
from loader.raw.rejects import list_open
from loader.sources.contract import Estimate, SourceRun
from loader.sources.openalex.client import OpenAlexClient, WorksByYear
from loader.sources.openalex.coauthor_ages import CoauthorAges
from loader.sources.openalex.coauthors import rank_coauthors
from loader.sources.openalex.options import AUTHOR
from loader.sources.openalex.settings import OpenAlexSettings

TABLE = "coauthor_years"
_ANY_WORK = "select id from {raw}.works limit 1"
_ASK_AGAIN_AFTER = timedelta(days=365)
_COAUTHORS_PER_LOAD = 200
_RECORDS_PER_PAGE = 20
_MAX_FAILURES = 3  # in a row: one who cannot be fetched does not hold up the others
# Enough for the pace with a key, 30 a second, where an answer takes half a second. The pace is the session's.
_MAX_AT_ONCE = 16


class CoauthorCache:
    """Requests coauthors in one run, a batch a load; those who share the most works come first."""

    def __init__(self, run: SourceRun[OpenAlexSettings], client: OpenAlexClient) -> None:
        self._raw = run.raw
        self._options = run.options
        self._progress = run.progress
        self._client = client
        self._most = run.settings.coauthor_credits
        self._defer_up_to = run.settings.defer_coauthors_up_to
        self._is_first_run = not (self._raw.has_table("works") and self._raw.query_keys(_ANY_WORK))
        self._ranked: Mapping[str, int | None] = {}
        self._ages: CoauthorAges | None = None
        self._due_count = 0
        self._chosen_count = 0
        self._taken_count = 0
        self._has_ended = False
        self._answered = 0
        self._failures = Failures(_MAX_FAILURES)
        self._credits_before: int | None = None

    def plan(self, member_count: int) -> list[Sequence[str]]:
        """The batches of this run: as many of the due coauthors as the limits allow.

        None in the first run of a small roster, whose marts need not wait for them.
        """
        chosen = self._choose()
        if self._is_deferred(member_count):
            chosen = []
        self._chosen_count = len(chosen)
        return list(split(chosen, _COAUTHORS_PER_LOAD))

    def _is_deferred(self, member_count: int) -> bool:
        return self._is_first_run and member_count <= self._defer_up_to

    def estimate(self, member_ids: Sequence[str], member_count: int | None) -> Estimate | None:
        """What these requests cost for these members, by what raw holds; None if the run asks for no coauthors.

        The works that the run brings first may name any number more. `member_count` is None if it is not known.
        """
        if not self._most or self._options.list(AUTHOR):
            return None
        if member_count is not None and self._is_deferred(member_count):
            note = f"left for later runs, at most {self._most:,} in each"
            return Estimate("first and last years of coauthors", 0, 0, note)
        due = len(self._list_due(member_ids))
        most = min(self._most, self._client.available_credits // 2)
        note = f"{due:,} are due by what is loaded; those of new works are additional"
        return Estimate("first and last years of coauthors", min(due, most), most, note)

    def list_pages(self, batch: Sequence[str]) -> Iterator[Page]:
        """The answers for the authors of a batch, in its order."""
        expected = self._chosen_count - self._taken_count
        self._taken_count += len(batch)
        answers = self._ask_side_by_side(batch)
        for records in iter(lambda: list(islice(answers, _RECORDS_PER_PAGE)), []):
            yield Page(records, expected)

    @property
    def has_ended(self) -> bool:
        """Whether no further coauthors are requested in this run."""
        return self._has_ended or self._is_half_spent(0)

    @property
    def error(self) -> HeadwaterError | None:
        """Why no further coauthors are requested, if OpenAlex failed several times in a row."""
        if not self._failures.has_too_many:
            return None
        return HeadwaterError(
            f"The years of {self._due_count - self._answered:,} coauthors could not be fetched; the next run"
            f" continues. {self._failures.last_error}"
        )

    def report(self) -> None:
        """Says which ages changed and which are provisional, and warns of coauthors that could not be fetched."""
        if self._ages is None:
            return
        if self._answered:
            self._progress.conclude(self._ages.describe_changes())
        if provisional := self._ages.count_provisional():
            self._progress.conclude(
                f"Ages of {provisional:,} coauthors are provisional until their first years are fetched (about"
                f" {self._due_count - self._answered:,} requests, at most {self._most:,} in each run); the next run"
                " continues."
            )
        if self.error:
            return
        errors, stopped_by = self._failures.errors, self._failures.stopped_by
        if errors:
            self._progress.warn(
                f"The years of {len(errors):,} coauthors could not be fetched; the next run requests them again."
                f" {errors[0]}"
            )
        if self._chosen_count and self._due_count > self._answered + len(errors):
            reason = f" {stopped_by}" if stopped_by else ""
            self._progress.warn(
                f"The first and last years of {self._answered:,} of {self._due_count:,} coauthors were fetched; the"
                f" next run continues.{reason}"
            )

    def _is_half_spent(self, in_flight: int) -> bool:
        """Whether one more would take more than half of what was left of the day's budget before the first coauthor."""
        remaining = self._client.remaining_credits
        # A run that requested nothing else learns from its first coauthor what is left.
        if remaining is None:
            return False
        if self._credits_before is None:
            self._credits_before = remaining + self._answered
        return self._credits_before - remaining + in_flight >= self._credits_before // 2

    def _choose(self) -> list[str]:
        # A run of single authors should be quick, and coauthors are ranked over all members.
        if not self._most or self._options.list(AUTHOR):
            return []
        due = self._list_due()
        self._due_count = len(due)
        # The other half is for later runs of the day: their works matter more.
        chosen = due[: min(self._most, self._client.available_credits // 2)]
        self._ages = CoauthorAges(self._raw, self._ranked, chosen)
        return chosen

    def _list_due(self, member_ids: Sequence[str] | None = None) -> list[str]:
        ranked = self._ranked = rank_coauthors(self._raw, member_ids)
        if self._options.is_full_refresh:
            return list(ranked)
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

    def _ask_side_by_side(self, author_ids: Sequence[str]) -> Iterator[bytes]:
        """The records of the answers, in the order of the authors; ends with what the limits or OpenAlex allow."""
        coming, sent = deque(author_ids), deque[Future[bytes]]()
        pool = ThreadPoolExecutor(_MAX_AT_ONCE, thread_name_prefix="coauthors")
        try:
            while True:
                while coming and len(sent) < self._count_at_once() and not self._may_not_send(len(sent)):
                    sent.append(pool.submit(self._ask, coming.popleft()))
                if not sent:
                    return
                record = self._take(sent.popleft())
                if record is not None:
                    yield record
        finally:
            # An interrupted run does not wait for requests on their way.
            pool.shutdown(wait=False, cancel_futures=True)

    def _count_at_once(self) -> int:
        """Before the first answer nobody knows what is left of the budget."""
        is_known = self._client.remaining_credits is not None or self._answered or self._failures.errors
        return _MAX_AT_ONCE if is_known else 1

    def _may_not_send(self, in_flight: int) -> bool:
        return self._has_ended or self._is_half_spent(in_flight)

    def _take(self, answer: Future[bytes]) -> bytes | None:
        """The record of an answer, None if there was none. What was on its way when the requests ended counts, too."""
        if self._has_ended:
            if answer.exception():
                return None
            self._answered += 1
            return answer.result()
        record = None
        with self._failures.catch():
            record = answer.result()
            self._answered += 1
        self._has_ended = self._failures.has_ended
        return record

    def _ask(self, author_id: str) -> bytes:
        asked_at = datetime.now(UTC)
        return _describe(author_id, self._client.count_works_by_year(author_id), asked_at)


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

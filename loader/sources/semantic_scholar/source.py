"""Semantic Scholar as a source: papers, and what became of the DOIs that were requested."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import tee
from typing import ClassVar

from dlt.common.configuration import configspec

from loader.fetch.batches import BatchAnswer, look_up
from loader.fetch.failures import Failures
from loader.fetch.pages import Page
from loader.fetch.refusals import UnavailableError
from loader.raw.documents import Documents
from loader.raw.ledger import Progress
from loader.sources.contract import Batch, Estimate, Plan, RunEstimate, Source, SourceRun
from loader.sources.questions import ask_key, ask_whether
from loader.sources.semantic_scholar.client import MAX_IDS, SemanticScholarClient
from loader.sources.semantic_scholar.due import find_openalex, list_due_dois, presume_members
from loader.sources.semantic_scholar.models import Lookup, Paper, describe_lookup
from loader.sources.settings import HttpSettings

_MAX_FAILURES = 2  # in a row: a batch that cannot be answered does not hold up the others


@configspec
class SemanticScholarSettings(HttpSettings):
    """Papers that were found are looked up again after `refresh_after_days`. Without a key it is slow, so it is off."""

    minimums: ClassVar[Mapping[str, float]] = {"refresh_after_days": 0}

    enabled: bool = False
    base_url: str = "https://api.semanticscholar.org"
    requests_per_second: float | None = 1.0
    refresh_after_days: float = 30.0


Run = SourceRun[SemanticScholarSettings]


class Answers:
    """The answers of one run, requested once for both resources, which dlt reads in turns."""

    def __init__(self, run: Run, dois: list[str]) -> None:
        self._papers, self._lookups = tee(_look_up(SemanticScholarClient(run), dois, run.progress))

    def list_papers(self) -> Iterator[Page]:
        """The papers that were found."""
        for answer in self._papers:
            yield Page([record for record in answer.records if record is not None])

    def list_lookups(self) -> Iterator[Page]:
        """What became of each DOI."""
        for answer in self._lookups:
            pairs = zip(answer.ids, answer.records, strict=True)
            lookups = (describe_lookup(doi, record, answer.asked_at) for doi, record in pairs)
            yield Page([lookup for lookup in lookups if lookup is not None])


def plan_semantic_scholar(run: Run) -> Plan:
    """One load: papers and the note that they were requested are in raw together or not at all."""
    yield Batch(("papers", "lookups"), Answers(run, _list_dois(run)))


def estimate_semantic_scholar(run: Run) -> RunEstimate:
    """The look-ups that are due by what raw holds."""
    dois = len(_list_dois(run, presume_members(run.raw)))
    note = "those of works that OpenAlex brings first are additional"
    estimate = Estimate(f"what is known of {dois:,} DOIs", -(-dois // MAX_IDS), None, note)
    return RunEstimate([estimate], run.settings.requests_per_day)


def _list_dois(run: Run, member_ids: Sequence[str] | None = None) -> list[str]:
    if not find_openalex(run.raw).has_table("works"):
        run.progress.warn("No works of OpenAlex are loaded yet, so there is no DOI to look up.")
    return list_due_dois(
        run.raw,
        run.settings.refresh_after_days,
        is_full_refresh=run.options.is_full_refresh,
        member_ids=member_ids,
    )


def _look_up(client: SemanticScholarClient, dois: list[str], progress: Progress) -> Iterator[BatchAnswer]:
    """The answers. DOIs without an answer are reported as a failure, and are due again in the next run."""
    # A refusal comes at once and costs one request, so it does not count towards giving up.
    failures = Failures(_MAX_FAILURES, counted=UnavailableError)
    answered = 0
    for answer in look_up(dois, client.ask, most_ids=MAX_IDS, failures=failures):
        answered += len(answer.ids)
        yield answer
    if failures.last_error:
        progress.fail(
            f"{len(dois) - answered:,} of {len(dois):,} DOIs were not answered; the next run requests them again."
            f" {failures.last_error}",
            failures.last_error,
        )


SOURCE = Source(
    name="semantic_scholar",
    domain="academic",
    settings=SemanticScholarSettings,
    resources=(Documents("papers", Paper, Answers.list_papers), Documents("lookups", Lookup, Answers.list_lookups)),
    options=(),
    plan=plan_semantic_scholar,
    estimate=estimate_semantic_scholar,
    questions=(
        ask_whether("enabled", "Load fields of study, summaries and influential citations (yes or no)"),
        ask_key("API key, free at semanticscholar.org/product/api"),
    ),
    without_key="all users without a key share one allowance at Semantic Scholar, and often have to wait",
    after=("openalex",),
)

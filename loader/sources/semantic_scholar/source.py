"""The resources of Semantic Scholar: papers, and what became of the DOIs that were asked for."""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import tee
from pathlib import Path
from typing import Any

import dlt
from dlt.common.configuration.exceptions import ConfigFieldMissingException
from dlt.extract import DltResource

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.fetch.pages import Page
from loader.fetch.session import UnavailableError
from loader.raw.documents import document_resource, load_documents
from loader.raw.ledger import Progress
from loader.raw.record import Record
from loader.raw.warehouse import RawSchema
from loader.sources.semantic_scholar.client import Answer, SemanticScholarClient
from loader.sources.semantic_scholar.due import DuePapers
from loader.sources.semantic_scholar.models import Lookup, Paper, describe_lookup

MODELS: dict[str, type[Record]] = {"papers": Paper, "lookups": Lookup}

_MOST_FAILURES = 2  # in a row: a batch that cannot be answered does not keep the others from it


@dlt.source(name="semantic_scholar", section="semantic_scholar")
def semantic_scholar_source(
    raw: RawSchema,
    progress: Progress,
    request_counts: Path,
    due: DuePapers,
    base_url: str = "https://api.semanticscholar.org",
    api_key: dlt.TSecretStrValue | None = None,
    requests_per_second: float = 1.0,
    refresh_after_days: float = 30.0,
) -> Iterable[DltResource]:
    """Semantic Scholar's papers of the DOIs in OpenAlex's raw works, as documents.

    `raw`, `progress` and `due` come from the run (`request_counts` too: there is no daily limit here); all else from
    dlt's configuration, `sources.semantic_scholar.*`.
    """
    if refresh_after_days < 0:
        raise HeadwaterError(
            f"sources.semantic_scholar.refresh_after_days is {refresh_after_days:g}; it must not be below 0."
        )
    due.refresh_after_days = refresh_after_days
    client = SemanticScholarClient(base_url, api_key, requests_per_second)
    if not api_key:
        progress.warn(
            "There is no key in sources.semantic_scholar.api_key: all who have none share what Semantic Scholar allows,"
            " and are often made to wait."
        )
    if not due.has_works:
        progress.warn("No works of OpenAlex are loaded yet, so there is no DOI to ask Semantic Scholar for.")

    @cache
    def ask() -> tuple[Iterator[Answer], ...]:
        """One asking for both resources, which dlt reads in turns."""
        return tee(_look_up(client, due.list_dois(), progress))

    def list_papers() -> Iterator[Page]:
        for answer in ask()[0]:
            yield Page([record for record in answer.records if record is not None])

    def list_lookups() -> Iterator[Page]:
        for answer in ask()[1]:
            pairs = zip(answer.dois, answer.records, strict=True)
            lookups = (describe_lookup(doi, record, answer.asked_at) for doi, record in pairs)
            yield Page([lookup for lookup in lookups if lookup is not None])

    def build(name: str, pages: Callable[[], Iterable[Page]]) -> DltResource:
        def rows() -> Iterator[Any]:
            yield from load_documents(pages(), resource=name, model=MODELS[name], raw=raw, progress=progress)

        return document_resource(name, rows)

    return [build("papers", list_papers), build("lookups", list_lookups)]


def is_configured() -> bool:
    """Whether the configuration asks for it: without a key it is slow and often refused, so it is not on by itself."""
    try:
        return bool(dlt.config.get("sources.semantic_scholar.enabled", bool))
    except (KeyError, ConfigFieldMissingException):
        return False


def _look_up(client: SemanticScholarClient, dois: list[str], progress: Progress) -> Iterator[Answer]:
    """The answers that can be had. What has none is told as a failure, and is due again in the next run."""
    answered = failures = 0
    error: HeadwaterError | None = None
    for batch in client.split(dois):
        try:
            for answer in client.look_up(batch):
                answered += len(answer.dois)
                yield answer
            failures = 0
        except UnavailableError as unavailable:
            error, failures = unavailable, failures + 1
            if failures == _MOST_FAILURES:
                break
        except StopLoadingError as stopped:
            error = stopped
            break
        except HeadwaterError as refused:
            # An answer, and at once: however many batches hold a DOI that is refused, each costs one request.
            error, failures = refused, 0
    if error:
        progress.fail(
            f"{len(dois) - answered:,} of {len(dois):,} DOIs were not answered and are asked for again in the next"
            f" run. {error}"
        )

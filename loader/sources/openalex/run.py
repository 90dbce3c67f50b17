"""How OpenAlex is loaded: roster and works, batch by batch, authors where due, what works name, coauthors' years."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from dlt.common.exceptions import DltException
from dlt.extract import DltSource

from loader.base.errors import HeadwaterError, StopLoadingError, list_causes
from loader.raw.warehouse import RawSchema
from loader.sources.contract import Estimate, LoadOptions
from loader.sources.openalex.author_records import AuthorRecords
from loader.sources.openalex.coauthor_cache import CoauthorCache
from loader.sources.openalex.estimate import estimate_requests
from loader.sources.openalex.source import STAGES
from loader.sources.openalex.sync import WorksSync

if TYPE_CHECKING:
    from loader.runs.runner import SourceRun

_PEOPLE_AND_WORKS, _NAMED, _COAUTHORS = STAGES
_WITHOUT_AUTHORS = tuple(resource for resource in _PEOPLE_AND_WORKS if resource != "authors")


def load_openalex(run: "SourceRun", options: LoadOptions) -> Iterator[str]:
    """Yields each resource as soon as raw holds what it brought, once for each load.

    A group of authors that cannot be had does not keep the others from theirs: it is told at the end, as a
    HeadwaterError, and tried first next time. Without a budget nothing more is asked for, and the error tells the
    groups that failed before, too. Where it ends only for coauthors the run has what it must have: they are the next
    run's, which is told.
    """
    sync, records, cache = WorksSync(run.raw, options), AuthorRecords(run.raw, options), CoauthorCache(run.raw, options)
    source = run.build(sync=sync, records=records, cache=cache)
    load = partial(run.load, source)
    ended_by: HeadwaterError | None = None
    try:
        yield from _load_in_turn(sync, records, cache, run.raw, load)
    except (HeadwaterError, DltException) as error:
        ended_by = _find_refusal(error)
        if ended_by is None or not sync.failures:
            raise
    if ended_by:
        load("sync_status")
    failures = [_describe_failures(sync)] if sync.failures else []
    failures += [str(error) for error in (ended_by, cache.error) if error]
    if failures:
        raise HeadwaterError(" ".join(failures))


def _load_in_turn(
    sync: WorksSync, records: AuthorRecords, cache: CoauthorCache, raw: RawSchema, load: Callable[..., None]
) -> Iterator[str]:
    """Loads part by part as load_openalex says; `load` loads resources. Raises what ends the run."""
    batches = sync.plan()
    estimates = estimate_requests(sync, records, batches, raw, orcid_count=0)
    sync.hold_against_budget(sum(estimate.credits for estimate in estimates))
    records.batch = records.find_missing(sync.member_ids)
    resources: tuple[str, ...] = _PEOPLE_AND_WORKS if records.batch else _WITHOUT_AUTHORS
    if not batches:
        people = [resource for resource in resources if resource != "works"]
        load(*people)
        yield from people
        resources = ("works",)
    for batch in batches:
        sync.batch = batch
        try:
            load(*resources)
        except (HeadwaterError, DltException) as error:
            refusal = _find_refusal(error)
            if refusal is None or isinstance(refusal, StopLoadingError) or not batch[0].is_full:
                raise
            sync.fail(batch[0], refusal)
            continue
        yield from resources
        resources = ("works",)
        if sync.stopped_by:
            raise sync.stopped_by
    if sync.failures:
        load("sync_status")
    if resources == ("works",):
        records.batch = records.find_due(sync.member_ids)
        named = ("authors", *_NAMED) if records.batch else _NAMED
        load(*named)
        yield from named
    for coauthors in cache.plan():
        cache.batch = coauthors
        load(*_COAUTHORS)
        yield from _COAUTHORS
        if cache.has_ended:
            break
    cache.tell()


def estimate_openalex(build: Callable[..., DltSource], raw: RawSchema, options: LoadOptions) -> list[Estimate]:
    """What load_openalex would ask for, by what raw holds; asks for nothing.

    `build` makes the source, given what is not dlt's configuration or the run's.
    """
    sync, records, cache = WorksSync(raw, options), AuthorRecords(raw, options), CoauthorCache(raw, options)
    build(sync=sync, records=records, cache=cache)
    author_ids, orcid_count = sync.find_members_without_asking()
    batches = sync.plan_for(author_ids)
    estimates = estimate_requests(sync, records, batches, raw, orcid_count=orcid_count)
    coauthors = cache.estimate()
    return [*estimates, coauthors] if coauthors.credits else estimates


def _find_refusal(error: BaseException) -> HeadwaterError | None:
    """What the source or its settings refused, if that is what went wrong."""
    return next((cause for cause in list_causes(error) if isinstance(cause, HeadwaterError)), None)


def _describe_failures(sync: WorksSync) -> str:
    authors = sum(len(group.author_ids) for group in sync.failures)
    first = next(iter(sync.failures.values()))
    return f"The works of {authors:,} authors could not be brought up to date; they come first next time. {first}"

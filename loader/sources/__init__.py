"""The sources that the warehouse can load."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlt.extract import DltSource

from loader.raw.record import Record
from loader.raw.warehouse import RawSchema
from loader.sources import openalex, semantic_scholar
from loader.sources.contract import Estimate, LoadOptions

if TYPE_CHECKING:
    from loader.runs.runner import SourceRun


@dataclass(frozen=True)
class SourceEntry:
    """A source as the loader runs it.

    `load` yields each resource as soon as raw holds what it brought; `estimate` tells what that would ask for.
    `takes_authors`: whether a run may be narrowed to single authors.
    """

    name: str
    build: Callable[..., DltSource]
    models: Mapping[str, type[Record]]
    is_configured: Callable[[], bool]
    load: Callable[["SourceRun", LoadOptions], Iterator[str]]
    estimate: Callable[[Callable[..., DltSource], RawSchema, LoadOptions], list[Estimate]]
    takes_authors: bool


SOURCES = {
    entry.name: entry
    for entry in [
        SourceEntry(
            "openalex",
            openalex.openalex_source,
            openalex.MODELS,
            openalex.is_configured,
            openalex.load_openalex,
            openalex.estimate_openalex,
            takes_authors=True,
        ),
        # After OpenAlex, whose works tell what to ask for.
        SourceEntry(
            "semantic_scholar",
            semantic_scholar.semantic_scholar_source,
            semantic_scholar.MODELS,
            semantic_scholar.is_configured,
            semantic_scholar.load_semantic_scholar,
            semantic_scholar.estimate_semantic_scholar,
            takes_authors=False,
        ),
    ]
}

"""The sources that the warehouse can load."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dlt.extract import DltSource

from loader.documents import Record
from loader.options import Estimate, LoadOptions
from loader.sources import openalex, semantic_scholar
from loader.warehouse import RawSchema

if TYPE_CHECKING:
    from loader.loads import SourceRun


@dataclass(frozen=True)
class SourceEntry:
    """A source as the loader runs it: stage after stage, each a load of its own, or as `load` says."""

    name: str
    build: Callable[..., DltSource]
    models: Mapping[str, type[Record]]
    stages: tuple[tuple[str, ...], ...]
    is_configured: Callable[[], bool]
    load: Callable[["SourceRun", LoadOptions], Iterator[str]] | None = None
    estimate: Callable[[Callable[..., DltSource], RawSchema, LoadOptions], list[Estimate]] | None = None


SOURCES = {
    entry.name: entry
    for entry in [
        SourceEntry(
            "openalex",
            openalex.openalex_source,
            openalex.MODELS,
            openalex.STAGES,
            openalex.is_configured,
            openalex.load_openalex,
            openalex.estimate_openalex,
        ),
        # After OpenAlex, whose works tell what to ask for.
        SourceEntry(
            "semantic_scholar",
            semantic_scholar.semantic_scholar_source,
            semantic_scholar.MODELS,
            semantic_scholar.STAGES,
            semantic_scholar.is_configured,
        ),
    ]
}

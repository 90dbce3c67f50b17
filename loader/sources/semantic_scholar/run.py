"""How Semantic Scholar is loaded: papers and lookups in one load, of the DOIs that are due."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from dlt.extract import DltSource

from loader.base.errors import HeadwaterError
from loader.raw.warehouse import RawSchema
from loader.sources.contract import Estimate, LoadOptions
from loader.sources.semantic_scholar.client import MOST_IDS
from loader.sources.semantic_scholar.due import DuePapers
from loader.sources.semantic_scholar.source import MODELS

if TYPE_CHECKING:
    from loader.runs.runner import SourceRun


def load_semantic_scholar(run: "SourceRun", options: LoadOptions) -> Iterator[str]:
    """Yields both resources when raw holds what they brought; raises HeadwaterError where DOIs had no answer."""
    # One load: papers and the note that they were asked for are in raw together or not at all.
    run.load(run.build(due=DuePapers(run.raw, options)), *MODELS)
    yield from MODELS
    if run.progress.failures:
        raise HeadwaterError(" ".join(run.progress.failures))


def estimate_semantic_scholar(build: Callable[..., DltSource], raw: RawSchema, options: LoadOptions) -> list[Estimate]:
    """What load_semantic_scholar would ask for, by what raw holds; asks for nothing. `build` makes the source."""
    due = DuePapers(raw, options)
    build(due=due)
    dois = len(due.list_dois())
    note = "those of works that OpenAlex brings first come on top"
    return [Estimate(f"what is known of {dois:,} DOIs", -(-dois // MOST_IDS), note)]

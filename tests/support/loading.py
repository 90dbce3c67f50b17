"""Loads of one source into a warehouse of the test's own, in the test's process."""

import dataclasses
from functools import partial
from typing import Any

from dlt.extract import DltSource

from loader.base.console import build_console
from loader.base.settings import Settings
from loader.runs.runner import SourceLoad, estimate_sources, load_source, run_sources
from loader.sources import SOURCES, SourceEntry
from loader.sources.contract import Estimate, LoadOptions


class SourceLoader:
    """Loads a source, given as `arguments` what dlt's configuration would say."""

    def __init__(self, source: str, settings: Settings, **arguments: Any) -> None:
        self.settings = settings
        self.arguments = arguments
        self._source = source

    def load(self, options: LoadOptions | None = None, **changed: Any) -> SourceLoad:
        job = partial(load_source, options=options or LoadOptions())
        (load,) = run_sources([self._change_entry(**changed)], self.settings, build_console(), job)
        return load

    def estimate(self, options: LoadOptions | None = None) -> list[Estimate]:
        entries = [self._change_entry()]
        ((_, estimates),) = estimate_sources(entries, self.settings, build_console(), options or LoadOptions())
        return estimates

    def _change_entry(self, **changed: Any) -> SourceEntry:
        entry = SOURCES[self._source]

        def build(**given: Any) -> DltSource:
            return entry.build(**given, **{**self.arguments, **changed})

        return dataclasses.replace(entry, build=build)

"""Loads of one source into a warehouse of the test's own, in the test's process."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from loader.base.console import build_console
from loader.base.settings import Settings
from loader.cli.rejects import replay_rejects
from loader.runs.results import SourceLoad
from loader.runs.runner import Job, estimate_sources, load_source, run_sources
from loader.sources import load_sources
from loader.sources.agenda import Agenda
from loader.sources.contract import FOLLOW, RunEstimate, RunOptions


class SourceLoader:
    """Loads a source, of any domain, with these settings as if they stood in the environment. None: not set there."""

    def __init__(self, source: str, settings: Settings, **configured: Any) -> None:
        self.settings = settings
        self.configured = configured
        self._source = source

    def load(self, options: RunOptions | None = None, **changed: Any) -> SourceLoad:
        return self._load(partial(load_source, options=options or RunOptions()), changed)

    def follow(self, agenda: Agenda) -> SourceLoad:
        """The next load of a run that follows."""
        options = RunOptions(narrowed_to={FOLLOW.name: ("yes",)})
        return self._load(partial(load_source, options=options, agendas={self._source: agenda}), {})

    def replay(self) -> SourceLoad:
        """What `dlt pipeline SOURCE replay` does."""
        return self._load(replay_rejects, {})

    def _load(self, job: Job, changed: Mapping[str, Any]) -> SourceLoad:
        with configure(self._source, {**self.configured, **changed}):
            (load,) = run_sources([load_sources()[self._source]], self.settings, build_console(), job)
        return load

    def estimate(self, options: RunOptions | None = None) -> RunEstimate:
        with configure(self._source, self.configured):
            ((_, estimates),) = estimate_sources(
                [load_sources()[self._source]], self.settings, build_console(), options or RunOptions()
            )
        assert estimates is not None
        return estimates


def narrow(option: str, *values: str, is_full_refresh: bool = False) -> RunOptions:
    """A run that is narrowed as by `--option value`."""
    return RunOptions(is_full_refresh, {option: values})


@contextmanager
def configure(source: str, configured: Mapping[str, Any]) -> Iterator[None]:
    """Puts a source's settings into the environment, and what was there back at the end."""
    values = {f"SOURCES__{source}__{name}".upper(): value for name, value in configured.items()}
    before = {name: os.environ.pop(name, None) for name in values}
    os.environ.update({name: str(value) for name, value in values.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

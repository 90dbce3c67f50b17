"""The way of a rejected record, by the commands that a user types."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from loader.sources.openalex import SOURCE
from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace

# The loader before its model was fixed: it took 20 citations for the maximum of a work.
_YESTERDAYS_LOADER = """
import sys
from dataclasses import replace
from pydantic import Field
from loader.runs.load_report import run_and_report
from loader.runs.runner import load_source
from loader.sources.openalex import SOURCE
from loader.sources.openalex.models import Work

class YesterdaysWork(Work):
    cited_by_count: int = Field(default=0, le=20)

def change(shape):
    return replace(shape, model=YesterdaysWork) if shape.name == "works" else shape

yesterday = replace(SOURCE, resources=tuple(map(change, SOURCE.resources)))
sys.exit(run_and_report("load", "openalex", lambda _: [yesterday], load_source))
"""


@dataclass(frozen=True)
class Loaded:
    """A workspace after a load: the id of the broken work, and how many works there are with it."""

    workspace: Workspace
    broken: str
    work_count: int

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.workspace.open_duckdb() as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def loaded(module_workspace: Workspace) -> Iterator[Loaded]:
    """A sample loaded by yesterday's loader, and one of its works broken at the source."""
    sample = Sample(module_workspace)
    broken = next(iter(sample.roster_works.values()))
    broken["fwci"] = "<b>high</b>\x1b[31m"
    broken["cited_by_count"] = 0
    with serve_sample(module_workspace, sample):
        module_workspace.run_well("python", "-c", _YESTERDAYS_LOADER)
        yield Loaded(module_workspace, broken["id"], len(sample.roster_works))


def test_rejected_records_are_listed_shown_replayed_once_and_remembered(loaded: Loaded) -> None:
    run = loaded.workspace.run_well
    listed = run("dlt", "pipeline", "openalex", "rejects")
    assert "cited_by_count: Input should be less than or equal to 20" in listed
    assert "fwci: Input should be a valid number" in listed
    assert loaded.broken in listed

    shown = run("dlt", "pipeline", "openalex", "rejects", "--show", loaded.broken.rpartition("/")[2])
    assert '"fwci":"<b>high</b>\\u001b[31m"' in shown
    assert "reason     fwci: Input should be a valid number" in shown

    ((before,),) = loaded.ask("select count(*) from raw_openalex.works")
    replayed = run("dlt", "pipeline", "openalex", "replay")
    assert "1 are still rejected (fwci: Input should be a valid number" in replayed
    assert "No rejected record can be loaded" in run("dlt", "pipeline", "openalex", "replay")
    assert "cited_by_count" not in run("dlt", "pipeline", "rejects")
    run("dlt", "pipeline", "openalex", "run")
    ((after, distinct),) = loaded.ask("select count(*), count(distinct id) from raw_openalex.works")
    assert after == distinct == loaded.work_count - 1
    assert loaded.ask("select outcome, count(*) from raw_openalex.replays group by 1") == [("loaded", after - before)]


def test_a_key_that_no_reject_has_is_said(loaded: Loaded) -> None:
    finished = loaded.workspace.run("dlt", "pipeline", "openalex", "rejects", "--show", "W99")
    assert finished.status == 1
    assert "No rejected record has the key 'W99'" in finished.output


def test_every_count_adds_up_after_a_replay(loaded: Loaded) -> None:
    printed = loaded.workspace.run_well(
        "dbt", "--no-use-colors", "test", "--select", "test_name:expect_sound_documents"
    )
    for resource in SOURCE.models:
        assert f"PASS source_expect_sound_documents_openalex_{resource}_" in printed

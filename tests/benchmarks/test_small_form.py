"""`make bench` with few rows: that it runs, and that what it counts is right. No time is judged."""

from pathlib import Path

import pytest

from loader.base.settings import ROOT
from loader.publish import postgres
from tests.benchmarks.bench import (
    load_floor,
    load_works,
    publish_floor,
    publish_rows,
    serve_postgres,
    serve_works,
)
from tests.benchmarks.sync import measure_days
from tests.support.warm import FORKED_BY, start_server
from tests.support.workspace import BENCH, Workspace

needs_bench = pytest.mark.skipif(not BENCH.exists(), reason=f"the benchmark server and floors are not at {BENCH}")


@needs_bench
def test_works_are_loaded_beside_their_floor(tmp_path: Path) -> None:
    works = 200
    with serve_works(works) as port:
        assert load_floor(port, tmp_path) > 0
        seconds, megabytes = load_works(port, works, tmp_path)
    assert seconds > 0
    assert megabytes > 0


@needs_bench
def test_rows_are_published_beside_their_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = 1_000
    monkeypatch.setenv(FORKED_BY, start_server(ROOT))
    with serve_postgres(tmp_path) as settings:
        assert publish_floor(postgres.find_server(settings, {}).connection_string, rows) > 0
        assert publish_rows(settings, rows) > 0


def test_a_second_day_costs_less_than_the_first(workspace: Workspace) -> None:
    first, second = measure_days(workspace, authors=8, works=200)
    assert 0 < second.lists < first.lists

"""Whatever happens to the state folder or the warehouse's file: it is noticed, nothing is missing, nothing is twice."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from loader.raw.pipelines import pipeline_for
from loader.runs.recovery import recover
from tests.support.raw import Raw, work

_OLD = "2026-01-01T00:00:00"
_NEW = "2026-02-01T00:00:00"


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Raw]:
    with Raw(tmp_path / "data") as made:
        yield made


def read_works(raw: Raw) -> list[tuple[object, ...]]:
    return raw.ask("select right(id, 2), document ->> 'title' from raw_openalex.works order by id")


def test_a_state_folder_that_is_gone_is_restored_from_the_warehouse(raw: Raw) -> None:
    raw.load([work(1), work(2)])
    shutil.rmtree(raw.settings.state)
    assert raw.load([work(1), work(2), work(3)]) == {"extracted": 3, "new": 1, "unchanged": 2}
    assert len(read_works(raw)) == 3
    assert "It is restored from the warehouse" in raw.progress.warnings[0]
    raw.load([work(4)])
    assert len(raw.progress.warnings) == 1


def test_a_warehouse_that_was_deleted_is_noticed_and_filled_again(raw: Raw) -> None:
    raw.load([work(1), work(2)])
    raw.connection.close()
    raw.settings.warehouse.unlink()
    raw.open()
    assert raw.load([work(1), work(2)]) == {"extracted": 2, "new": 2}
    assert len(read_works(raw)) == 2
    assert "was deleted, or an older copy" in raw.progress.warnings[0]
    raw.load([work(3)])
    assert len(raw.progress.warnings) == 1


@pytest.mark.parametrize("has_pending_package", [False, True])
def test_an_old_copy_of_the_warehouse_gets_what_it_lacks(raw: Raw, tmp_path: Path, has_pending_package: bool) -> None:
    raw.load([work(1, "old", _OLD), work(2)])
    raw.connection.close()
    shutil.copy(raw.settings.warehouse, tmp_path / "copy")
    raw.open()
    raw.load([work(1, "new", _NEW), work(2), work(3)])
    if has_pending_package:
        leave_pending(raw, [work(3, "newer", _NEW)])
    raw.connection.close()
    shutil.copy(tmp_path / "copy", raw.settings.warehouse)
    raw.open()
    counts = raw.load([work(1, "new", _NEW), work(2), work(3, "newer", _NEW)])
    assert counts == {"extracted": 3, "new": 1, "changed": 1, "unchanged": 1}
    assert read_works(raw) == [("W1", "new"), ("W2", "A title"), ("W3", "newer")]
    assert raw.ask("select sum(new_count) from raw_openalex.load_counts") == [(3,)]
    assert "an older copy was put in its place" in raw.progress.warnings[0]


def test_a_package_that_waits_in_an_old_state_never_pushes_out_what_is_newer(raw: Raw, tmp_path: Path) -> None:
    raw.load([work(1, "old", _OLD)])
    leave_pending(raw, [work(1, "waits", _OLD)])
    shutil.copytree(raw.settings.state, tmp_path / "copy")
    raw.load([work(1, "new", _NEW), work(2)])
    shutil.rmtree(raw.settings.state)
    shutil.copytree(tmp_path / "copy", raw.settings.state)
    raw.load([work(3)])
    assert read_works(raw) == [("W1", "new"), ("W2", "A title"), ("W3", "A title")]


def test_what_an_interrupted_run_left_is_loaded_before_new_data(raw: Raw) -> None:
    raw.load([work(1, "first", _OLD)])
    leave_pending(raw, [work(1, "waits", _NEW), work(2)])
    counts = raw.load([work(1, "waits", _NEW), work(2), work(3)])
    assert counts == {"extracted": 3, "new": 1, "unchanged": 2}
    assert read_works(raw) == [("W1", "waits"), ("W2", "A title"), ("W3", "A title")]
    assert raw.ask("select sum(new_count), sum(changed_count) from raw_openalex.load_counts") == [(3, 1)]
    assert raw.progress.warnings == ["An earlier run was interrupted; what it had fetched is loaded first."]


def leave_pending(raw: Raw, page: list[bytes]) -> None:
    """Does what a run that ends after normalising has done."""
    pipeline = recover(pipeline_for("openalex", raw.settings, raw.connection), raw.schema, raw.progress)
    pipeline.extract(raw.build_source(page), loader_file_format="parquet")
    pipeline.normalize()

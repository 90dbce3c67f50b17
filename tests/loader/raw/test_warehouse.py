"""One process at a time: others wait for a limited time, then report who holds the file."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loader.base.errors import HeadwaterError
from loader.raw.warehouse import open_warehouse

_HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


@contextmanager
def hold(path: Path) -> Iterator[int]:
    """Another process that holds the file until the block ends; yields its number."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        yield holder.pid
        holder.stdin.write("\n")
        holder.stdin.flush()


def test_a_held_warehouse_is_refused_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with (
        hold(path) as pid,
        pytest.raises(HeadwaterError, match=rf"held by process {pid} \(.*python"),
        open_warehouse(path, wait_seconds=0),
    ):
        pass


def test_a_warehouse_that_becomes_free_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with hold(path):
        pass
    with open_warehouse(path, wait_seconds=30) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("not a database " * 100)
    with pytest.raises(HeadwaterError, match="is not a DuckDB file"), open_warehouse(path, wait_seconds=0):
        pass
    assert path.read_text() == "not a database " * 100


def test_a_table_of_text_is_no_warehouse(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.csv"
    path.write_text("hello,world\n1,2\n")
    with pytest.raises(HeadwaterError, match="is not a DuckDB file"), open_warehouse(path, wait_seconds=0):
        pass
    assert path.read_text() == "hello,world\n1,2\n"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match="is a folder"), open_warehouse(tmp_path, wait_seconds=0):
        pass

"""The requests of a day are counted once for all threads, processes and runs."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT
from loader.fetch.allowance import DailyAllowance

SPEND = """
import sys
from pathlib import Path
from loader.fetch.allowance import DailyAllowance
from loader.base.errors import HeadwaterError

allowance = DailyAllowance(Path(sys.argv[1]), name="works", requests_per_day=60, setting="works.a_day")
for _ in range(50):
    try:
        allowance.spend()
        print("spent")
    except HeadwaterError as error:
        print(error, file=sys.stderr)
"""


def build_allowance(folder: Path, requests_per_day: int = 2, name: str = "works") -> DailyAllowance:
    path = folder / "state" / "counts.sqlite"
    return DailyAllowance(path, name=name, requests_per_day=requests_per_day, setting="works.a_day")


def move_to_yesterday(path: Path, table: str = "works") -> None:
    """Makes all that was counted in a file a thing of yesterday's last second."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"update {table} set item_timestamp = ?", [int(midnight.timestamp() * 1000) - 1])


def test_a_day_s_requests_end_and_the_next_day_has_new_ones(tmp_path: Path) -> None:
    allowance = build_allowance(tmp_path)
    today = datetime.now(UTC).date()
    allowance.spend()
    build_allowance(tmp_path).spend()
    with pytest.raises(HeadwaterError, match=r"2 requests a day that works\.a_day allows are used up") as raised:
        allowance.spend()
    assert "What was loaded is kept; the next run continues." in str(raised.value)
    assert f"the next is free at {today + timedelta(days=1)} 00:00 UTC" in str(raised.value)
    move_to_yesterday(tmp_path / "state" / "counts.sqlite")
    for _ in range(2):
        allowance.spend()
    with pytest.raises(HeadwaterError):
        allowance.spend()


def test_what_earlier_days_spent_is_forgotten(tmp_path: Path) -> None:
    build_allowance(tmp_path).spend()
    path = tmp_path / "state" / "counts.sqlite"
    move_to_yesterday(path)
    build_allowance(tmp_path).spend()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("select count(*) from works").fetchone() == (1,)


def test_each_name_has_its_own(tmp_path: Path) -> None:
    for name in ("works", "trades"):
        build_allowance(tmp_path, 1, name).spend()


def test_processes_share_them(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SPEND, str(tmp_path / "counts.sqlite")]
    processes = [
        subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "123"
    ]
    outputs = [process.communicate() for process in processes]
    assert sum(output.count("spent") for output, _ in outputs) == 60
    refusals = {line for _, errors in outputs for line in errors.splitlines()}
    assert len(refusals) == 1, refusals


@pytest.mark.parametrize("number", [0, -3])
def test_less_than_one_a_day_is_refused(tmp_path: Path, number: int) -> None:
    with pytest.raises(HeadwaterError, match=f"works.a_day is {number}; it must be at least 1"):
        build_allowance(tmp_path, number)


def test_a_broken_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "counts.sqlite"
    path.write_text("no database " * 1000)
    with pytest.raises(HeadwaterError, match=r"cannot be counted in .*counts.sqlite: file is not a database"):
        DailyAllowance(path, name="works", requests_per_day=2, setting="works.a_day")

"""`make bench`: loading and publishing beside their floors, in one run on one machine. It judges no time.

test_small_form.py runs the same code with few rows. The floors do the bare minimum by the quickest means: fetch, write
to disk and let DuckDB read; one binary COPY.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loader.base.settings import ROOT, Settings, read_settings
from loader.publish import embedded, postgres
from tests.support.workspace import BENCH, SCRIPTS

_ROUNDS = 3
_PROJECT = ROOT / "tests" / "benchmarks" / "project"


def main() -> None:
    if not BENCH.exists():
        print(f"skipped: the benchmark server and floors are not at {BENCH}")
        return
    folder = Path(tempfile.mkdtemp(prefix="headwater-bench-"))
    (folder / "home").mkdir()
    os.environ["HOME"] = str(folder / "home")
    try:
        for works in (20_000, 100_000):
            compare_loading(works, folder)
        compare_publishing(1_000_000, folder)
    finally:
        shutil.rmtree(folder)


def compare_loading(works: int, folder: Path) -> None:
    with serve_works(works) as port:
        floors, ours, peaks = [], [], []
        for _ in range(_ROUNDS):
            floors.append(load_floor(port, folder))
            seconds, peak = load_works(port, works, folder)
            ours.append(seconds)
            peaks.append(peak)
    report(f"load {works:,} works into raw", ours, floors)
    print(f"{'':36} peak memory {max(peaks):,.0f} MB", flush=True)


def load_floor(port: int, folder: Path) -> float:
    """Seconds of the floor."""
    with tempfile.TemporaryDirectory(prefix="floor-", dir=folder) as name:
        return run(str(BENCH / "load_floor.py"), str(port), name)[0]["total_s"]


def load_works(port: int, works: int, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory in MB of a load into a fresh warehouse, which must bring all works."""
    with tempfile.TemporaryDirectory(prefix="load-", dir=folder) as name:
        figures, peak = run("-m", "tests.benchmarks.load_works", f"http://127.0.0.1:{port}", name)
    assert figures["rows"] == works
    return figures["total_s"], peak


def compare_publishing(rows: int, folder: Path) -> None:
    with serve_postgres(folder) as settings:
        dsn = postgres.find_server(settings, {}).connection_string
        floors, ours = [], []
        for _ in range(_ROUNDS):
            floors.append(publish_floor(dsn, rows))
            start_up = publish_rows(settings, 0)
            ours.append(publish_rows(settings, rows) - start_up)
    report(f"publish {rows:,} rows", ours, floors)


def publish_floor(dsn: str, rows: int) -> float:
    """Seconds of the floor."""
    return run(str(BENCH / "publish_floor.py"), dsn, str(rows))[0]["seconds"]


def publish_rows(settings: Settings, rows: int) -> float:
    """Seconds of the handoff and of building the mart, dbt's start-up included. All rows must be published."""
    run_dbt(settings, rows, "build")
    seconds = run_dbt(settings, rows, "run-operation", "handoff")
    seconds += run_dbt(settings, rows, "build", "--target", "postgres", "--select", "fct_rows")
    with postgres.find_server(settings, {}).connect() as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from marts.fct_rows")
        assert cursor.fetchone() == (rows,)
    return seconds


def run_dbt(settings: Settings, rows: int, *arguments: str) -> float:
    """Seconds of a dbt command on the bench's project."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    started = time.perf_counter()
    finished = subprocess.run(
        [str(SCRIPTS / "dbt"), *arguments, "--project-dir", str(_PROJECT), "--vars", f"rows: {rows}"],
        cwd=ROOT,
        env={**environment, "HEADWATER_DATA": str(settings.data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout
    return time.perf_counter() - started


@contextmanager
def serve_postgres(folder: Path) -> Iterator[Settings]:
    """The settings of a fresh data folder, its Postgres server running."""
    settings = read_settings({"HEADWATER_DATA": str(folder / "publish")})
    embedded.start(settings)
    try:
        yield settings
    finally:
        embedded.stop(settings)


def report(label: str, ours: list[float], floors: list[float]) -> None:
    own, floor = statistics.median(ours), statistics.median(floors)
    print(f"{label:36} {own:6.2f} s   floor {floor:6.2f} s   ratio {own / floor:.2f}", flush=True)


def run(*arguments: str) -> tuple[dict[str, float], float]:
    """Runs Python; returns the JSON that it prints last, and its peak memory in MB."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    assert process.returncode == 0, printed
    return json.loads(printed.splitlines()[-1]), usage.ru_maxrss / 1024


@contextmanager
def serve_works(works: int) -> Iterator[int]:
    """The benchmark server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, str(BENCH / "works_server.py"), str(port), str(works)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        yield port
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()

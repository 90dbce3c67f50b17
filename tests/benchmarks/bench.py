"""`make bench`: loading and publishing beside their floors, in one run on one machine. No test: it judges nothing.

The floors do the bare minimum by the quickest means: fetch, write to disk and let DuckDB read; one binary COPY.
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

from loader.base.settings import ROOT, derive_tool_environment, read_settings
from loader.publish import postgres
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
        for number in range(_ROUNDS):
            floor_folder = folder / f"floor-{works}-{number}"
            floor_folder.mkdir()
            floors.append(run(str(BENCH / "load_floor.py"), str(port), str(floor_folder))[0]["total_s"])
            shutil.rmtree(floor_folder)
            own_folder = folder / f"load-{works}-{number}"
            figures, peak = run("-m", "tests.benchmarks.load_works", f"http://127.0.0.1:{port}", str(own_folder))
            assert figures["rows"] == works
            shutil.rmtree(own_folder)
            ours.append(figures["total_s"])
            peaks.append(peak)
    report(f"load {works:,} works into raw", ours, floors)
    print(f"{'':36} peak memory {max(peaks):,.0f} MB", flush=True)


def compare_publishing(rows: int, folder: Path) -> None:
    settings = read_settings({"HEADWATER_DATA": str(folder / "publish")})
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "HEADWATER_DATA": str(settings.data),
    }

    def dbt(*arguments: str, of: int) -> float:
        started = time.perf_counter()
        finished = subprocess.run(
            [str(SCRIPTS / "dbt"), *arguments, "--project-dir", str(_PROJECT), *(["--vars", f"rows: {of}"])],
            cwd=ROOT,
            env={**environment, **derive_tool_environment(settings), "DBT_PROJECT_DIR": str(_PROJECT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout
        return time.perf_counter() - started

    def publish(of: int) -> float:
        """Seconds of the handoff and of building the mart, dbt's start-up included."""
        dbt("build", of=of)
        handoff = dbt("run-operation", "handoff", of=of)
        return handoff + dbt("build", "--target", "postgres", "--select", "fct_rows", of=of)

    postgres.start(settings)
    try:
        dsn = postgres.find_server(settings, {}).connection_string
        floors, ours = [], []
        for _ in range(_ROUNDS):
            floors.append(run(str(BENCH / "publish_floor.py"), dsn, str(rows))[0]["seconds"])
            start_up = publish(0)
            ours.append(publish(rows) - start_up)
    finally:
        postgres.stop(settings)
    report(f"publish {rows:,} rows", ours, floors)


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

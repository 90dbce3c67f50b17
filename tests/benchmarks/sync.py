"""What a run costs that brings a large roster up to date, beside the first. It judges no time; test_small_form.py runs
the same code with few works.

The pace of requests is no limit here; the server runs in a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from loader.base.settings import ROOT
from tests.support.workspace import SCRIPTS, Workspace

_AUTHORS, _WORKS = 2_000, 100_000


@dataclass(frozen=True)
class Run:
    """One run of the pipeline: its wall and processor time, the peak memory of its process, the requests it sent."""

    seconds: float
    processor_seconds: float
    megabytes: float
    requests: dict[str, int]

    @property
    def lists(self) -> int:
        """How many of the requests cost something."""
        return sum(count for kind, count in self.requests.items() if not kind.startswith("single "))


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name, Workspace(Path(name)) as workspace:
        first, second = measure_days(workspace, _AUTHORS, _WORKS)
    report("first run", first)
    report("run with 1 % of the works changed", second)
    print(
        f"{'':36} {second.seconds / first.seconds:.1%} of the time,"
        f" {second.processor_seconds / first.processor_seconds:.1%} of the processor's,"
        f" {second.lists / first.lists:.1%} of the lists"
    )


def measure_days(workspace: Workspace, authors: int, works: int) -> list[Run]:
    """The runs of two days; on the second, one work in a hundred has changed."""
    roster = workspace.folder / "roster.csv"
    arguments = ["-m", "tests.benchmarks.serve_roster", str(authors), str(works), str(roster)]
    server = subprocess.Popen(
        [sys.executable, *arguments], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    # What coauthors not asked yet cost is not part of bringing works up to date.
    workspace.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"] = "0"
    try:
        runs = []
        for _ in range(2):
            workspace.serve(json.loads(server.stdout.readline())["url"], roster)
            figures = load(workspace)
            print(file=server.stdin, flush=True)
            runs.append(Run(*figures, json.loads(server.stdout.readline())))
        return runs
    finally:
        server.kill()
        server.wait()


def load(workspace: Workspace) -> tuple[float, float, float]:
    """Runs the pipeline; returns its seconds, those of the processor, and its peak memory in MB."""
    with (workspace.folder / "output.log").open("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(SCRIPTS / "dlt"), "pipeline", "openalex", "run"],
            cwd=ROOT,
            env={**os.environ, **workspace.environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    assert process.returncode == 0, printed
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def report(label: str, run: Run) -> None:
    print(
        f"{label:36} {run.seconds:6.1f} s   of the processor {run.processor_seconds:.1f} s"
        f"   peak memory {run.megabytes:,.0f} MB   {run.lists:,} lists"
    )
    for kind, count in sorted(run.requests.items()):
        print(f"{'':36} {count:6,} {kind}")


if __name__ == "__main__":
    main()

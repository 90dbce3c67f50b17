"""Runs dbt as the user would, and reads what came of it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT, Settings, derive_tool_environment

_PROGRESS = re.compile(r"(\d+) of (\d+) (?:OK|PASS|ERROR|FAIL|WARN|SKIP|NO-OP)")
_FIT = frozenset({"success", "pass", "warn"})


@dataclass(frozen=True)
class DbtRun:
    """What one dbt command did: nodes by what they are, tests passed, and its last words when it failed."""

    is_successful: bool
    seconds: float
    models: int
    tests_passed: int
    output: str


def run_dbt(arguments: list[str], settings: Settings, console: Console, label: str, target: str = "duckdb") -> DbtRun:
    """Runs one dbt command in a process of its own, showing how far it is."""
    started = time.monotonic()
    # A results file of an earlier command must not be read as this one's.
    results_path = settings.find_dbt_artifacts(target) / "run_results.json"
    results_path.unlink(missing_ok=True)
    # As a user types it: told the target that it would take anyhow, dbt would parse the whole project anew.
    named_target = [] if target == "duckdb" else ["--target", target]
    environment = {name: value for name, value in os.environ.items() if name != "DBT_TARGET"}
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("dbt")), "--no-use-colors", *arguments, *named_target],
        cwd=ROOT,
        env={**environment, **derive_tool_environment(settings, target)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    if not console.is_terminal:
        console.print(f"{label} …")
    try:
        with console.status(f"{label} …") as status:
            for line in process.stdout or []:
                lines.append(line)
                if match := _PROGRESS.search(line):
                    status.update(f"{label} … {match.group(1)} of {match.group(2)}")
    except KeyboardInterrupt:
        process.terminate()
        raise
    finally:
        # It lets go of the warehouse when it ends.
        is_successful = process.wait() == 0
    nodes = _count_nodes(results_path.read_text()) if results_path.exists() else Counter()
    return DbtRun(
        is_successful=is_successful,
        seconds=time.monotonic() - started,
        models=nodes["model"],
        tests_passed=nodes["test"] + nodes["unit_test"],
        output="".join(lines),
    )


def build_docs(settings: Settings, console: Console) -> Path:
    """The docs site with lineage as one static page; returns its path. Raises HeadwaterError with dbt's words."""
    run = run_dbt(["docs", "generate", "--static"], settings, console, "Building the docs site")
    if not run.is_successful:
        raise read_failure(run)
    page = settings.data / "docs" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.find_dbt_artifacts() / "static_index.html", page)
    return page


def read_failure(run: DbtRun) -> HeadwaterError:
    """The error for a dbt command that failed: what dbt says, without its clock and its progress."""
    lines = [re.sub(r"^\d\d:\d\d:\d\d\s*", "", line).rstrip() for line in run.output.splitlines()]
    told = [line for line in lines if line and not _PROGRESS.search(line) and not _is_chatter(line)]
    return HeadwaterError("\n".join(told[-20:]))


_CHATTER = (
    "Running with",
    "Registered adapter",
    "Found ",
    "Using default selector",
    "Concurrency",
    "Unable to do partial",
    "Finished running",
    "Encountered an error",
    "Done. ",
)


def _is_chatter(line: str) -> bool:
    return line.startswith(_CHATTER) or any(word in line for word in (" START ", " OK hook", "compiled code at"))


def _count_nodes(text: str) -> Counter[str]:
    """How many nodes of each resource type ended well."""
    return Counter(
        result["unique_id"].split(".", 1)[0] for result in json.loads(text)["results"] if result["status"] in _FIT
    )

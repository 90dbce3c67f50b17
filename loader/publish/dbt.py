"""Runs dbt as the user would, and reads the outcome from its JSON log and its results."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from loader.base.errors import HeadwaterError
from loader.base.interrupts import postpone_signals
from loader.base.settings import ROOT, Settings, derive_tool_environment
from loader.publish.dbt_output import POSTGRES_FRAMES
from loader.publish.dbt_report import STEP_OF_A_RUN
from loader.publish.docs_page import render_docs_page

_SUCCESSFUL = frozenset({"success", "pass", "warn", "no-op"})
_MAX_ERROR_LINES = 20
_FRAMES = ("Encountered an error", "Failure in operation", "> in macro", "> called by", *POSTGRES_FRAMES)
_HOOK_FRAME = " failed, error:"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class NodeResult:
    """What became of a model, seed, snapshot or test; `message` is dbt's own, if there is one."""

    unique_id: str
    status: str
    message: str

    @property
    def is_successful(self) -> bool:
        """Whether it was built or passed; a warning is not a failure."""
        return self.status in _SUCCESSFUL

    @property
    def resource_type(self) -> str:
        """`model`, `test`, `unit_test`, …"""
        return self.unique_id.partition(".")[0]

    @property
    def name(self) -> str:
        """As in the dbt project."""
        return self.unique_id.split(".")[2]


@dataclass(frozen=True)
class DbtRun:
    """What one dbt command did: every node's result, and the errors and notes that it printed."""

    is_successful: bool
    seconds: float
    results: Sequence[NodeResult] = field(default_factory=list)
    errors: Sequence[str] = field(default_factory=list)
    notes: Sequence[str] = field(default_factory=list)

    def count_successful(self, *resource_types: str) -> int:
        """How many nodes of these types were built or passed."""
        counts = Counter(result.resource_type for result in self.results if result.is_successful)
        return sum(counts[resource_type] for resource_type in resource_types)

    def find_note(self, domain: str) -> str | None:
        """What our macros noted of a domain, if they did: a sentence that begins with its name."""
        return next((note for note in self.notes if note.startswith(f"{domain} ")), None)

    def describe_errors(self) -> str:
        """What dbt reported, shortened to its last lines: its errors, or without any what was noted."""
        printed = [_COLOUR.sub("", line).strip() for text in self.errors or self.notes for line in text.splitlines()]
        lines = [line for line in printed if _says_something(line)]
        return "\n".join(lines[-_MAX_ERROR_LINES:]) or "dbt ended without saying why"


def run_dbt(
    arguments: Sequence[str],
    settings: Settings,
    console: Console,
    label: str,
    target: str = "duckdb",
    environment: Mapping[str, str] | None = None,
) -> DbtRun:
    """Runs one dbt command in a process of its own, showing its progress. `environment` is added to its variables."""
    started = time.monotonic()
    # A results file of an earlier command must not be read as this one's.
    results_path = settings.find_dbt_artifacts(target) / "run_results.json"
    results_path.unlink(missing_ok=True)
    errors: list[str] = []
    notes: list[str] = []
    if not console.is_terminal:
        console.print(f"{label} …")
    command = ["--log-format", "json", *arguments]
    with (
        _start(command, settings, target, subprocess.PIPE, environment) as process,
        console.status(f"{label} …") as status,
    ):
        for line in process.stdout or []:
            event = _read_event(line)
            if progress := _describe_progress(event):
                status.update(f"{label} … {progress}")
            elif event["info"]["level"] == "error":
                errors.append(event["info"]["msg"])
            elif event["info"]["name"] == "JinjaLogInfo":
                notes.append(event["info"]["msg"])
    results = _read_results(results_path) if results_path.exists() else []
    return DbtRun(process.returncode == 0, time.monotonic() - started, results, errors, notes)


@contextmanager
def parse_beside(settings: Settings, target: str) -> Iterator[None]:
    """Lets dbt parse the project for a target while the block runs, unless it did so before.

    A first run parses the whole project for both targets: for DuckDB while it loads, for Postgres while it builds. What
    goes wrong here goes wrong in the command that needs the target, which reports it.
    """
    if (settings.find_dbt_artifacts(target) / "partial_parse.msgpack").exists():
        yield
        return
    with _start(["--quiet", "parse"], settings, target, subprocess.DEVNULL):
        yield


@contextmanager
def _start(
    arguments: Sequence[str],
    settings: Settings,
    target: str,
    output: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[str]"]:
    """Starts dbt and waits for its end, when it releases the warehouse; ends it if the block fails."""
    # As a user types it: if the default target is named, dbt parses the whole project again.
    named_target = [] if target == "duckdb" else ["--target", target]
    inherited = {name: value for name, value in os.environ.items() if name != "DBT_TARGET"}
    process = None
    try:
        with postpone_signals():
            process = subprocess.Popen(
                [str(Path(sys.executable).with_name("dbt")), *arguments, *named_target],
                cwd=ROOT,
                env={
                    **inherited,
                    **derive_tool_environment(settings, target),
                    STEP_OF_A_RUN: "true",
                    **(environment or {}),
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        yield process
    except BaseException:
        if process:
            process.terminate()
        raise
    finally:
        if process:
            process.wait()


def build_docs(settings: Settings, console: Console) -> Path:
    """The docs site with lineage as one static page; returns its path. Raises HeadwaterError with dbt's words."""
    run = run_dbt(["docs", "generate"], settings, console, "Building the docs site")
    if not run.is_successful:
        raise HeadwaterError(run.describe_errors())
    page = settings.data / "docs" / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render_docs_page(settings.find_dbt_artifacts()), encoding="utf-8")
    return page


def read_manifest(settings: Settings, console: Console) -> dict[str, Any]:
    """What dbt knows of the project as it is now: manifest.json. Raises HeadwaterError with dbt's words."""
    run = run_dbt(["parse"], settings, console, "Reading the dbt project")
    if not run.is_successful:
        raise HeadwaterError(run.describe_errors())
    manifest: dict[str, Any] = json.loads((settings.find_dbt_artifacts() / "manifest.json").read_text())
    return manifest


def _read_event(line: str) -> dict[str, Any]:
    """An event of dbt's log; any other line, such as one of Python's own, counts as an error."""
    try:
        event: dict[str, Any] = json.loads(line)
        return {"info": event["info"], "data": event.get("data", {})}
    except (ValueError, KeyError, TypeError):
        return {"info": {"level": "error", "name": "", "msg": line.strip()}, "data": {}}


def _says_something(line: str) -> bool:
    """Not the frame that dbt puts around an error, nor where in our own statements Postgres raised it."""
    return bool(line) and not line.startswith(_FRAMES) and not line.endswith(_HOOK_FRAME)


def _describe_progress(event: Mapping[str, Any]) -> str | None:
    """`12 of 87` for the event of a finished node."""
    data = event["data"]
    is_end = "index" in data and "total" in data and "execution_time" in data
    return f"{data['index']} of {data['total']}" if is_end else None


def _read_results(path: Path) -> list[NodeResult]:
    return [
        NodeResult(result["unique_id"], result["status"], result.get("message") or "")
        for result in json.loads(path.read_text())["results"]
        if result["unique_id"].split(".")[0] not in ("operation", "macro")
    ]

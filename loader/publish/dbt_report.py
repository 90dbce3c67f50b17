"""Notes what a single dbt command did, in the history of the warehouse's runs, as it ends."""

import atexit
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from loader.base.run_records import BUILD, HANDOFF, PUBLISH, keep_command
from loader.base.settings import Settings

# Set by `headwater run` for the dbt that it starts, and which its own report covers.
STEP_OF_A_RUN = "HEADWATER_STEP_OF_A_RUN"
_FAILED = frozenset({"error", "fail", "runtime error", "partial success"})


def find_kind(arguments: Sequence[str], target: str) -> str | None:
    """Which of the commands that leave a report this is, if it is one."""
    if os.environ.get(STEP_OF_A_RUN) or {"--help", "-h", "--no-write-json"}.intersection(arguments):
        return None
    if "build" in arguments:
        return PUBLISH if target == "postgres" else BUILD
    return HANDOFF if {"run-operation", "handoff"} <= set(arguments) else None


def note_at_end(kind: str, settings: Settings, target: str) -> None:
    """Leaves a report of this process's command when it ends. dbt has no hook that also knows of what comes last."""
    atexit.register(partial(_note, kind, settings, target, datetime.now(UTC), os.getpid()))


def _note(kind: str, settings: Settings, target: str, started_at: datetime, process: int) -> None:
    if os.getpid() != process:
        return
    # dbt has said what went wrong, a full disk or a folder that cannot be written among it.
    with suppress(OSError):
        keep_command(settings, kind, started_at, find_failure(settings, target, started_at))


def find_failure(settings: Settings, target: str, started_at: datetime) -> str | None:
    """Why the dbt command that began then failed, by the results that it wrote; None if it was successful."""
    path = settings.find_dbt_artifacts(target) / "run_results.json"
    # Those of an earlier command may be there still.
    if not path.exists() or path.stat().st_mtime < started_at.timestamp():
        return "dbt ended before it ran anything"
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return "dbt could not write down what it did"
    failed = [result for result in results["results"] if result["status"] in _FAILED]
    if not failed:
        return None
    nodes = [result for result in failed if result["unique_id"].split(".")[0] not in ("operation", "macro")]
    message = " ".join((failed[0].get("message") or "dbt has printed why").split())
    if not nodes:
        return message
    return f"{len(nodes)} models or tests failed, first {nodes[0]['unique_id'].split('.')[2]}: {message}"

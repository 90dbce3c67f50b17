"""The history of a warehouse's runs: a JSON file each, in its state folder, of whole runs and of single commands."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from loader.base.settings import Settings

RUN, LOAD, REPLAY, BUILD, HANDOFF, PUBLISH = "run", "load", "replay", "build", "handoff", "publish"
SUCCESSFUL, FAILED, RUNNING, KILLED = "successful", "failed", "running", "killed"
_HELD_BACK = "held back"


@dataclass(frozen=True)
class RunRecord:
    """One command: what it was, its outcome, and how long it took. `failure` says what failed.

    `seconds` is None for one that runs or was killed. `content` is the file, with what else its kind notes.
    """

    run_id: str
    kind: str
    started_at: datetime
    seconds: float | None
    outcome: str
    failure: str | None
    content: Mapping[str, Any]

    @property
    def is_failed(self) -> bool:
        """Whether somebody should look at it."""
        return self.outcome in (FAILED, KILLED)


def name_run(started_at: datetime) -> str:
    """An id of its own for a command."""
    return f"{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def describe_process() -> dict[str, float]:
    """This process as a record of a running command names it: its number may belong to another one later."""
    return {"pid": os.getpid(), "created_at": psutil.Process().create_time()}


def keep_record(settings: Settings, content: Mapping[str, Any]) -> None:
    """Writes a record; its name is its `run_id`. It replaces the one that was written when the command started."""
    folder = settings.state / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{content['run_id']}.json"
    # Renamed when it is complete: others read it.
    unfinished = path.with_suffix(".unfinished")
    try:
        unfinished.write_text(json.dumps(content, indent=2), encoding="utf-8")
        unfinished.rename(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def keep_command(settings: Settings, kind: str, started_at: datetime, failure: str | None) -> None:
    """Notes a single command that has ended; `failure` says why it failed, if it did."""
    seconds = (datetime.now(UTC) - started_at).total_seconds()
    content = {"run_id": name_run(started_at), "kind": kind, "started_at": started_at.isoformat(), "seconds": seconds}
    keep_record(settings, content | {"failure": failure, "process": None})


def read_records(settings: Settings) -> list[RunRecord]:
    """The records of the warehouse, the newest first."""
    records = map(_read, (settings.state / "runs").glob("*.json"))
    return sorted(records, key=lambda record: record.started_at, reverse=True)


def _read(path: Path) -> RunRecord:
    content = json.loads(path.read_text(encoding="utf-8"))
    failure, seconds = content.get("failure"), content.get("seconds")
    if "failure" not in content:  # written before there were kinds
        held_back = [domain["domain"] for domain in content.get("domains", []) if domain["state"] == _HELD_BACK]
        failure = content["error"] or (f"held back: {', '.join(held_back)}" if held_back else None)
        seconds = sum(step["seconds"] for step in content["steps"])
    outcome = FAILED if failure else SUCCESSFUL
    if process := content.get("process"):
        outcome = RUNNING if _is_alive(process) else KILLED
        failure = None if outcome == RUNNING else "it was killed, or the machine stopped"
    return RunRecord(
        run_id=content["run_id"],
        kind=content.get("kind", RUN),
        started_at=datetime.fromisoformat(content["started_at"]),
        seconds=seconds,
        outcome=outcome,
        failure=failure,
        content=content,
    )


def _is_alive(process: Mapping[str, float]) -> bool:
    try:
        running = psutil.Process(int(process["pid"]))
        return running.create_time() == process["created_at"] and running.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False

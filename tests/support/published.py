"""A small sample that is loaded, built and published once for all tests; each file of tests gets a copy of it."""

import fcntl
import subprocess
from pathlib import Path

from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace


def copy_published_sample(workspace: Workspace, shared: Path) -> None:
    """Puts the sample into an empty workspace, its server running. `shared` is a folder of all test processes."""
    template = shared / "published-sample"
    with (shared / "published-sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first makes it, the others wait
        if not (template / "done").exists():
            _publish(template)
    # `cp -a`: as root the cluster belongs to another user.
    subprocess.run(["cp", "-a", str(template / "data"), str(workspace.folder)], check=True)
    workspace.run_well("headwater", "postgres", "start")


def _publish(template: Path) -> None:
    template.mkdir()
    with Workspace(template) as workspace, serve_sample(workspace, Sample(workspace)):
        workspace.run_well("headwater", "run")
    (template / "done").touch()

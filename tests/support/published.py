"""A small sample that is loaded, built and published once for all tests; each file of tests gets a copy of it."""

import fcntl
import subprocess
from pathlib import Path

from loader.publish import embedded
from tests.support.sample import Sample, serve_sample
from tests.support.workspace import Workspace


def copy_published_sample(workspace: Workspace, shared: Path) -> None:
    """Puts the sample into an empty workspace, its server running. `shared` is a folder of all test processes."""
    template = shared / "published-sample"
    with (shared / "published-sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first makes it, the others wait
        if not template.exists():
            _publish(workspace)
            _copy(workspace.settings.data, template)
    if not workspace.settings.warehouse.exists():
        _copy(template, workspace.settings.data)
    workspace.run_well("headwater", "postgres", "start")


def _publish(workspace: Workspace) -> None:
    environment = dict(workspace.environment)
    del workspace.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"]  # all coauthors
    with serve_sample(workspace, Sample(workspace)):
        workspace.run_well("headwater", "run")
    workspace.environment = environment
    embedded.stop(workspace.settings)


def _copy(source: Path, target: Path) -> None:
    # As root the cluster belongs to another user, which `cp -a` keeps.
    target.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", f"{source}/.", str(target)], check=True)

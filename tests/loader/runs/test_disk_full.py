"""A disk that is really full: a small file system of its own. The load ends with one line, and continues later."""

import re
import shlex
import subprocess
from collections.abc import Sequence

import pytest

from tests.support.sample import Sample, serve_sample
from tests.support.workspace import SCRIPTS, Workspace

_UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]


def can_mount() -> bool:
    try:
        mount = [*_UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        return subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not can_mount(), reason="this machine lets no user mount a file system")


# Full while the first files are written, and full in the middle of the load.
@pytest.mark.parametrize("megabytes", [1, 2])
def test_a_load_on_a_full_disk_ends_with_a_line_and_goes_on_when_there_is_room(
    workspace: Workspace, megabytes: int
) -> None:
    data = workspace.settings.data
    data.mkdir(exist_ok=True)
    load: Sequence[object] = [SCRIPTS / "dlt", "pipeline", "run"]
    steps = [
        f"mount -t tmpfs -o size={megabytes}m tmpfs {data}",
        f"{{ {shlex.join(map(str, load))}; echo status $?; }}",
        f"mount -o remount,size=200m {data}",
        shlex.join(map(str, load)),
        # Both files, since what the last load wrote may still be in the log.
        f"cp {data}/warehouse.duckdb* {workspace.folder}",
    ]
    sample = Sample(workspace)
    with serve_sample(workspace, sample):
        finished = workspace.run_program([*_UNSHARE, "sh", "-c", " && ".join(steps)])
    assert finished.status == 0, finished.output
    first, _, second = finished.output.partition("status 1\n")
    assert "There is no room left on the disk" in first
    assert "Traceback" not in first
    assert second, finished.output
    workspace.environment["HEADWATER_WAREHOUSE"] = str(workspace.folder / "warehouse.duckdb")
    with workspace.open_duckdb() as connection:
        works = connection.execute("select id from raw_openalex.works order by id").fetchall()
        counted = connection.execute(
            "select sum(new_count) from raw_openalex.load_counts where resource = 'works'"
        ).fetchone()
    assert works == [(key,) for key in sorted(sample.roster_works)]
    assert counted == (len(works),)


def test_every_step_says_in_a_line_that_its_disk_is_full_or_cannot_be_written(workspace: Workspace) -> None:
    data = workspace.settings.data
    data.mkdir(exist_ok=True)
    commands = (
        "dbt build",
        "dbt build --target postgres",
        "headwater run",
        "dlt pipeline run",
        "headwater postgres start",
        "headwater docs",
    )

    def build(state: str) -> str:
        """What each command prints, behind a line with its name."""
        typed = [f"echo '== {command}'; {SCRIPTS}/{command}; echo status $?" for command in commands]
        return "\n".join([f"mount -o remount,{state} {data}", *typed])

    steps = [
        f"mount -t tmpfs -o size=60m tmpfs {data}",
        f"chmod 755 {data}",
        build("ro"),
        f"mount -o remount,rw,size=1m {data}",
        f"head -c 2000000 /dev/zero > {data}/filler",
        build("rw"),
    ]
    sample = Sample(workspace)
    with serve_sample(workspace, sample):
        finished = workspace.run_program([*_UNSHARE, "sh", "-c", "\n".join(steps)])
    told = re.findall(r"^== (.+)\n((?:.*\n)*?)status (\d)$", finished.output, re.MULTILINE)
    assert len(told) == 2 * len(commands), finished.output
    for place, (command, printed, status) in enumerate(told):
        reason = f"{data}.* cannot be written" if place < len(commands) else "There is no room left on the disk"
        errors = [line for line in printed.splitlines() if line.startswith("Error: ")]
        assert status != "0", command
        assert re.search(reason, errors[-1]), (command, printed)
        assert "Traceback" not in printed, (command, printed)
        assert "Errno" not in printed, (command, printed)


def test_a_disk_that_fills_while_dbt_works_is_one_line(workspace: Workspace) -> None:
    """In a small project: what is written there until nothing is left is rolled back before dbt reports it."""
    data = workspace.settings.data
    data.mkdir(exist_ok=True)
    fill = "{% do run_query('create table big as select hash(range) as number from range(20000000)') %} select 1 as n"
    show = [SCRIPTS / "dbt", "show", "--project-dir", "tests/support/small_project", "--inline", fill]
    steps = [f"mount -t tmpfs -o size=40m tmpfs {data}", f"chmod 755 {data}", shlex.join(map(str, show))]
    finished = workspace.run_program([*_UNSHARE, "sh", "-c", " && ".join(steps)])
    assert finished.status != 0
    assert finished.output.count("There is no room left on the disk") == 1, finished.output
    assert "No space left on device" not in finished.output
    assert "Encountered an error" not in finished.output

"""`headwater schedule`: what it prints is what systemd and cron take, and what runs with no more than they give."""

import re
import shutil
from pathlib import Path

import pytest

from loader.publish import embedded
from tests.support.workspace import Workspace

_CRONTAB = """#!/bin/sh
if [ "$1" = -l ]; then cat "$CRONTAB_FILE"; else cat > "$CRONTAB_FILE"; fi
"""
_SYSTEMCTL = """#!/bin/sh
echo "$@" >> "$SYSTEMCTL_LOG"
"""


@pytest.fixture
def scheduled(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace in a folder with a space, and stand-ins for the machine's crontab and systemctl."""
    programs = workspace.folder / "programs"
    programs.mkdir()
    for name, text in (("crontab", _CRONTAB), ("systemctl", _SYSTEMCTL)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    workspace.environment |= {
        "HEADWATER_DATA": str(workspace.folder / "my data"),
        "CRONTAB_FILE": str(workspace.folder / "crontab"),
        "SYSTEMCTL_LOG": str(workspace.folder / "systemctl.log"),
        "XDG_CONFIG_HOME": str(workspace.folder / "config"),
    }
    return workspace


def test_cron_lines_are_installed_once_and_leave_others_alone(scheduled: Workspace) -> None:
    crontab = scheduled.folder / "crontab"
    crontab.write_text("7 7 * * * mine\n")
    for at in ("02:00", "03:05"):
        scheduled.run_well("headwater", "schedule", "--cron", "--install", "--at", at)
    lines = crontab.read_text().splitlines()
    assert lines[0] == "7 7 * * * mine"
    commands = [line for line in lines[1:] if not line.startswith("#")]
    assert [line.split()[0:2] for line in commands] == [["5", "3"], ["@reboot", commands[1].split()[1]]]
    assert commands[0].endswith("headwater run --quiet --retries 3")
    printed = scheduled.run_well("headwater", "schedule", "--cron", "--at", "03:05")
    assert set(lines[1:]) <= set(printed.splitlines())


def test_after_a_reboot_the_embedded_server_starts_with_what_cron_gives(scheduled: Workspace) -> None:
    printed = scheduled.run_well("headwater", "schedule", "--cron")
    (line,) = re.findall(r"^@reboot (.*)$", printed, re.MULTILINE)
    bare = ["env", "-i", f"HOME={scheduled.home}", "PATH=/usr/bin:/bin", "sh", "-c", line]
    finished = scheduled.run_program(bare)
    assert (finished.status, finished.output) == (0, "")
    assert embedded.is_running(scheduled.settings)


def test_the_units_are_as_systemd_wants_them(scheduled: Workspace) -> None:
    scheduled.run_well("headwater", "schedule", "--systemd", "--install", "--at", "03:05", "--retries", "1")
    units = {
        path.suffix: path
        for path in (scheduled.folder / "config/systemd/user").iterdir()
        if "-postgres" not in path.name
    }
    (server,) = (scheduled.folder / "config/systemd/user").glob("*-postgres.service")
    timer, service = units[".timer"].read_text(), units[".service"].read_text()
    assert "OnCalendar=*-*-* 03:05:00\nPersistent=true" in timer
    assert f"After={server.name}" in service
    assert f'Environment="HEADWATER_DATA={scheduled.folder}/my data"' in service
    assert service.rstrip().endswith('headwater" "run" "--quiet" "--retries" "1"')
    assert "WantedBy=default.target" in server.read_text()
    asked = Path(scheduled.environment["SYSTEMCTL_LOG"]).read_text()
    assert f"--user enable {units['.timer'].name} {server.name}" in asked
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "--user", "verify", *map(str, [*units.values(), server])]
        runtime = {"XDG_RUNTIME_DIR": str(scheduled.temporary)}
        checked = scheduled.run_program(command, runtime)
        assert (checked.status, checked.output) == (0, "")


def test_a_server_of_ones_own_is_named_and_its_password_is_not_written(scheduled: Workspace) -> None:
    server = {"PGHOST": "db.example.org", "PGPASSWORD": "very-secret"}
    printed = scheduled.run("headwater", "schedule", "--cron", extra=server).output
    assert "PGHOST=db.example.org" in printed
    assert "@reboot" not in printed
    assert "Note: PGPASSWORD is set in this shell only" in printed
    assert "very-secret" not in printed


def test_a_time_that_is_none_is_refused(scheduled: Workspace) -> None:
    refused = scheduled.run("headwater", "schedule", "--at", "25:00")
    assert refused.status == 2
    assert "'25:00' is no time of day" in refused.output

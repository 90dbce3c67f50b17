"""`headwater schedule`: a run every night, by systemd or cron, and the embedded server whenever the machine starts."""

import getpass
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import click

from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT, Settings, read_settings
from loader.publish.postgres import find_server

# Where Postgres is; passwords belong in ~/.pgpass, which libpq reads by itself.
_KEPT = ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE")
_LOST = ("PGPASSWORD", "SOURCES__", "PUBLICATION__", "ALERTS__")


@dataclass(frozen=True)
class Schedule:
    """What is run, when, and with which variables of the environment. `name` tells warehouses of one user apart."""

    name: str
    warehouse: str
    at: time
    program: str
    retries: int
    variables: Mapping[str, str]
    has_own_server: bool

    @property
    def run(self) -> list[str]:
        """The nightly command."""
        return [self.program, "run", "--quiet", "--retries", str(self.retries)]

    def build_units(self) -> dict[str, str]:
        """The units of systemd by their file names. A night that the machine slept through is made up for."""
        service, server = f"{self.name}.service", f"{self.name}-postgres.service"
        about = self.warehouse.replace("%", "%%")
        variables = "".join(f"Environment={_quote_for_systemd(f'{n}={v}')}\n" for n, v in self.variables.items())
        needs = f"Wants={server}\nAfter={server}\n" if self.has_own_server else ""
        units = {
            service: f"[Unit]\nDescription=Headwater: load, build and publish {about}\n{needs}\n"
            # A server that the run itself started is left alone at its end.
            f"[Service]\nType=oneshot\nKillMode=process\n{variables}ExecStart={_join_for_systemd(*self.run)}\n",
            f"{self.name}.timer": f"[Unit]\nDescription=Headwater, every night: {about}\n\n"
            f"[Timer]\nOnCalendar=*-*-* {self.at:%H:%M}:00\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n",
        }
        if self.has_own_server:
            start, stop = (_join_for_systemd(self.program, "postgres", word) for word in ("start", "stop"))
            units[server] = (
                f"[Unit]\nDescription=Headwater's embedded Postgres: {about}\n\n"
                f"[Service]\nType=oneshot\nRemainAfterExit=yes\n{variables}ExecStart={start}\nExecStop={stop}\n\n"
                "[Install]\nWantedBy=default.target\n"
            )
        return units

    def build_cron_lines(self) -> list[str]:
        """The lines of a crontab, between two comments by which they are found again."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.variables.items()]
        run = " ".join([*variables, shlex.join(self.run)])
        start = " ".join([*variables, shlex.join([self.program, "postgres", "start"]), ">/dev/null"])
        lines = [f"{self.at.minute} {self.at.hour} * * * {run}"]
        if self.has_own_server:
            lines.append(f"@reboot {start}")
        first, last = self._list_marks()
        return [first, *(line.replace("%", r"\%") for line in lines), last]

    def replace_cron_lines(self, crontab: str) -> str:
        """The crontab with these lines in place of those of the same name."""
        first, last = self._list_marks()
        lines = crontab.splitlines()
        if first in lines and last in lines:
            del lines[lines.index(first) : lines.index(last) + 1]
        return "\n".join([*lines, *self.build_cron_lines(), ""])

    def _list_marks(self) -> tuple[str, str]:
        return f"# {self.name}: begin ({self.warehouse})", f"# {self.name}: end"


@click.command()
@click.option("--at", default="02:00", show_default=True, metavar="HH:MM", help="When, in local time.")
@click.option("--retries", type=click.IntRange(min=0), default=3, show_default=True, help="See headwater run.")
@click.option("--systemd/--cron", "uses_systemd", default=None, help="By default systemd, where the machine runs it.")
@click.option("--install", is_flag=True, help="Install it, in place of what was installed for this warehouse.")
def schedule(at: str, retries: int, uses_systemd: bool | None, *, install: bool) -> None:
    """Print, or install, a nightly run of this warehouse.

    The embedded Postgres server is started with the machine. Nothing is printed by a run that is successful; what
    failed is in `headwater runs`, and told to the addresses in alerts.urls.
    """
    made = _plan(read_settings(), _read_time(at), retries)
    if uses_systemd is None:
        uses_systemd = Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None
    for name in sorted(os.environ):
        if name.startswith(_LOST):
            click.echo(f"Note: {name} is set in this shell only; the nightly run does not see it.", err=True)
    if install:
        (_install_units if uses_systemd else _install_cron_lines)(made)
    elif uses_systemd:
        for name, text in made.build_units().items():
            click.echo(f"# {_find_unit_folder() / name}\n{text}")
        click.echo("# Install them: headwater schedule --install")
    else:
        click.echo("\n".join(made.build_cron_lines()))
        click.echo("# Add these lines to your crontab: headwater schedule --cron --install")


def _plan(settings: Settings, at: time, retries: int) -> Schedule:
    usual = settings.data / "warehouse.duckdb"
    variables = {"HEADWATER_DATA": str(settings.data)} if settings.data != ROOT / "data" else {}
    if settings.warehouse != usual:
        variables["HEADWATER_WAREHOUSE"] = str(settings.warehouse)
    return Schedule(
        name=f"headwater-{hashlib.sha256(os.fsencode(settings.warehouse)).hexdigest()[:6]}",
        warehouse=str(settings.warehouse),
        at=at,
        program=str(Path(sys.executable).with_name("headwater")),
        retries=retries,
        variables=variables | {name: os.environ[name] for name in _KEPT if os.environ.get(name)},
        has_own_server=find_server(settings).is_embedded,
    )


def _read_time(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time of day, such as 02:00.", param_hint="--at") from None


def _install_units(made: Schedule) -> None:
    folder = _find_unit_folder()
    folder.mkdir(parents=True, exist_ok=True)
    units = made.build_units()
    for name, text in units.items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(f"Written: {folder / name}")
    enabled = [name for name, text in units.items() if "[Install]" in text]
    _run("systemctl", "--user", "daemon-reload")
    _run("systemctl", "--user", "enable", *enabled)
    # A timer that runs already takes the new time only then.
    _run("systemctl", "--user", "restart", f"{made.name}.timer")
    if made.has_own_server:
        _run("systemctl", "--user", "start", f"{made.name}-postgres.service")
    click.echo(f"Installed. Stop it: systemctl --user disable --now {' '.join(enabled)}")
    click.echo(f"To let it run while you are not logged in: sudo loginctl enable-linger {getpass.getuser()}")


def _install_cron_lines(made: Schedule) -> None:
    if shutil.which("crontab") is None:
        raise HeadwaterError("There is no crontab command. Install cron, or use systemd: headwater schedule --systemd.")
    # It fails where there is no crontab yet.
    present = subprocess.run(["crontab", "-l"], capture_output=True, text=True, check=False)
    _run("crontab", "-", given=made.replace_cron_lines(present.stdout if present.returncode == 0 else ""))
    click.echo("\n".join(made.build_cron_lines()))
    click.echo("Installed. Take the lines out again: crontab -e")


def _run(*command: str, given: str = "") -> None:
    finished = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise HeadwaterError(f"`{' '.join(command)}` failed: {' '.join(finished.stderr.split())}")


def _find_unit_folder() -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def _join_for_systemd(*words: str) -> str:
    # In a command, unlike elsewhere, systemd replaces variables.
    return " ".join(_quote_for_systemd(word).replace("$", "$$") for word in words)


def _quote_for_systemd(text: str) -> str:
    """In quotes, and without what systemd itself would replace."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'

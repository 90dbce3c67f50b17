"""Where everything is: the only module that knows a path or reads Headwater's own environment variables."""

import hashlib
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loader.base.errors import HeadwaterError

ROOT = Path(__file__).resolve().parents[2]

# Settings that ship with the repository; the user's own, which win and which `headwater init` writes; and secrets,
# which win over both. Only the first is in git.
CONFIG, LOCAL_CONFIG, SECRETS = "config.toml", "local.config.toml", "secrets.toml"

_WAREHOUSE = "warehouse.duckdb"
# The longest socket path that Linux accepts is 107 bytes; Postgres appends ".s.PGSQL.5432".
_LONGEST_SOCKET_FOLDER = 90


@dataclass(frozen=True)
class Settings:
    """The paths of one warehouse.

    `HEADWATER_DATA` names the folder of everything that is written (default: `data/` in the repository);
    `HEADWATER_WAREHOUSE` names another DuckDB file, with a state folder of its own beside it: a name alone is
    one in the data folder;
    `HEADWATER_LOCK_WAIT_SECONDS` is how long to wait for a process that holds it.

    `domains` are the enabled ones: `domains` in the files of `.dlt`, or `HEADWATER_DOMAINS=one,two`.

    `privacy` and `smallest_group` say how to publish: `[publication]` in the files of `.dlt`, or the environment
    (`PUBLICATION__PRIVACY`). dbt needs them whenever it parses, so they are read here and not through dlt, which takes
    a second to import.
    """

    data: Path
    warehouse: Path
    lock_wait_seconds: float = 20.0
    # The enabled domains. Sources, models and tests of others do not exist for any command.
    domains: tuple[str, ...] = ("academic",)
    # As written: publish/privacy.py reports what is wrong with them, and dbt refuses what it does not know.
    privacy: str = "public"
    smallest_group: str = "5"

    @property
    def state(self) -> Path:
        """Dlt's and dbt's own files for this warehouse: pipeline state, compiled SQL, logs."""
        return self.warehouse.with_suffix(".state")

    @property
    def request_counts(self) -> Path:
        """The SQLite file that counts the requests of sources with a daily limit, a table each."""
        return self.state / "requests.sqlite"

    def find_dbt_artifacts(self, target: str = "duckdb") -> Path:
        """Where dbt writes what it makes for a target (`manifest.json`, `run_results.json`, the docs page).

        One folder for each: dbt parses the whole project again if it finds the manifest of another target.
        """
        return self.state / "dbt" / target

    @property
    def postgres_data(self) -> Path:
        """The embedded Postgres server's cluster. Each warehouse has its own: they publish different marts."""
        is_usual = self.warehouse == self.data / _WAREHOUSE
        return (self.data if is_usual else self.state) / "postgres"

    @property
    def postgres_socket(self) -> Path:
        """The folder of the embedded server's Unix socket, moved only if its path would be too long."""
        name = f"headwater-{hashlib.sha256(os.fsencode(self.postgres_data)).hexdigest()[:12]}"
        folders = [self.postgres_data, Path(tempfile.gettempdir()) / name, Path("/tmp") / name]
        return next((folder for folder in folders if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER), folders[-1])


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the variables that Settings names; relative paths start at the working directory."""
    data = Path(environment.get("HEADWATER_DATA") or ROOT / "data").absolute()
    warehouse = Path(environment.get("HEADWATER_WAREHOUSE") or _WAREHOUSE)
    warehouse = data / warehouse if warehouse.name == str(warehouse) else warehouse.absolute()
    wait = environment.get("HEADWATER_LOCK_WAIT_SECONDS") or Settings.lock_wait_seconds
    written = {name: _read_toml(name) for name in (CONFIG, LOCAL_CONFIG, SECRETS)}
    domains = [file["domains"] for file in written.values() if "domains" in file]
    configured: dict[str, str] = {}
    for name, file in written.items():
        configured |= _read_publication(name, file)
    try:
        return Settings(
            data=data,
            warehouse=warehouse,
            lock_wait_seconds=float(wait),
            domains=_read_domains(environment.get("HEADWATER_DOMAINS") or (domains[-1] if domains else None)),
            privacy=environment.get("PUBLICATION__PRIVACY") or configured.get("privacy", Settings.privacy),
            smallest_group=environment.get("PUBLICATION__SMALLEST_GROUP")
            or configured.get("smallest_group", Settings.smallest_group),
        )
    except ValueError:
        raise HeadwaterError(f"HEADWATER_LOCK_WAIT_SECONDS is {wait!r}; it must be a number of seconds.") from None


def derive_tool_environment(settings: Settings, dbt_target: str = "duckdb") -> dict[str, str]:
    """The variables by which dlt and dbt find this repository, and write nowhere but beside the warehouse."""
    return {
        "DLT_PROJECT_DIR": str(ROOT),
        "DLT_DATA_DIR": str(settings.state / "dlt"),
        "DESTINATION__DUCKDB__CREDENTIALS": str(settings.warehouse),
        "DBT_PROJECT_DIR": str(ROOT / "dbt_project"),
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_TARGET_PATH": str(settings.find_dbt_artifacts(dbt_target)),
        "DBT_LOG_PATH": str(settings.state / "dbt" / "logs"),
        # A test that joins a selected table to one that is not, such as another domain's, needs both. In Postgres there
        # are only marts: tests that need anything else are not selected with them.
        "DBT_INDIRECT_SELECTION": "cautious" if dbt_target == "postgres" else "buildable",
        "HEADWATER_WAREHOUSE_PATH": str(settings.warehouse),
        "HEADWATER_POSTGRES_SOCKET": str(settings.postgres_socket),
        "HEADWATER_LOCK_WAIT_SECONDS": f"{settings.lock_wait_seconds:g}",
        "HEADWATER_DOMAINS": ",".join(settings.domains),
        "HEADWATER_PRIVACY": settings.privacy,
        "HEADWATER_SMALLEST_GROUP": settings.smallest_group,
    }


def _read_domains(given: object) -> tuple[str, ...]:
    """A list in a file of `.dlt`, or text with commas in the environment; sorted, each once."""
    if given is None:
        return Settings.domains
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) and name.strip() for name in names) or not names:
        raise HeadwaterError(f'domains is {given!r}; it must be a list of names, such as ["academic"].')
    return tuple(sorted({name.strip() for name in names}))


def _read_toml(name: str) -> dict[str, object]:
    path = ROOT / ".dlt" / name
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise HeadwaterError(f"{path} cannot be read: {error}.") from None


def _read_publication(name: str, written: Mapping[str, object]) -> dict[str, str]:
    """`[publication]` of a file in `.dlt`, as text."""
    table = written.get("publication", {})
    if not isinstance(table, dict):
        raise HeadwaterError(f"{ROOT / '.dlt' / name} cannot be read: publication must be a table, [publication].")
    return {name: str(value) for name, value in table.items()}

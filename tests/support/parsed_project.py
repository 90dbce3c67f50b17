"""dbt's parsed project, made once and handed to the workspaces of all test processes.

dbt keeps what it parsed in `partial_parse.msgpack`, and parses everything anew where a hash in that file differs from
its own. One of them is a hash of the whole connection: the path of the warehouse, or the server's host and user. What
was parsed depends on the database's name alone, so that a copy with this hash replaced serves another workspace.
"""

import json
import os
import pprint
import re
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from dbt.config.profile import Profile, read_profile
from dbt.config.renderer import ProfileRenderer
from dbt_common.context import set_invocation_context
from dbt_common.exceptions import DbtBaseException

from loader.base.errors import HeadwaterError
from loader.base.settings import derive_tool_environment, read_settings

_CONNECTION_HASH = re.compile(rb"(?<=\xacprofile_hash\x82\xa4name\xa6sha256\xa8checksum\xd9@)[0-9a-f]{64}")
_PROFILE = "headwater"
# Variables of a place: nothing that is parsed depends on them.
_PLACES = ("HEADWATER_WAREHOUSE_PATH", "HEADWATER_POSTGRES_SOCKET")


@dataclass(frozen=True)
class ParsedProject:
    """What dbt has parsed for one target: where it looks for it, and where the tests keep it."""

    path: Path
    kept: Path
    connection_hash: bytes

    def place(self) -> None:
        """Puts what is kept to where dbt looks for it, as if it had been parsed for this connection."""
        if not self.kept.exists():
            return
        with suppress(OSError):  # a folder that cannot be: the command itself reports it
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(_CONNECTION_HASH.sub(self.connection_hash, self.kept.read_bytes()))

    def keep(self) -> None:
        """Keeps what dbt has just parsed, whole or not at all: other processes read it."""
        if not self.kept.exists():
            unfinished = self.kept.with_suffix(f".{os.getpid()}")
            unfinished.write_bytes(self.path.read_bytes())
            unfinished.rename(self.kept)

    def read_time(self) -> int:
        """When dbt wrote its file, in nanoseconds; 0 if it has not."""
        return self.path.stat().st_mtime_ns if self.path.exists() else 0


def find_parsed_projects(folder: Path) -> list[ParsedProject]:
    """One for each target of this process's warehouse, kept in `folder`; none if a setting of it is wrong."""
    try:
        return [_find(target, folder) for target in ("duckdb", "postgres")]
    except (HeadwaterError, DbtBaseException):
        return []  # the command itself reports it


def _find(target: str, folder: Path) -> ParsedProject:
    environment = derive_tool_environment(read_settings(), target)
    set_invocation_context({**os.environ, **environment})
    profiles = read_profile(environment["DBT_PROFILES_DIR"])
    renderer = ProfileRenderer()
    _, rendered = Profile.render_profile(profiles[_PROFILE], _PROFILE, target, renderer)
    credentials = Profile._credentials_from_profile(rendered, _PROFILE, target)
    decisive = {name: value for name, value in environment.items() if name.startswith("HEADWATER_")}
    for name in _PLACES:
        del decisive[name]
    key = json.dumps([target, credentials.database, credentials.schema, decisive], sort_keys=True)
    connection = pprint.pformat(sorted(credentials.connection_info()))
    return ParsedProject(
        path=Path(environment["DBT_TARGET_PATH"]) / "partial_parse.msgpack",
        kept=folder / sha256(key.encode()).hexdigest()[:16],
        connection_hash=sha256(connection.encode()).hexdigest().encode(),
    )

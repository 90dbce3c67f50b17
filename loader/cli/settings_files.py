"""The files of `.dlt` that `headwater init` writes: only what was answered changes, comments stay."""

import os
import tempfile
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT, SECRETS

_HEADERS = {
    True: "Keys and other secrets: git ignores this file. See docs/configuration.md.",
    False: "Your own settings: they win over config.toml, and git ignores this file. See docs/configuration.md.",
}
_MODES = {True: 0o600, False: 0o644}


def write_settings(name: str, values: Mapping[tuple[str, ...], Any], *, is_secret: bool) -> Path:
    """Sets the values, each under its path, in a file of `.dlt`, which is replaced whole; returns the file."""
    file = (ROOT / ".dlt" / name).resolve()
    document = _read(file)
    if not file.exists():
        document.add(tomlkit.comment(_HEADERS[is_secret]))
    for path, value in values.items():
        _set(document, path, value)
    descriptor, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{name}.", suffix=".unfinished")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(tomlkit.dumps(document))
        Path(unfinished).chmod(_MODES[is_secret])
        Path(unfinished).replace(file)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
    return file


def find_override(name: str, path: tuple[str, ...]) -> str | None:
    """What wins over a setting of this file: the variable of the environment, or secrets.toml; None if nothing does."""
    variable = "__".join(path).upper()
    if os.environ.get(variable):
        return f"the environment ({variable})"
    found: Any = _read(ROOT / ".dlt" / SECRETS) if name != SECRETS else {}
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return None if found is None else f".dlt/{SECRETS}"


def _read(file: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (UnicodeDecodeError, TOMLKitError) as error:
        raise HeadwaterError(f"{file} cannot be read: {error}.") from None


def _set(document: MutableMapping[str, Any], path: tuple[str, ...], value: Any) -> None:
    place = document
    for depth, key in enumerate(path[:-1], start=1):
        if key not in place:
            place[key] = tomlkit.table(is_super_table=depth < len(path) - 1)
        place = place[key]
    place[path[-1]] = value

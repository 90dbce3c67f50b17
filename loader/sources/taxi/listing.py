"""Which files there are: in a folder, by a glob, or at addresses."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from loader.base.errors import HeadwaterError, SettingsError
from loader.fetch.downloads import Downloader
from loader.fetch.refusals import UnavailableError
from loader.fetch.transport import is_http_address
from loader.raw.file_reader import FileFault, SourceFile, describe_local_file
from loader.sources.contract import SINCE, UNTIL, SourceRun, parse_date
from loader.sources.taxi.settings import TaxiSettings

_TRIP_FILE = re.compile(r"(yellow|green)_tripdata\D*?(\d{4}-(?:0[1-9]|1[0-2]))")
_COLOURS = ("yellow", "green")
_PLACEHOLDERS = frozenset({"{colour}", "{month}"})


@dataclass(frozen=True)
class Period:
    """Months from `since` on and before `until`; None: no bound."""

    since: date | None
    until: date | None

    def has(self, name: str) -> bool:
        """Whether the month in a file's name is in it. A name without a month always is."""
        found = _TRIP_FILE.search(name.rpartition("/")[2])
        if found is None:
            return True
        month = parse_date(found.group(2))
        return (self.since is None or month >= self.since) and (self.until is None or month < self.until)


def read_period(run: SourceRun[TaxiSettings]) -> Period:
    """What `--since` and `--until` say; the settings hold for addresses with a {month} only (list_addresses)."""
    return Period(run.options.find(SINCE), run.options.find(UNTIL))


def list_trip_files(run: SourceRun[TaxiSettings]) -> list[SourceFile]:
    """Every trip file of the period, in the order of their names. Raises HeadwaterError if there is none.

    A file about which its server does not answer is among them, and is not known (is_known).
    """
    settings, period = run.settings, read_period(run)
    if "://" in settings.files:
        found = _list_remote(run, list_addresses(settings, period))
    else:
        found = _list_local(settings.files, period, settings.zones)
    if not found:
        of_period = " of this period" if period.since or period.until else ""
        raise HeadwaterError(f"sources.taxi.files: there is no trip file{of_period} at {settings.files}.")
    return found


def is_known(file: SourceFile) -> bool:
    """Whether the file's version and length are known."""
    return bool(file.version)


def list_zone_files(run: SourceRun[TaxiSettings]) -> list[SourceFile]:
    """The zone look-up. Raises HeadwaterError if there is none."""
    place = run.settings.zones
    if "://" in place:
        if not is_http_address(place):
            raise SettingsError(f"sources.taxi.zones is {place!r}, which is not an http address.")
        files = _list_remote(run, [place])
    else:
        path = Path(place).expanduser()
        files = [_describe_local(path, path.name)] if path.is_file() else []
    if not files:
        raise HeadwaterError(f"sources.taxi.zones: there is no file at {place}.")
    # One name wherever it is from: another look-up replaces this one.
    return [replace(file, name="taxi_zone_lookup.csv") for file in files]


def list_addresses(settings: TaxiSettings, period: Period) -> list[str]:
    """The addresses in `files`; one with {colour} or {month} stands for those of both colours, of all months.

    Raises SettingsError for what is no address.
    """
    since = period.since or parse_date(settings.since)
    until = period.until or parse_date(settings.until)
    addresses = []
    for template in _list_templates(settings):
        if not is_http_address(template) or set(re.findall(r"\{.*?\}", template)) - _PLACEHOLDERS:
            raise SettingsError(
                f"sources.taxi.files has {template!r}, which is not an http address; {{colour}} and {{month}} may"
                " stand for a part of one. Folders and globs stand alone."
            )
        addresses += [
            template.replace("{month}", month).replace("{colour}", colour)
            for month in (list_months(since, until) if "{month}" in template else [""])
            for colour in (_COLOURS if "{colour}" in template else [""])
        ]
    return [address for address in addresses if period.has(address)]


def _list_templates(settings: TaxiSettings) -> list[str]:
    return settings.files.replace(",", " ").split()


def list_months(since: date, until: date) -> list[str]:
    """`2025-01` and so on: the months from `since` on and before `until`."""
    first, last = since.year * 12 + since.month - 1, until.year * 12 + until.month - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(first, last)]


def _list_local(place: str, period: Period, zones: str) -> list[SourceFile]:
    folder, pattern = Path(place).expanduser(), "**/*"
    if not folder.is_dir():
        fixed = re.split(r"[*?\[]", place, maxsplit=1)[0]
        folder = Path(fixed[: fixed.rfind("/") + 1] or ".").expanduser()
        pattern = place[fixed.rfind("/") + 1 :]
        if not folder.is_dir() or (fixed == place and not (folder / pattern).exists()):
            raise SettingsError(f"sources.taxi.files: there is no folder {place if fixed == place else folder}.")
    chosen = {
        str(path.relative_to(folder)): path
        for path in folder.glob(pattern)
        if path.is_file() and not path.name.startswith(".") and not _is_zone_file(path, zones)
    }
    return [_describe_local(path, name) for name, path in sorted(chosen.items()) if period.has(name)]


def _is_zone_file(path: Path, zones: str) -> bool:
    return "zone_lookup" in path.name or ("://" not in zones and path.resolve() == Path(zones).expanduser().resolve())


def _describe_local(path: Path, name: str) -> SourceFile:
    try:
        file = describe_local_file(path)
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        return _postpone(name, str(path.resolve()), UnavailableError(f"{error.strerror or error}."))
    facts = {"address": str(path.resolve()), "modified_at": modified, "content_hash": file.version}
    return _add_facts(replace(file, name=name), facts)


def _list_remote(run: SourceRun[TaxiSettings], addresses: Sequence[str]) -> list[SourceFile]:
    """Those of the files that exist. Raises UnavailableError if their server does not answer twice in a row."""
    downloader = Downloader(run.downloads, run.progress.download)
    named = {*_list_templates(run.settings), run.settings.zones}
    files, is_silent = [], False
    for address in addresses:
        # Without the server: files that move to another one are the same files.
        name = urlsplit(address).path.lstrip("/")
        try:
            remote = downloader.look_up(address)
        except UnavailableError as error:
            if is_silent:
                raise
            is_silent = True
            files.append(_postpone(name, address, error))
            continue
        is_silent = False
        if remote:
            facts = {"address": address, "etag": remote.etag, "modified_at": remote.modified_at}
            file = SourceFile(name, remote.version, remote.size_bytes, partial(downloader.fetch, remote))
            files.append(_add_facts(file, facts))
        elif address in named:
            run.progress.warn(f"There is no file at {address}.")
    return files


def _postpone(name: str, address: str, error: UnavailableError) -> SourceFile:
    """A file that exists and that cannot be had: the load says so, and raw keeps what it has of it."""

    def fail() -> AbstractContextManager[Path]:
        raise error

    return _add_facts(SourceFile(name, "", None, fail), {"address": address})


def _add_facts(file: SourceFile, facts: dict[str, Any]) -> SourceFile:
    name = file.name.rpartition("/")[2]
    found = _TRIP_FILE.search(name)
    suffix = "parquet" if name.endswith(".parquet") else "csv" if name.endswith((".csv", ".csv.gz")) else None
    colour, month = found.groups() if found else (None, None)
    return replace(file, facts={**facts, "colour": colour, "month": month, "format": suffix})


def require_trip_name(file: SourceFile) -> SourceFile:
    """A trip file whose name says colour and month; one of another name is rejected when it is opened."""
    if file.facts["month"] or not file.facts["format"]:  # of the latter the reader says what is wrong
        return file
    return replace(file, open=_refuse_name)


def _refuse_name() -> AbstractContextManager[Path]:
    raise FileFault("its name does not say colour and month, as yellow_tripdata_2024-01.parquet does")

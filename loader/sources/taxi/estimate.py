"""What a run would read and download: which files are new, changed or unchanged, and how long they are."""

from collections.abc import Mapping, Sequence

from loader.base.errors import HeadwaterError
from loader.fetch.refusals import UnavailableError
from loader.raw.file_ledger import REMOVED, FileState, read_file_states
from loader.raw.file_reader import SourceFile
from loader.sources.contract import ONLY, Estimate, RunEstimate, SourceRun
from loader.sources.taxi.listing import is_known, list_addresses, list_trip_files, list_zone_files, read_period
from loader.sources.taxi.settings import TaxiSettings

_RESOURCES = ("trips", "zones")
_LISTS = {"trips": list_trip_files, "zones": list_zone_files}
_NEW, _CHANGED, _UNCHANGED = "new", "changed", "unchanged"
_REJECTED, _UNKNOWN = "rejected before", "not known"


def read_chosen(run: SourceRun[TaxiSettings]) -> set[str]:
    """The resources that `--only` names, or all. Raises HeadwaterError for another name."""
    chosen = run.options.list(ONLY)
    if unknown := [name for name in chosen if name not in _RESOURCES]:
        raise HeadwaterError(f"--only: taxi has no resource {unknown[0]!r}; it has: {', '.join(_RESOURCES)}.")
    return {*(chosen or _RESOURCES)}


def estimate_files(run: SourceRun[TaxiSettings]) -> RunEstimate:
    """What a run would read. Asks servers for the length and the version of each file, and for nothing else."""
    parts: list[Estimate] = []
    for resource in sorted(read_chosen(run)):
        address_count = _count_addresses(run, resource)
        held = read_file_states(run.raw, resource)
        try:
            files = _LISTS[resource](run)
        except UnavailableError as error:
            what = f"{resource}: look up {_count_files(address_count)}"
            parts.append(Estimate(what, address_count, None, f"what is new and its size is unknown: {error}"))
            continue
        if address_count:
            absent = address_count - len(files)
            note = f"{absent} are not published" if absent else ""
            parts.append(
                Estimate(f"{resource}: look up {_count_files(address_count)}", address_count, address_count, note)
            )
        parts += _estimate_reading(resource, files, held, run, is_remote=bool(address_count))
    return RunEstimate(parts)


def _count_addresses(run: SourceRun[TaxiSettings], resource: str) -> int:
    """How many addresses are looked up; 0 if files are on this machine."""
    if resource == "zones":
        return int("://" in run.settings.zones)
    return len(list_addresses(run.settings, read_period(run))) if "://" in run.settings.files else 0


def _estimate_reading(
    resource: str,
    files: Sequence[SourceFile],
    held: Mapping[str, FileState],
    run: SourceRun[TaxiSettings],
    *,
    is_remote: bool,
) -> list[Estimate]:
    kinds: dict[str, list[SourceFile]] = {}
    for file in files:
        kinds.setdefault(_find_kind(file, held.get(file.name)), []).append(file)
    parts = []
    for kind in (_NEW, _CHANGED, _REJECTED, _UNCHANGED):
        if members := kinds.get(kind):
            is_read = kind != _UNCHANGED or run.options.is_full_refresh
            what = f"{resource}: {'read' if is_read else 'skip'} {_count_files(len(members))}, {kind}"
            requests = len(members) if is_read and is_remote else 0
            note = _describe_size(members, is_remote=is_remote) if is_read else ""
            parts.append(Estimate(what, requests, requests, note))
    if silent := kinds.get(_UNKNOWN):
        what = f"{resource}: try {_count_files(len(silent))} again"
        least = len(silent) if is_remote else 0
        parts.append(Estimate(what, least, None, "no answer: what is new and its size is unknown"))
    return parts


def _find_kind(file: SourceFile, held: FileState | None) -> str:
    if not is_known(file):
        return _UNKNOWN
    if held is None or held.status == REMOVED:
        return _NEW
    if held.holds(file.version):
        return _UNCHANGED
    return _REJECTED if held.version == file.version else _CHANGED


def _count_files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


def _describe_size(files: Sequence[SourceFile], *, is_remote: bool) -> str:
    sizes = [file.size_bytes for file in files if file.size_bytes is not None]
    where = "to download" if is_remote else "on disk"
    known = f"{sum(sizes):,} bytes {where}" if sizes else ""
    if unknown := len(files) - len(sizes):
        return f"{known}{'; ' if known else ''}size unknown of {_count_files(unknown)}"
    return known

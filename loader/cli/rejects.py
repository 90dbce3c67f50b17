"""What `dlt pipeline rejects` and `dlt pipeline replay` do."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loader.base.console import build_console, report_error
from loader.base.errors import HeadwaterError
from loader.base.settings import read_settings
from loader.raw.pipelines import name_raw_schema
from loader.raw.rejects import Reject, find_rejects, group_rejects, list_open, list_replays
from loader.raw.replay import build_replay, plan_replays
from loader.raw.warehouse import RawSchema, open_warehouse
from loader.runs.results import ResourceLoad
from loader.runs.runner import SourceRunner
from loader.sources import find_sources


def show_rejects(source: str | None, key: str | None) -> int:
    """Lists the open rejects of one source or all, or shows those of one record whole; returns the exit status."""
    console = build_console()
    try:
        _show_rejects(source, key, console)
    except HeadwaterError as error:
        return report_error(console, error)
    return 0


def _show_rejects(source: str | None, key: str | None, console: Console) -> None:
    settings = read_settings()
    sources = find_sources(source)
    if not settings.warehouse.exists():
        raise HeadwaterError(f"There is no warehouse at {settings.warehouse} yet. `dlt pipeline run` makes one.")
    with open_warehouse(settings.warehouse, wait_seconds=settings.lock_wait_seconds, read_only=True) as connection:
        schemas = {each.name: RawSchema(connection, name_raw_schema(each.name)) for each in sources}
        if key is None:
            for name, raw in schemas.items():
                _print_groups(name, list_open(raw), console)
            return
        found = [(raw, reject) for raw in schemas.values() for reject in find_rejects(raw, key)]
        for raw, reject in found:
            _print_whole(raw, reject, console)
    if not found:
        raise HeadwaterError(f"No rejected record has the key {key!r}. `dlt pipeline rejects` lists examples.")


def replay_rejects(runner: SourceRunner) -> Iterator[ResourceLoad]:
    """Loads the rejected records that pass now; yields what each resource got of them."""
    raw, readers, warn = runner.raw, runner.source.readers, runner.progress.warn
    plans = plan_replays(raw, readers)
    for plan in plans:
        if plan.overtaken:
            warn(f"{plan.resource}: {len(plan.overtaken):,} were overtaken by newer versions; not loaded.")
        for group in group_rejects(plan.still_rejected):
            warn(f"{plan.resource}: {group.count:,} are still rejected ({group.reason}).")
    settled = [plan for plan in plans if plan.to_load or plan.overtaken]
    if not settled:
        warn("No rejected record can be loaded." if plans else "There are no rejected records to replay.")
        return
    yield from runner.load(lambda progress: build_replay(runner.source.name, settled, readers, raw, progress))


def _print_groups(source: str, rejects: list[Reject], console: Console) -> None:
    if not rejects:
        console.print(f"{source} has no pending rejected records.")
        return
    table = Table(title=f"Rejected records of {source}", title_justify="left")
    table.add_column("resource")
    table.add_column("reason", overflow="fold")
    table.add_column("records", justify="right")
    table.add_column("for example", overflow="fold")
    for group in group_rejects(rejects):
        example = group.example.record_id or group.example.record_hash[:12]
        table.add_row(group.resource, Text(group.reason), f"{group.count:,}", Text(example))
    console.print(table)
    console.print(
        f"One whole: dlt pipeline {source} rejects --show KEY\nAfter you fix the cause: dlt pipeline {source} replay"
    )


def _print_whole(raw: RawSchema, reject: Reject, console: Console) -> None:
    lines = [
        f"{reject.resource} {reject.record_id or '(without a readable id)'}",
        f"rejected   {reject.rejected_at:%Y-%m-%d %H:%M:%S} UTC, load {reject.load_id}",
        f"reason     {reject.reason}",
        f"SHA-256    {reject.record_hash}",
    ]
    lines += [
        f"replayed   {replay.replayed_at:%Y-%m-%d %H:%M:%S} UTC: {replay.outcome}"
        for replay in list_replays(raw, reject)
    ]
    for line in [*lines, reject.record]:
        console.print(Text(_hide_controls(line)), soft_wrap=True)


def _hide_controls(text: str) -> str:
    """Without the characters by which a record could steer a terminal."""
    return "".join(char if char.isprintable() or char.isspace() else repr(char)[1:-1] for char in text)

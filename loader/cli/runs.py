"""`headwater runs`: what ran, when, for how long, and what failed."""

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice

import click
from rich.table import Table
from rich.text import Text

from loader.base.console import build_console
from loader.base.run_records import RunRecord, read_records
from loader.base.settings import read_settings


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def runs(limit: int, *, as_json: bool) -> None:
    """List the runs of this warehouse, whole ones and single commands: outcome, start, duration, what failed."""
    records = list(islice(read_records(read_settings()), limit))
    if as_json:
        click.echo(json.dumps([_describe(record) for record in records], indent=2))
    elif records:
        build_console().print(_build_table(records))
    else:
        click.echo("Nothing has run yet.")


def _describe(record: RunRecord) -> dict[str, str | float | None]:
    return {
        "run_id": record.run_id,
        "kind": record.kind,
        "started_at": record.started_at.isoformat(),
        "seconds": record.seconds,
        "outcome": record.outcome,
        "failure": record.failure,
    }


def _build_table(records: Sequence[RunRecord]) -> Table:
    table = Table(title="Runs", title_justify="left")
    for heading in ("started (UTC)", "kind", "outcome"):
        table.add_column(heading, no_wrap=True)
    table.add_column("duration", justify="right", no_wrap=True)
    table.add_column("what failed", overflow="fold")
    for record in records:
        duration = "–" if record.seconds is None else str(timedelta(seconds=round(record.seconds)))
        outcome = Text(record.outcome, style="red" if record.is_failed else "")
        started_at = f"{record.started_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(started_at, record.kind, outcome, duration, Text(record.failure or ""))
    return table

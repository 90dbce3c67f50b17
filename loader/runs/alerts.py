"""Tells people how a run ended, by mail, chat or whatever else apprise has an address for."""

import logging
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dlt
from rich.console import Console
from rich.markup import escape

from loader.base.interrupts import is_from_keyboard
from loader.base.run_records import RUN, RunRecord, read_records
from loader.base.settings import Settings
from loader.runs.report import RunReport


def send_alerts(settings: Settings, report: RunReport, console: Console) -> None:
    """Sends what there is to tell of a run that has ended, if `alerts.urls` has addresses.

    A run that fails is told, one that is successful after a failure, and with `alerts.summary` every other. An alert
    that cannot be sent is a warning: the run is what it is. Whoever pressed Ctrl-C knows what happened.
    """
    urls = _read_urls()
    if not urls or is_from_keyboard(report.exit_status):
        return
    title = _choose_title(settings, report)
    if not title:
        return
    from apprise import Apprise, NotifyType

    # It logs addresses, and what failed is reported here.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    kind = NotifyType.FAILURE if report.exit_status else NotifyType.SUCCESS
    for number, url in enumerate(urls, start=1):
        service = Apprise.instantiate(url, suppress_exceptions=True)
        if service is None:
            _warn(console, f"address {number} of alerts.urls is none that apprise knows; no alert was sent there.")
        elif not service.notify(title=title, body=_describe(settings, report), notify_type=kind):
            shown = str(service.url(privacy=True))  # type: ignore[no-untyped-call]
            _warn(console, f"the alert could not be sent to {shown}.")


def _read_urls() -> list[str]:
    """A list in secrets.toml; in the environment text with commas or spaces, which are no part of an address."""
    given: Any = dlt.secrets.get("alerts.urls") or []
    return given.replace(",", " ").split() if isinstance(given, str) else [str(url) for url in given]


def _choose_title(settings: Settings, report: RunReport) -> str | None:
    if report.exit_status:
        return "Headwater: a run failed"
    if previous := _find_previous(settings, report):
        asked = previous.content.get("asked", [])
        if previous.is_failed and set(asked) <= set(report.asked):
            return "Headwater: successful again"
    return "Headwater: a run was successful" if dlt.config.get("alerts.summary", bool) else None


def _find_previous(settings: Settings, report: RunReport) -> RunRecord | None:
    runs = (record for record in read_records(settings) if record.kind == RUN)
    return next((record for record in runs if record.run_id < report.run_id), None)


def _describe(settings: Settings, report: RunReport) -> str:
    return "\n".join(_list_lines(settings, report))


def _list_lines(settings: Settings, report: RunReport) -> Iterator[str]:
    seconds = sum(step.seconds for step in report.steps)
    yield f"Run {report.run_id} on {socket.gethostname()}, {timedelta(seconds=round(seconds))} of work."
    yield f"Warehouse {settings.warehouse}"
    yield from (f"{step.name}: {step.outcome}" for step in report.steps)
    yield from (
        f"{outcome.domain}: {outcome.state}{f' ({outcome.reason})' if outcome.reason else ''}"
        for outcome in report.domains
    )
    if report.error:
        yield f"Error: {report.error}"


def _warn(console: Console, message: str) -> None:
    console.print(f"[yellow]Note:[/yellow] {escape(message)}", soft_wrap=True)

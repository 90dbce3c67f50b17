"""`headwater demo`: everything from sample sources to Postgres, without a key or a network."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import loader.samples
from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT
from loader.publish.postgres import Server


@dataclass(frozen=True)
class Demo:
    """The demo of one domain: `DEMO` in `loader/samples/<source>/demo.py` of one of its sources.

    `serve` serves the sample of a day, from 1 to `days`, and yields the environment in which the sources find it; it
    may write to the folder that it is given. The warehouse is in `folder` of the data folder. Each answer is a question
    and the SQL that answers it from the marts alone, in Postgres. `next_steps` are commands, each with what it is for,
    that are printed after the first day.
    """

    domain: str
    folder: str
    serve: Callable[[int, Path], AbstractContextManager[Mapping[str, str]]]
    answers: Sequence[tuple[str, str]]
    days: int = 1
    next_steps: Sequence[tuple[str, str]] = ()


def find_demo(domain: str, day: int) -> Demo:
    """The demo of a domain. Raises HeadwaterError if it has none, or does not have that day."""
    samples = [module.name for module in iter_modules(loader.samples.__path__, "loader.samples.") if module.ispkg]
    names = [f"{sample}.demo" for sample in samples if find_spec(f"{sample}.demo")]
    demos: dict[str, Demo] = {demo.domain: demo for demo in (import_module(name).DEMO for name in names)}
    if domain not in demos:
        raise HeadwaterError(f"There is no demo of a domain {domain!r}. There are: {', '.join(sorted(demos))}.")
    if day > demos[domain].days:
        raise HeadwaterError(f"--day {day}: the demo of {domain} has {demos[domain].days}.")
    return demos[domain]


def prepare_environment(demo: Demo, served: Mapping[str, str], data: Path) -> None:
    """Points this process and its children at the samples, away from the user's warehouse, Postgres and keys."""
    for name in list(os.environ):
        if name.startswith(("PG", "SOURCES__")):
            del os.environ[name]
    os.environ.update(
        {
            "HEADWATER_DATA": str(data),
            "HEADWATER_WAREHOUSE": "",
            "HEADWATER_DOMAINS": demo.domain,
            # They test code and not data, and this code is as it was shipped: `make test` runs them.
            "DBT_EXCLUDE_RESOURCE_TYPES": "unit_test",
            **served,
        }
    )


def print_answers(demo: Demo, server: Server, console: Console) -> None:
    """Answers the demo's questions from Postgres."""
    with server.connect() as connection, connection.cursor() as cursor:
        for question, sql in demo.answers:
            cursor.execute(sql)
            table = Table(title=question, title_justify="left")
            for column in cursor.description or []:
                table.add_column(column.name.replace("percent_", "% ").replace("_", " "))
            for row in cursor.fetchall():
                table.add_row(*(escape(str(value)) for value in row))
            console.print()
            console.print(table)


def print_next_steps(demo: Demo, server: Server, data: Path, day: int, console: Console) -> None:
    """How to look further."""
    shown = data.relative_to(ROOT) if data.is_relative_to(ROOT) else data
    console.print()
    console.print("To look further:", style="bold")
    if "VIRTUAL_ENV" not in os.environ:
        console.print("  . .venv/bin/activate  # first: the commands below are in it")
    console.print(f'  psql "{server.as_reader().url}"  # the marts, to read', soft_wrap=True)
    domains = "" if demo.folder == "demo" else f" HEADWATER_DOMAINS={demo.domain}"
    settings = f"HEADWATER_DATA={shown}{domains}"
    console.print(f"  {settings} headwater status", soft_wrap=True)
    for command, purpose in demo.next_steps if day == 1 else ():
        console.print(f"  {command}  # {purpose}", soft_wrap=True)
    console.print(f"  {settings} make docs  # every table and column, with lineage", soft_wrap=True)
    console.print(f"  {settings} headwater postgres stop  # when you are done", soft_wrap=True)

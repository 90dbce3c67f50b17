"""What Python reads of the dbt project, so that a decision that both take is written once."""

import csv
from typing import Any

from jinja2 import Environment

from loader.base.settings import ROOT

_PROJECT = ROOT / "dbt_project"


def read_seed(domain: str, name: str) -> list[dict[str, str]]:
    """The rows of a seed, as text by column."""
    with (_PROJECT / "seeds" / domain / f"{name}.csv").open(newline="", encoding="utf-8") as seed:
        return list(csv.DictReader(seed))


def list_mart_names() -> set[str]:
    """The marts of all domains, enabled or not."""
    return {path.stem for path in (_PROJECT / "models" / "marts").glob("*/*.sql")}


def render_macro(domain: str, file: str, name: str, *arguments: str) -> str:
    """The SQL of a macro that uses none of dbt's own functions."""
    text = (_PROJECT / "macros" / domain / f"{file}.sql").read_text(encoding="utf-8")
    macros: Any = Environment(autoescape=False).from_string(text).module
    return str(getattr(macros, name)(*arguments))

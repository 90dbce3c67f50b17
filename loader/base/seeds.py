"""dbt's seeds, where Python takes the same decision as SQL: each list has one file."""

import csv

from loader.base.settings import ROOT


def read_seed(domain: str, name: str) -> list[dict[str, str]]:
    """The rows of a seed of `dbt_project/seeds`, as text by column."""
    path = ROOT / "dbt_project" / "seeds" / domain / f"{name}.csv"
    with path.open(newline="", encoding="utf-8") as seed:
        return list(csv.DictReader(seed))

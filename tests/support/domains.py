"""Which tests belong to a domain: those in a folder of its name, or of the name of one of its sources.

A source's domain is the one whose staging it has in dbt: models/staging/<domain>/<source>/.
"""

from functools import cache
from pathlib import Path

from loader.base.settings import ROOT

_TESTS = ROOT / "tests"
_STAGING = ROOT / "dbt_project" / "models" / "staging"
# In these, the next folder or file is named after a source.
_OF_SOURCES = (Path("loader", "sources"), Path("loader", "samples"))


def list_domains() -> list[str]:
    """The domains of the project."""
    return sorted(folder.name for folder in _STAGING.iterdir() if folder.is_dir())


def find_domain(path: Path) -> str | None:
    """The domain of a file of tests; None if every domain shares it."""
    place = path.relative_to(_TESTS).with_suffix("")
    for folder in place.parts[:-1]:
        if folder in list_domains():
            return folder
    for parent in _OF_SOURCES:
        if place.is_relative_to(parent):
            return _read_domains_of_sources().get(place.relative_to(parent).parts[0].removeprefix("test_"))
    return None


def is_selected(path: Path, domain: str | None) -> bool:
    """Whether a file of tests runs where this domain is asked for; without one all do."""
    return domain is None or find_domain(path) in (domain, None)


@cache
def _read_domains_of_sources() -> dict[str, str]:
    return {source.name: source.parent.name for source in _STAGING.glob("*/*/")}

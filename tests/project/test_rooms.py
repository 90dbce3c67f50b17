"""The rooms of the loader import downwards: cli, runs, sources, publish, raw, fetch, base."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from loader.base.settings import ROOT
from loader.sources import load_sources

LOADER = ROOT / "loader"
# What each room may import beside itself.
BELOW = {
    "base": set[str](),
    "fetch": {"base"},
    "raw": {"base", "fetch"},
    "publish": {"base", "raw"},
    "sources": {"base", "fetch", "raw"},
    "runs": {"base", "fetch", "raw", "publish", "sources"},
    "cli": {"base", "fetch", "raw", "publish", "sources", "runs"},
    "startup": {"base", "publish"},
    "samples": {"base", "fetch", "raw", "publish", "sources", "runs", "cli"},
}
# The demo serves the samples.
MAY_IMPORT_SAMPLES = {"loader.cli.headwater"}


def list_modules() -> dict[str, Path]:
    """Every module of the loader by its name."""
    paths = {path: path.relative_to(ROOT).with_suffix("").parts for path in sorted(LOADER.rglob("*.py"))}
    return {".".join(parts[:-1] if parts[-1] == "__init__" else parts): path for path, parts in paths.items()}


MODULES = list_modules()


@cache
def list_imports(module: str) -> set[str]:
    """The modules of the loader that this one imports, anywhere in it."""
    return set(find_imports(ast.parse(MODULES[module].read_text())))


def find_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in MODULES else node.module for name in inner)


def name_room(module: str) -> str:
    return [*module.split("."), ""][1]


def test_imports_run_downwards() -> None:
    upwards = [
        f"{module} imports {imported}"
        for module in MODULES
        for imported in sorted(list_imports(module))
        if name_room(module) not in {"", name_room(imported)}
        and name_room(imported) not in BELOW[name_room(module)]
        and not (name_room(imported) == "samples" and module in MAY_IMPORT_SAMPLES)
    ]
    assert upwards == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    try:
        TopologicalSorter({module: list_imports(module) - {module} for module in MODULES}).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None


def test_no_import_hides_from_python() -> None:
    hiding = [module for module, path in MODULES.items() if "TYPE_CHECKING" in path.read_text()]
    assert hiding == []


def test_a_source_imports_no_source_of_another_domain() -> None:
    sources = load_sources()
    strangers = [
        f"{module} imports {imported}"
        for name, source in sources.items()
        for module in MODULES
        if module.split(".")[:3] == ["loader", "sources", name]
        for imported in sorted(list_imports(module))
        if imported.startswith("loader.sources.")
        and (other := sources.get(imported.split(".")[2])) is not None
        and other.domain != source.domain
    ]
    assert strangers == []


def test_what_all_sources_share_knows_none_of_them() -> None:
    sources = load_sources()
    names = re.compile("|".join(name.replace("_", "[ _]?") for name in sources), re.IGNORECASE)
    of_a_source = tuple(f"loader.{room}.{name}" for room in ("sources", "samples") for name in sources)
    shared = [module for module in MODULES if not module.startswith(of_a_source)]
    known = [f"{module}: {found[0]}" for module in shared if (found := names.search(MODULES[module].read_text()))]
    assert known == []

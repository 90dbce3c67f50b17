"""`headwater new-source`: the skeleton of a source, in the files that docs/adding-a-source.md goes through."""

import keyword
import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

from loader.base.errors import HeadwaterError

_NAME = re.compile(r"(?=.{2,30}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
# A folder of dbt_project has the name, or its project file or YAML means something else by it.
_NO_DOMAIN = frozenset({"shared", "raw", "generic", "fixtures", "pseudonymous", "domains", "headwater"})
_NO_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null"})
# What the source's module imports.
_IMPORTED = frozenset({"Record", "Source", "Page", "Documents", "Iterator"})

_SKELETON = Path(__file__).parent / "skeleton"
_FILES = {
    "source.py.txt": "loader/sources/$name.py",
    "stand_in.py.txt": "loader/samples/$name.py",
    "test.py.txt": "tests/loader/sources/test_$name.py",
    "tables.yml.txt": "dbt_project/models/staging/$domain/$name/_${name}__sources.yml",
    "models.yml.txt": "dbt_project/models/staging/$domain/$name/_${name}__models.yml",
    "staging.sql.txt": "dbt_project/models/staging/$domain/$name/stg_${name}__$resource.sql",
}
_PROJECT = "dbt_project/dbt_project.yml"
# What a new domain adds to the project file, each above the line that marks its place.
_ENTRIES = {
    "        # A further domain: its first entry.\n": """\
        $domain: &$domain
          +enabled: "{{ ('$domain' in env_var('HEADWATER_DOMAINS', 'academic').split(',')) | as_bool }}"
          +tags: "{{ '$domain' if target.type == 'duckdb' else 'upstream' }}"
""",
    "      # A further domain: its second entry.\n": """\
      $domain: {<<: *$domain, +tags: $domain}
""",
    "      # A further domain: its third entry.\n": """\
      $domain:
        +enabled: "{{ ('$domain' in env_var('HEADWATER_DOMAINS', 'academic').split(',')
          and target.type == 'duckdb') | as_bool }}"
""",
}


def write_skeleton(root: Path, name: str, resource: str, domain: str) -> list[str]:
    """Writes the skeleton into a checkout; returns the paths of what it wrote, relative to the checkout.

    Raises HeadwaterError, and writes nothing, for a name that cannot be used and for a file that exists.
    """
    _check_names(name, resource, domain)
    values = _derive_values(name, resource, domain)
    texts = {
        Template(path).substitute(values): Template((_SKELETON / template).read_text(encoding="utf-8")).substitute(
            values
        )
        for template, path in _FILES.items()
    }
    taken = [f"loader/sources/{name}", f"loader/samples/{name}", *texts]
    if existing := [path for path in taken if (root / path).exists()]:
        raise HeadwaterError(f"{existing[0]} exists already. Nothing was written.")
    if not (root / "dbt_project" / "models" / "staging" / domain).exists():
        texts[_PROJECT] = _add_domain((root / _PROJECT).read_text(encoding="utf-8"), values)
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return list(texts)


def list_next_steps(name: str, domain: str, enabled: Sequence[str]) -> list[str]:
    """What a person does after the skeleton, a line each."""
    domains = ", ".join(f'"{each}"' for each in sorted({*enabled, domain}))
    return [
        f"Give loader/sources/{name}.py and loader/samples/{name}.py the API's address, paging and fields.",
        *([] if domain in enabled else [f"Enable the domain in .dlt/local.config.toml: domains = [{domains}]"]),
        f"dlt pipeline {name} run",
        f".venv/bin/python -m pytest -n0 tests/project tests/loader/sources/test_{name}.py",
        "Go on with transform and marts: docs/adding-a-source.md",
    ]


def _check_names(name: str, resource: str, domain: str) -> None:
    for kind, text in (("source", name), ("resource", resource), ("domain", domain)):
        if not _NAME.fullmatch(text):
            raise HeadwaterError(
                f"{text!r} cannot name a {kind}: it takes 2 to 30 small letters and digits, words joined by one"
                " underscore."
            )
        if keyword.iskeyword(text) or text in _NO_TEXT or (kind == "domain" and text in _NO_DOMAIN):
            raise HeadwaterError(f"{text!r} cannot name a {kind}: the name has another meaning. Choose another.")


def _derive_values(name: str, resource: str, domain: str) -> dict[str, str]:
    """What the templates name: `prefix` begins the classes of the source, `entity` is one of the resource."""
    entity = _find_singular(resource)
    model = _join_capitalised(entity)
    return {
        "name": name,
        "resource": resource,
        "domain": domain,
        "title": name.replace("_", " ").capitalize(),
        "prefix": _join_capitalised(name),
        "entity": entity,
        "model": f"{model}Record" if model in _IMPORTED else model,
    }


def _add_domain(project: str, values: dict[str, str]) -> str:
    for mark, entry in _ENTRIES.items():
        if project.count(mark) != 1:
            raise HeadwaterError(f"{_PROJECT} has no line {mark.strip()!r}. Nothing was written.")
        project = project.replace(mark, Template(entry).substitute(values) + mark)
    return project


def _find_singular(plural: str) -> str:
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    return plural[:-1] if plural.endswith("s") and not plural.endswith("ss") else plural


def _join_capitalised(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_"))

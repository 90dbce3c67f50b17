"""The rules of names and descriptions that every source, model and mart follows."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from loader.base.settings import ROOT
from loader.sources import find_sources, load_sources
from loader.sources.contract import Source

PROJECT = ROOT / "dbt_project"
LAYERS = {
    "staging": re.compile(r"(stg|base)_[a-z0-9]+(_[a-z0-9]+)*__[a-z0-9_]+"),
    "transform": re.compile(r"int_[a-z_]+"),
    "pseudonymous": re.compile(r"pseudonymous_[a-z_]+"),
    "marts": re.compile(r"(dim|fct|bridge)_[a-z_]+"),
}
TOP_LEVEL = {
    ".ci",
    ".dlt",
    ".github",
    ".gitignore",
    ".sqlfluff",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "DECISIONS.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "dbt_project",
    "docs",
    "loader",
    "profiles.yml",
    "pyproject.toml",
    "requirements.lock",
    "tests",
}
# What tools and runs leave in a working copy.
LEFT_BEHIND = {".git", ".venv", "data", ".pytest_cache", ".mypy_cache", ".ruff_cache", "__pycache__"}


def list_models() -> list[Path]:
    return sorted((PROJECT / "models").rglob("*.sql"))


def list_documented() -> Iterator[dict[str, Any]]:
    for path in sorted((PROJECT / "models").rglob("*.yml")):
        yield from yaml.safe_load(path.read_text()).get("models") or []


DOCUMENTED = {model["name"]: model for model in list_documented()}


@pytest.mark.parametrize("path", list_models(), ids=lambda path: path.stem)
def test_a_model_is_named_by_its_layer_and_described_with_its_grain(path: Path) -> None:
    layer = path.relative_to(PROJECT / "models").parts[0]
    assert LAYERS[layer].fullmatch(path.stem), f"{path.stem} is not named as a model of {layer} (CONTRIBUTING.md)."
    assert path.stem in DOCUMENTED, f"{path.stem} is described in no YAML file of {path.parent.relative_to(ROOT)}."
    model = DOCUMENTED[path.stem]
    described = model.get("description", "").strip()
    assert described.startswith("One row per"), f'The description of {path.stem} does not begin with "One row per".'
    for column in model.get("columns", []):
        assert column.get("description", "").strip(), f"{path.stem}.{column['name']} has no description."


@pytest.mark.parametrize("path", sorted((PROJECT / "models" / "marts").rglob("*.sql")), ids=lambda path: path.stem)
def test_a_mart_has_a_key_types_and_tests(path: Path) -> None:
    assert list_faults_of_mart(DOCUMENTED.get(path.stem, {"name": path.stem})) == []


def list_faults_of_mart(model: dict[str, Any]) -> list[str]:
    """What a mart's YAML lacks, each in a sentence."""
    name = model["name"]
    columns = {column["name"]: column for column in model.get("columns", [])}
    tests = {column: described.get("data_tests", []) for column, described in columns.items()}
    faults = [f"{name}.{column} has no data_type." for column in columns if "data_type" not in columns[column]]
    constraints = model.get("constraints", [])
    keys = [constraint["columns"] for constraint in constraints if constraint["type"] == "primary_key"]
    if len(keys) != 1:
        return [*faults, f"{name} has {len(keys)} primary keys in its constraints, and needs one."]
    (key,) = keys
    faults += [
        f"{name}.{column}, a column of the key, has no test not_null."
        for column in key
        if "not_null" not in tests.get(column, [])
    ]
    combinations = [
        test["expect_unique_combination"]["arguments"]
        for test in model.get("data_tests", [])
        if "expect_unique_combination" in test
    ]
    if len(key) == 1 and "unique" not in tests.get(key[0], []):
        faults.append(f"{name}.{key[0]}, the key, has no test unique.")
    if len(key) > 1 and {"combination_of_columns": key} not in combinations:
        faults.append(f"{name} has no test expect_unique_combination of {', '.join(key)}, its key.")
    for constraint in constraints:
        if constraint["type"] != "foreign_key":
            continue
        if len(constraint["columns"]) > 1:
            continue  # dbt has no test of a key of several columns: a singular test holds it
        (column,) = constraint["columns"]
        related = [
            test["relationships"]["arguments"]["to"]
            for test in tests.get(column, [])
            if isinstance(test, dict) and "relationships" in test
        ]
        if constraint["to"] not in related:
            faults.append(f"{name}.{column} has no test relationships to {constraint['to']}, its foreign key.")
    return faults


def test_what_a_mart_lacks_is_reported_in_sentences() -> None:
    key = {"type": "primary_key", "columns": ["story_id"]}
    foreign = {"type": "foreign_key", "columns": ["posted_date"], "to": "ref('dim_dates')"}
    columns = [{"name": "story_id", "data_type": "varchar", "data_tests": ["not_null"]}, {"name": "posted_date"}]
    assert list_faults_of_mart({"name": "fct_stories"}) == [
        "fct_stories has 0 primary keys in its constraints, and needs one."
    ]
    assert list_faults_of_mart({"name": "fct_stories", "constraints": [key, foreign], "columns": columns}) == [
        "fct_stories.posted_date has no data_type.",
        "fct_stories.story_id, the key, has no test unique.",
        "fct_stories.posted_date has no test relationships to ref('dim_dates'), its foreign key.",
    ]
    several = {"type": "primary_key", "columns": ["story_id", "posted_date"]}
    assert list_faults_of_mart({"name": "fct_stories", "constraints": [several], "columns": columns}) == [
        "fct_stories.posted_date has no data_type.",
        "fct_stories.posted_date, a column of the key, has no test not_null.",
        "fct_stories has no test expect_unique_combination of story_id, posted_date, its key.",
    ]


@pytest.mark.parametrize("path", sorted((PROJECT / "models" / "marts").rglob("*.sql")), ids=lambda path: path.stem)
def test_a_mart_reads_only_transform_models_and_marts(path: Path) -> None:
    text = path.read_text()
    assert "source(" not in text
    for name in re.findall(r"ref\('(\w+)'\)", text):
        assert name.startswith(("int_", "dim_", "fct_", "bridge_")), name


def test_every_transform_model_that_a_mart_reads_has_one_that_stands_for_it_or_is_not_personal() -> None:
    texts = [path.read_text() for path in (PROJECT / "models" / "marts").rglob("*.sql")]
    read = {name for text in texts for name in re.findall(r"ref\('int_(\w+)'\)", text)}
    for name in sorted(read - {path.stem.removeprefix("pseudonymous_") for path in list_models()}):
        meta = DOCUMENTED[f"int_{name}"].get("config", {}).get("meta", {})
        assert meta.get("is_personal") is False, (
            f"int_{name} has neither a model pseudonymous_{name} nor config: {{meta: {{is_personal: false}}}}."
        )


def test_singular_tests_say_which_decision_they_guard() -> None:
    for path in (PROJECT / "tests").rglob("*.sql"):
        if path.parent.name == "generic":
            continue
        assert path.stem.startswith("assert_")
        assert path.read_text().startswith("-- Decision: "), path.name


def test_a_domain_without_pseudonymous_models_publishes_nothing_personal() -> None:
    """Else a pseudonymous publication of it is refused (macros/publish/privacy.sql)."""
    for folder in (path for path in (PROJECT / "models" / "marts").iterdir() if path.name != "shared"):
        if (PROJECT / "models" / "pseudonymous" / folder.name).exists():
            continue
        read = {name for path in folder.glob("*.sql") for name in re.findall(r"ref\('(int_\w+)'\)", path.read_text())}
        assert read
        for name in read:
            assert DOCUMENTED[name].get("config", {}).get("meta", {}).get("is_personal") is False, name


def list_untested_tables(source: str, resources: Iterable[str]) -> Iterator[str]:
    """A sentence for each resource whose raw table dbt does not test."""
    name = f"_{source}__sources.yml"
    path = next((PROJECT / "models" / "staging").rglob(name), None)
    if path is None:
        yield f"{source} has no dbt_project/models/staging/<domain>/{source}/{name}."
        return
    declared = {entry["name"]: entry for entry in (yaml.safe_load(path.read_text()) or {}).get("sources", [])}
    domain = path.parent.parent.name
    if domain not in declared.get(source, {}).get("config", {}).get("tags", []):
        yield f"{source} has no config: {{tags: [{domain}]}} in {path.relative_to(ROOT)}."
    tables = {table["name"]: table for table in declared.get(source, {}).get("tables", [])}
    for resource in resources:
        if "expect_sound_documents" not in tables.get(resource, {}).get("data_tests", []):
            yield f"{source}.{resource} has no data_tests: [expect_sound_documents] in {path.relative_to(ROOT)}."


def test_every_table_of_documents_is_tested_as_one() -> None:
    sources = load_sources().items()
    assert [sentence for name, source in sources for sentence in list_untested_tables(name, source.models)] == []


def test_a_table_that_is_not_tested_is_named_in_a_sentence() -> None:
    assert list(list_untested_tables("hacker_news", ["stories"])) == [
        "hacker_news has no dbt_project/models/staging/<domain>/hacker_news/_hacker_news__sources.yml."
    ]
    path = "dbt_project/models/staging/academic/openalex/_openalex__sources.yml"
    assert list(list_untested_tables("openalex", ["works", "stories", "sync_status"])) == [
        f"openalex.stories has no data_tests: [expect_sound_documents] in {path}.",
        f"openalex.sync_status has no data_tests: [expect_sound_documents] in {path}.",
    ]


def test_the_columns_of_raw_are_described_once() -> None:
    page = (PROJECT / "models" / "staging" / "raw.md").read_text()
    described = re.findall(r"^\| `(\w+)` \| (\w+) \|", page, re.MULTILINE)
    macros = (PROJECT / "macros" / "raw" / "columns.sql").read_text()
    assert described == re.findall(r"'(\w+)': '(\w+)(?: not null)?'", macros)
    for path in (PROJECT / "models" / "staging").rglob("*__sources.yml"):
        for source in yaml.safe_load(path.read_text())["sources"]:
            references = ("{{ doc('raw_documents') }}", "{{ doc('raw_files') }}")
            assert any(reference in source["description"] for reference in references), (
                f"The description of {source['name']} lacks {' or '.join(references)}."
            )


def list_domains_in_project_file() -> set[str]:
    """The domains that can be disabled, their raw tests too, and whose marts have their tag."""
    project = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())
    models, raw_tests = project["models"]["headwater"], project["data_tests"]["headwater"]["staging"]
    return {
        name
        for name, settings in models["staging"].items()
        if name in models["marts"] and "+tags" in settings and f"'{name}' in env_var" in str(raw_tests.get(name))
    }


def list_breaches(name: str, source: Source[Any]) -> Iterator[str]:
    """What a source lacks, each in a sentence."""
    module = ROOT / "loader" / "sources" / name
    if not (module.is_dir() or module.with_suffix(".py").exists()):
        yield f"{name} is not defined in loader/sources/{name} or loader/sources/{name}.py"
    samples = ROOT / "loader" / "samples" / name
    servers = [path for path in (samples / "server.py", samples.with_suffix(".py")) if path.exists()]
    if not any("StandInServer" in path.read_text() for path in servers):
        yield f"{name} has no stand-in server in loader/samples/{name}"
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        yield f"{name} is not in snake case"
    if not source.resources:
        yield f"{name} has no resource"
    for shape in source.resources:
        if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", shape.name):
            yield f"{name} has a resource {shape.name}, which is not in snake case"
    if not (PROJECT / "models" / "staging" / source.domain / name).is_dir():
        yield f"{name} has no staging models in dbt_project/models/staging/{source.domain}/{name}"
    if source.domain not in list_domains_in_project_file():
        yield f"{name} is of the domain {source.domain}, which has no three entries in dbt_project/dbt_project.yml"
    tests = ROOT / "tests" / "loader" / "sources"
    if not ((tests / name).is_dir() or (tests / f"test_{name}.py").exists()):
        yield f"{name} has no tests in tests/loader/sources/{name} or tests/loader/sources/test_{name}.py"


def test_every_source_has_what_belongs_to_one() -> None:
    assert [breach for name, source in load_sources().items() for breach in list_breaches(name, source)] == []


def test_a_source_that_lacks_something_is_named_with_what_it_lacks() -> None:
    (openalex,) = find_sources("openalex", domains=("academic",))
    assert list(list_breaches("hacker_news", replace(openalex, name="hacker_news", domain="headlines"))) == [
        "hacker_news is not defined in loader/sources/hacker_news or loader/sources/hacker_news.py",
        "hacker_news has no stand-in server in loader/samples/hacker_news",
        "hacker_news has no staging models in dbt_project/models/staging/headlines/hacker_news",
        "hacker_news is of the domain headlines, which has no three entries in dbt_project/dbt_project.yml",
        "hacker_news has no tests in tests/loader/sources/hacker_news or tests/loader/sources/test_hacker_news.py",
    ]


def test_yaml_files_are_named_after_their_folder() -> None:
    for path in (PROJECT / "models").rglob("*.yml"):
        assert re.fullmatch(rf"_{path.parent.name}__[a-z_]+\.yml", path.name), path


def test_no_folder_stands_at_the_top_without_a_reason() -> None:
    assert {path.name for path in ROOT.iterdir()} - LEFT_BEHIND <= TOP_LEVEL


def test_the_lock_file_pins_with_hashes_and_names_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"\S+==\S+", requirement), requirement
        assert "--hash=sha256:" in requirement


def test_telemetry_is_off() -> None:
    assert "dlthub_telemetry = false" in (ROOT / ".dlt" / "config.toml").read_text()
    flags = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["flags"]
    assert flags["send_anonymous_usage_stats"] is False

"""docs/configuration.md is complete: every setting of the code is there with its default, and no other."""

import re
import tomllib
from pathlib import Path

from dlt.common.configuration.specs import BaseConfiguration

from loader.base.settings import ROOT, Settings, derive_tool_environment, read_settings
from loader.publish.postgres import find_server
from loader.sources import load_sources
from loader.sources.settings import HttpSettings
from tests.support.documents import DOCUMENTS, read_table

PAGE = ROOT / "docs" / "configuration.md"
# What `headwater run` tells dbt: no setting of a user's.
BETWEEN_COMMANDS = {"HEADWATER_HAND_OFF", "HEADWATER_SHRINK_HISTORY", "HEADWATER_STEP_OF_A_RUN"}
# Read by their names, which say nothing of a default.
READ_BY_NAME = {"publication.privacy_key": None, "alerts.urls": None, "alerts.summary": False}


def read_source_settings() -> dict[str, type[BaseConfiguration]]:
    """The settings of each source by its name, as dlt resolves them."""
    return {name: source.settings for name, source in load_sources().items()}


def list_settings() -> dict[str, object]:
    """Every setting that the code declares, with its default."""
    defaults = read_settings({})
    server = find_server(defaults, {"PGHOST": "example.org"})
    settings: dict[str, object] = {
        "domains": list(Settings.domains),
        "publication.privacy": Settings.privacy,
        "publication.smallest_group": Settings.smallest_group,
        "HEADWATER_DATA": f"{defaults.data.relative_to(ROOT)}/",
        "HEADWATER_WAREHOUSE": defaults.warehouse.name,
        "HEADWATER_LOCK_WAIT_SECONDS": defaults.lock_wait_seconds,
        "PGHOST": None,
        "PGPORT": server.port,
        "PGUSER": server.user,
        "PGPASSWORD": None,
        "PGDATABASE": server.database,
    }
    for source, specification in read_source_settings().items():
        for name in specification.get_resolvable_fields():
            settings[f"sources.{source}.{name}"] = getattr(specification(), name, None)
    return READ_BY_NAME | settings


def render(default: object) -> str:
    """A default as the page shows it."""
    if default is None:
        return "–"
    if isinstance(default, bool):
        return f"`{default}`".lower()
    if isinstance(default, float):
        return f"`{default:g}`"
    return f"`{default}`".replace("'", '"')


def read_defaults(page: Path) -> dict[str, str]:
    """The defaults of the settings that a page lists, as it shows them."""
    return {cells[0].strip("`"): cells[-1] for cells in read_table(page, "setting")}


def read_code() -> str:
    """All of the loader, of dbt's macros and models, and of the profiles."""
    files = [*(ROOT / "loader").rglob("*.py"), ROOT / "profiles.yml", *(ROOT / "dbt_project").rglob("*.sql")]
    return "\n".join(path.read_text() for path in files)


def list_common_settings() -> dict[str, object]:
    """The settings of every HTTP source, as the page names them for all, with their defaults."""
    defaults = {name: getattr(HttpSettings(), name, None) for name in HttpSettings.get_resolvable_fields()}
    return {f"sources.<name>.{name}": None if default == "" else default for name, default in defaults.items()}


def test_the_page_has_every_setting_with_its_default() -> None:
    """A source's own table may leave out what is the same for all sources."""
    shown = read_defaults(PAGE)
    common = {name: render(default) for name, default in list_common_settings().items()}
    assert common.items() <= shown.items()
    settings = {name: render(default) for name, default in list_settings().items()}
    assert shown.items() - common.items() <= settings.items()
    for name, default in settings.items() - shown.items():
        of_all = re.sub(r"^sources\.\w+\.", "sources.<name>.", name)
        assert common.get(of_all) == default, f"{name} has no row in {PAGE.relative_to(ROOT)}."


def test_other_pages_agree_with_it() -> None:
    pages = [page for page in DOCUMENTS if page != PAGE]
    shown = [item for page in pages for item in read_defaults(page).items()]
    assert shown
    assert set(shown) <= read_defaults(PAGE).items()


def test_every_environment_variable_that_the_code_reads_is_a_setting() -> None:
    read = set(re.findall(r"""(?:environ(?:ment)?\.get|env_var)\(["']((?:HEADWATER_|PG)\w+)""", read_code()))
    assert {"HEADWATER_DATA", "PGHOST"} <= read
    made_from_settings = derive_tool_environment(read_settings({})).keys()
    assert read - made_from_settings - BETWEEN_COMMANDS <= list_settings().keys()


def test_every_setting_that_a_message_or_a_comment_names_exists() -> None:
    named = set(re.findall(r"(?<![\w./])(?:sources\.\w+|publication)\.(?!sql)[a-z]\w+\b(?![(.])", read_code()))
    assert "sources.openalex.roster" in named
    assert named <= list_settings().keys()


def test_what_ships_in_the_files_of_dlt_is_a_setting() -> None:
    for name in ("config.toml", "example.secrets.toml"):
        written = tomllib.loads((ROOT / ".dlt" / name).read_text())
        sources = written.get("sources", {})
        shipped = {f"sources.{source}.{key}" for source, values in sources.items() for key in values}
        shipped |= {f"{table}.{key}" for table in ("publication", "alerts") for key in written.get(table, {})}
        assert shipped
        assert shipped <= list_settings().keys()

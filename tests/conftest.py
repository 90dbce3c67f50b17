"""What all tests share: no network, and workspaces in which commands run as a user would run them."""

import gc
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from dlt.common.configuration import resolve
from dlt.common.configuration.providers import environ
from dlt.common.configuration.specs import base_configuration
from hypothesis.configuration import set_hypothesis_home_dir

from loader.fetch.downloads import Downloader
from loader.fetch.session import HttpSession
from tests.support.domains import is_selected, list_domains
from tests.support.offline import sitecustomize  # noqa: F401  (installs the guard in this process)
from tests.support.published import copy_published_sample
from tests.support.slots import stand_in
from tests.support.warm import PARSED_PROJECTS
from tests.support.workspace import Workspace

_BEGUN_WITH = ("test_answers.py", "test_demo.py", "test_privacy.py", "test_recorded_pages.py")
_THEN = ("chaos", "end_to_end", "sources", "test_bad_input.py", "test_http_commands.py")
_OFFLINE = Path(__file__).parent / "support" / "offline"


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--domain academic`: the tests of that domain and the shared ones (tests/support/domains.py)."""
    parser.addoption("--domain", metavar="NAME", help="run the tests of one domain and the shared ones")


def pytest_configure(config: pytest.Config) -> None:
    """Keeps what hypothesis writes down, while tests are collected already, out of the repository.

    Looks for garbage as seldom as a dbt command does (loader/startup.py): it took a sixth of each load's time.
    """
    domain = config.getoption("domain")
    if domain is not None and domain not in list_domains():
        raise pytest.UsageError(f"There is no domain {domain!r}. The domains are: {', '.join(list_domains())}.")
    gc.set_threshold(5_000, 50, 1_000)
    folder = tempfile.TemporaryDirectory(prefix="hypothesis-")
    config.add_cleanup(folder.cleanup)
    set_hypothesis_home_dir(folder.name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out the tests of other domains, if one is asked for.

    Begins with the files that take minutes, whatever the shuffle: else one process ends long after the others.

    Of them the first makes the published sample, while the other processes have what does not wait for it.
    """
    left_out = [item for item in items if not is_selected(item.path, config.getoption("domain"))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    if item.path.name in _BEGUN_WITH:
        return _BEGUN_WITH.index(item.path.name)
    for place, name in enumerate(_THEN, start=len(_BEGUN_WITH)):
        if name in item.path.parts:
            return place
    return len(_BEGUN_WITH) + len(_THEN)


@pytest.fixture(scope="session", autouse=True)
def _prepare_children(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[None]:
    """Puts the guard into every child process too, and says where parsed projects are kept."""
    log = tmp_path_factory.mktemp("network") / "attempts.log"
    log.touch()
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(_OFFLINE), prepend=os.pathsep)
    patch.setenv("HEADWATER_TEST_NETWORK_LOG", str(log))
    folder = tmp_path_factory.getbasetemp()
    parsed = (folder if worker_id == "master" else folder.parent) / "parsed"
    parsed.mkdir(exist_ok=True)
    patch.setenv(PARSED_PROJECTS, str(parsed))
    # A developer's own settings, and a server of theirs, have no place in a test.
    for name in list(os.environ):
        if name.startswith(
            ("PG", "SOURCES__", "PUBLICATION__", "HEADWATER_DATA", "HEADWATER_WAREHOUSE", "DBT_", "DLT_")
        ):
            patch.delenv(name)
    # Nor have those who are to hear of their runs.
    patch.setenv("ALERTS__URLS", "")
    # Nor has how they publish, which may stand in their .dlt folder.
    patch.setenv("PUBLICATION__PRIVACY", "public")
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _remember_secret_types() -> Iterator[None]:
    """Remembers which types of settings are secret: dlt works it out 8,000 times in a load, a fifth of its time."""
    patch = pytest.MonkeyPatch()
    remembered = cache(base_configuration.is_secret_hint)
    for module in (base_configuration, environ, resolve):
        patch.setattr(module, "is_secret_hint", remembered)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _try_again_soon() -> Iterator[None]:
    """Shortens what sessions in this process wait before they ask again; commands wait as long as they do for users."""
    patch = pytest.MonkeyPatch()
    for session in (HttpSession, Downloader):
        patch.setitem(session.__init__.__kwdefaults__, "first_wait_seconds", 0.01)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_foreign_host() -> Iterator[None]:
    """Fails the test that tried to reach a host other than this machine, even if the attempt was swallowed."""
    log = Path(os.environ["HEADWATER_TEST_NETWORK_LOG"])
    before = log.stat().st_size
    yield
    attempts = log.read_text()[before:]
    assert not attempts, f"a test tried to reach another host: {attempts}"


@pytest.fixture
def workspace(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A data folder, a home folder and a command line of the test's own."""
    slot = tmp_path_factory.getbasetemp() / "module"
    if slot.exists():  # taken by a workspace of the file
        slot = slot.with_name("test")
    with stand_in(slot, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def module_workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace that the tests of one file share."""
    with stand_in(tmp_path_factory.getbasetemp() / "module", tmp_path_factory.mktemp("module-workspace")) as made:
        yield made


@pytest.fixture(scope="module")
def published(module_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Workspace:
    """A workspace with a small sample published, that the tests of one file share."""
    folder = tmp_path_factory.getbasetemp()
    copy_published_sample(module_workspace, folder if worker_id == "master" else folder.parent)
    return module_workspace

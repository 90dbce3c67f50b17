"""A copy of the checkout in which a test changes code: commands run the copy's loader and dbt project."""

import os
import runpy
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loader.base.settings import ROOT, Settings, read_settings
from tests.support.warm import PARSED_PROJECTS
from tests.support.workspace import Finished, Workspace

_LEFT_OUT = (".git", ".venv", "data", "__pycache__", ".*_cache", "secrets.toml", "local.config.toml")


class Checkout(Workspace):
    """A workspace with a copy of the repository in `root`, whose code its commands run."""

    def __init__(self, folder: Path, domains: Sequence[str]) -> None:
        super().__init__(folder)
        self.root = folder / "checkout"
        shutil.copytree(ROOT, self.root, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        # Copies share what dbt parsed of them: it parses only the files that differ. Ours have their own.
        parsed = Path(os.environ[PARSED_PROJECTS]) / "of_copies"
        parsed.mkdir(exist_ok=True)
        self.environment |= {
            "HEADWATER_DOMAINS": ",".join(domains),
            "PYTHONPATH": os.pathsep.join([str(self.root), os.environ["PYTHONPATH"]]),
            PARSED_PROJECTS: str(parsed),
        }

    @property
    def settings(self) -> Settings:
        """As the commands of this workspace read them."""
        return read_settings(self.environment)

    @contextmanager
    def serve_stand_in(self, source: str, count: int = 250) -> Iterator[Any]:
        """Serves this many records of a source that only the copy has to its commands; yields the stand-in."""
        # Not imported: our loader has no such module.
        stand_in = runpy.run_path(str(self.root / "loader" / "samples" / f"{source}.py"))
        (serve,) = (value for name, value in stand_in.items() if name.endswith("Server") and name != "StandInServer")
        (generate,) = (value for name, value in stand_in.items() if name.startswith("generate_"))
        with serve(generate(count)) as server:
            section = f"SOURCES__{source.upper()}"
            self.environment |= {f"{section}__BASE_URL": server.url, f"{section}__REQUESTS_PER_SECOND": "1000"}
            yield server

    def replace(self, path: str, old: str, new: str) -> None:
        """Replaces a text that is in a file of the copy once."""
        file = self.root / path
        text = file.read_text()
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new))

    def run_pytest(self, *arguments: str, extra: Mapping[str, str] | None = None) -> Finished:
        """Runs tests of the copy, in one process.

        In a folder of its own: pytest closes its folder to other users, and a Postgres server of our tests is one.
        """
        environment = {"PYTEST_DEBUG_TEMPROOT": str(self.temporary), **(extra or {})}
        return self.run_program([sys.executable, "-m", "pytest", "--numprocesses", "0", *arguments], environment)

"""What a domain is built from besides data: its dbt code and its settings, each as one hash."""

import hashlib
import hmac
import os
from importlib.metadata import version
from pathlib import Path

from loader.base.settings import ROOT, Settings
from loader.publish.privacy import read_pseudonymiser

_PACKAGES = ("dbt-core", "dbt-duckdb", "dbt-postgres", "duckdb")
# Folders of a kind (macros, tests, …) that belong to no single domain.
_SHARED_FOLDERS = frozenset({"shared", "raw", "publish", "generic"})


def fingerprint_code(domain: str, settings: Settings) -> str:
    """SHA-256 of everything that the domain is built by: its own dbt files, shared ones, tools and settings."""
    project = Path(os.environ.get("DBT_PROJECT_DIR") or ROOT / "dbt_project")
    digest = hashlib.sha256()
    for path in sorted(path for path in project.rglob("*") if path.is_file()):
        if find_folder_domain(path.relative_to(project)) in (None, domain):
            digest.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes() + b"\0")
    for package in _PACKAGES:
        digest.update(f"{package}=={version(package)}\0".encode())
    digest.update(fingerprint_privacy(settings).encode())
    return digest.hexdigest()


def find_folder_domain(path: Path) -> str | None:
    """The domain that a file of the dbt project belongs to, by its folder; None for what all domains share."""
    place = 2 if path.parts[0] == "models" else 1
    folder = path.parts[place] if len(path.parts) > place + 1 else None
    return None if folder in _SHARED_FOLDERS else folder


def fingerprint_privacy(settings: Settings) -> str:
    """The mode of publication, its smallest group and its key, without revealing the key."""
    pseudonymiser = read_pseudonymiser(settings)
    key = hmac.digest(pseudonymiser.key, b"fingerprint", "sha256").hex() if pseudonymiser else ""
    return f"{settings.privacy}:{settings.smallest_group if pseudonymiser else ''}:{key}"

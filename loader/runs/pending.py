"""Repairs what a killed run left in dlt's folders, where dlt itself would fail or load rows twice."""

from pathlib import Path

import dlt
from dlt.common.storages.load_package import PackageStorage
from dlt.common.storages.load_storage import LoadStorage
from dlt.common.storages.normalize_storage import NormalizeStorage


def start_pending_packages_anew(pipeline: dlt.Pipeline) -> None:
    """Readies the packages that a killed run left for `pipeline.run()`: each is loaded from its start."""
    # As their owner, which creates missing folders: a kill may have come between two of them.
    extracts = NormalizeStorage(True, pipeline._normalize_storage_config())
    for folder in extracts.storage.list_folder_dirs(".", to_root=False):
        if folder != NormalizeStorage.EXTRACTED_FOLDER:  # of an unfinished extract, which is never read again
            extracts.storage.delete_folder(folder, recursively=True)
    extracted = extracts.extracted_packages
    normalised = LoadStorage(True, [], pipeline._load_storage_config()).normalized_packages
    for load_id in normalised.list_packages():
        # dlt removes what it has normalised file by file; the rest would be normalised again, and fail.
        extracted.delete_package(load_id, not_exists_ok=True)
        _start_anew(normalised, load_id)


def _start_anew(packages: PackageStorage, load_id: str) -> None:
    """Lets dlt empty its staging tables and fill them from the start.

    Otherwise a file whose rows are in staging, without a note of dlt's, would be copied there a second time. Copies are
    not removed when the rows are merged from there (see `merged_resource`). Merging a package again changes nothing.
    """
    folder = Path(packages.storage.make_full_path(packages.get_package_path(load_id)))
    for state in (
        PackageStorage.NEW_JOBS_FOLDER,
        PackageStorage.STARTED_JOBS_FOLDER,
        PackageStorage.COMPLETED_JOBS_FOLDER,
    ):
        for job in (folder / state).iterdir():
            packages.clear_pending_transition(load_id, job.name)
            if job.suffix == ".sql":  # a merge; dlt writes it again when all files of its table are in staging
                job.unlink()
            elif job.suffix == ".parquet":
                job.rename(folder / PackageStorage.NEW_JOBS_FOLDER / job.name)
    # dlt empties the staging tables while this file is there.
    if not (folder / PackageStorage.SCHEMA_UPDATES_FILE_NAME).exists():
        packages.storage.save(f"{load_id}/{PackageStorage.SCHEMA_UPDATES_FILE_NAME}", "{}")

"""Before new data comes in: pending packages are loaded, and a replaced warehouse is noticed."""

from datetime import UTC, datetime

import dlt

from loader.raw.ledger import Progress
from loader.raw.warehouse import RawSchema
from loader.runs.pending import start_pending_packages_anew


def recover(pipeline: dlt.Pipeline, raw: RawSchema, progress: Progress) -> dlt.Pipeline:
    """Compares the pipeline's state with the warehouse, loads pending packages, and returns the pipeline to run.

    Every load reads what the warehouse holds, so that nothing is missing or loaded twice.
    """
    start_pending_packages_anew(pipeline)
    pipeline = _fit_to_warehouse(pipeline, raw, progress)
    if pipeline.has_pending_data:
        progress.warn("An earlier run was interrupted; what it had fetched is loaded first.")
        pipeline.run()
    return pipeline


def _fit_to_warehouse(pipeline: dlt.Pipeline, raw: RawSchema, progress: Progress) -> dlt.Pipeline:
    """Drops the state if state and warehouse do not know each other's newest load; dlt then restores it from raw.

    A package that is pending in such a state is dropped, too: it was made for another warehouse.
    """
    completed = pipeline.list_completed_load_packages()
    waiting = [*pipeline.list_extracted_load_packages(), *pipeline.list_normalized_load_packages()]
    held = raw.read_load_ids()
    if completed and max(completed) not in held:
        progress.warn(
            f"The warehouse does not hold the load of {_describe_time(max(completed))}, which its state knows: it"
            " was deleted, or an older copy was put in its place. What it lacks is fetched again."
        )
        return pipeline.drop()
    if held and max(held) not in {*completed, *waiting}:
        progress.warn(
            f"The warehouse's state does not know its load of {_describe_time(max(held))}: it was deleted, or belongs"
            " to another copy. It is restored from the warehouse."
        )
        return pipeline.drop()
    return pipeline


def _describe_time(load_id: str) -> str:
    return f"{datetime.fromtimestamp(float(load_id), UTC):%Y-%m-%d %H:%M:%S} UTC"

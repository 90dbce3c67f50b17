"""Loads the works of a benchmark server into a fresh warehouse; prints seconds and rows as JSON.

usage: python -m tests.benchmarks.load_works URL FOLDER
"""

import json
import sys
import time
from pathlib import Path

from loader.base.settings import read_settings
from loader.raw.documents import DOCUMENT_LIMITS
from loader.raw.limits import apply_limits
from loader.raw.pipelines import pipeline_for
from loader.raw.warehouse import RawSchema, open_warehouse
from loader.runs.runner import prepare_run
from loader.sources import find_sources
from loader.sources.contract import RunOptions, build_dlt_source
from tests.support.loading import configure
from tests.support.progress import SilentProgress


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    roster = folder / "roster.csv"
    roster.write_text("openalex_id\nA5012345678\n")
    settings = read_settings({"HEADWATER_DATA": str(folder)})
    progress = SilentProgress()
    configured = {"base_url": url, "roster": roster, "institution": None, "requests_per_second": 100_000}
    started = time.perf_counter()
    with configure("openalex", configured), open_warehouse(settings.warehouse, wait_seconds=0) as connection:
        apply_limits(connection, DOCUMENT_LIMITS)
        (openalex,) = find_sources("openalex")
        raw = RawSchema(connection, "raw_openalex")
        batch = next(openalex.plan(prepare_run(openalex, raw, progress, RunOptions(), settings)))
        source = build_dlt_source(openalex, batch, raw, progress)
        pipeline = pipeline_for("openalex", settings, connection)
        pipeline.run(source.with_resources("works"), loader_file_format="parquet")
    print(json.dumps({"total_s": time.perf_counter() - started, "rows": progress.counts["works"].new}))


if __name__ == "__main__":
    main()

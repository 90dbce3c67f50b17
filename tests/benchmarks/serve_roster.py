"""Serves a large roster's works as a stand-in OpenAlex, and then again with one work in a hundred changed.

usage: python -m tests.benchmarks.serve_roster AUTHORS WORKS ROSTER

Writes the roster's file, prints the address of the first day and goes on to the next with each line on standard
input: there it prints how many requests the day answered, by what they asked for, and the address of the next.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

from loader.samples.faults import Request
from loader.samples.openalex.catalogue import Catalogue, Record
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.samples.openalex.work_records import FIRST_DAY, draw_timestamp
from loader.sources.openalex.roster import read_roster


def main() -> None:
    author_count, work_count, roster = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    write_roster(roster, roster_size=author_count)
    catalogue = keep_roster(generate_catalogue(roster_size=author_count, work_count=work_count), roster)
    for day in (catalogue, change_works(catalogue)):
        with OpenAlexServer(day) as server:
            print(json.dumps({"url": server.url}), flush=True)
            sys.stdin.readline()
            print(json.dumps(count_requests(server.requests)), flush=True)


def keep_roster(catalogue: Catalogue, roster: Path) -> Catalogue:
    """The catalogue without the authors that nobody requests: they would fill the server's memory."""
    entries = read_roster(roster)
    wanted = {entry.author_id or entry.orcid for entry in entries}
    return replace(catalogue, authors=[each for each in catalogue.authors if wanted & {each["id"], each["orcid"]}])


def change_works(catalogue: Catalogue) -> Catalogue:
    """The next day: one work in a hundred is cited once more."""
    rng = Random("changes")
    changed = set(rng.sample(range(len(catalogue.works)), len(catalogue.works) // 100))
    works = [cite(work, rng) if number in changed else work for number, work in enumerate(catalogue.works)]
    return replace(catalogue, works=works)


def cite(work: Record, rng: Random) -> Record:
    return {
        **work,
        "cited_by_count": work["cited_by_count"] + 1,
        "updated_date": draw_timestamp(rng, FIRST_DAY + timedelta(days=1)),
    }


def count_requests(requests: Iterable[Request]) -> Counter[str]:
    return Counter(map(name_kind, requests))


def name_kind(request: Request) -> str:
    entity, _, record_id = request.path.strip("/").partition("/")
    if record_id:
        return f"single {entity}"
    if "select" in request.parameters:
        return f"dates of {entity}"
    return f"{entity} by {request.parameters['filter'].partition(':')[0]}"


if __name__ == "__main__":
    main()

"""A day later raw and marts are those of that day, for every kind of change. An unchanged third day alters nothing."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.server import OpenAlexServer
from tests.support.sample import Sample
from tests.support.workspace import BUILD_WITHOUT_TESTS, Workspace

_STRANGER = {"id": "https://openalex.org/A5999999999", "display_name": "Another Person", "orcid": None}
_LATER = {"updated_date": "2026-12-31T00:00:00"}


class NextDay:
    """The day after the sample's first, on which each thing that can happen to a paper happens to one."""

    def __init__(self, sample: Sample, papers: Iterable[str]) -> None:
        works = sample.roster_works
        self.changed, self.merged, self.kept, self.moved, self.deleted, copied = sorted(papers)[:6]
        self.new = "https://openalex.org/W7999999999"
        new = {**works[copied], **_LATER, "id": self.new, "doi": "https://doi.org/10.5555/new", "title": "A new paper"}
        day = {work["id"]: work for work in sample.catalogue.works} | {
            self.changed: {**works[self.changed], **_LATER, "cited_by_count": 4321},
            self.moved: {**works[self.moved], **_LATER, "authorships": _give_to_stranger(works[self.moved])},
            self.new: new,
        }
        kept = [work for key, work in day.items() if key not in (self.merged, self.deleted)]
        self.catalogue = Catalogue.from_works(kept, merged={self.merged: self.kept})
        touched = [works[key] for key in (self.changed, self.merged, self.moved, self.deleted, copied)]
        self.touched_authors = {each["author"]["id"] for work in touched for each in work["authorships"]}


def _give_to_stranger(work: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**work["authorships"][0], "author": _STRANGER}]


def test_each_thing_that_happens_to_a_work_arrives_and_what_did_not_change_is_not_touched(published: Workspace) -> None:
    sample = Sample(published)
    first = read_papers(published)
    day = NextDay(sample, first)
    with OpenAlexServer(day.catalogue) as server:
        bring_up_to_date(published, server, sample.roster)
        # of the lookups of what left, that of the merged work is sent on to another
        assert count_requests(server) == {"sweep": 2, "fetch": 1, "single": 4, "authors": 1}
        members = sample.author_ids
        assert list_asked_authors(server) == day.touched_authors & members
        papers = read_papers(published)
        assert papers.keys() - first.keys() == {day.new}
        assert first.keys() - papers.keys() == {day.merged, day.moved, day.deleted}
        assert {key for key in papers.keys() & first.keys() if papers[key] != first[key]} == {day.changed}
        assert papers[day.changed] == 4321
        assert read_statuses(published) == {
            day.merged: ("merged", day.kept),
            day.moved: ("moved", None),
            day.deleted: ("gone", None),
        }

        today = {work["id"]: work for work in day.catalogue.works}
        of_roster = sample.roster_works
        assert read_documents(published, "works") == {
            key: today.get(key) or of_roster[key] for key in {*of_roster, day.new}
        }
        assert read_documents(published, "authors") == {
            author["id"]: author for author in day.catalogue.authors if author["id"] in members
        }

        before = read_all(published)
        server.requests.clear()
        bring_up_to_date(published, server, sample.roster)
        assert count_requests(server) == {"sweep": 2}
        assert read_all(published) == before


def bring_up_to_date(workspace: Workspace, server: OpenAlexServer, roster: Path) -> None:
    workspace.serve(server.url, roster)
    workspace.run_well("dlt", "pipeline", "openalex", "run")
    workspace.run_well(*BUILD_WITHOUT_TESTS)


def count_requests(server: OpenAlexServer) -> dict[str, int]:
    """How many requests of each kind the server has answered."""
    counts: dict[str, int] = {}
    for request in server.requests:
        if request.path.startswith("/works/"):
            kind = "single"
        elif request.path == "/works":
            kind = "sweep" if "select" in request.parameters else "fetch"
        else:
            kind = request.path.strip("/")
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def list_asked_authors(server: OpenAlexServer) -> set[str]:
    filters = [request.parameters["filter"] for request in server.requests if request.path == "/authors"]
    return {author_id for text in filters for author_id in text.removeprefix("openalex:").split("|")}


def read_papers(workspace: Workspace) -> dict[str, int]:
    """The papers of the mart, each with its citations."""
    with workspace.open_duckdb() as connection:
        return dict(connection.execute("select paper_id, cited_by_count from marts.fct_papers").fetchall())


def read_statuses(workspace: Workspace) -> dict[str, tuple[str, str | None]]:
    with workspace.open_duckdb() as connection:
        rows = connection.execute("select work_id, status, merged_into_id from raw_openalex.work_statuses").fetchall()
    return {work_id: (status, into) for work_id, status, into in rows}


def read_documents(workspace: Workspace, table: str) -> dict[str, Any]:
    """The records of a raw table by their ids."""
    with workspace.open_duckdb() as connection:
        rows = connection.execute(f"select id, document from raw_openalex.{table}").fetchall()
    return {key: json.loads(document) for key, document in rows}


def read_all(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of raw and of the marts, but for the bookkeeping of loads."""
    left_out = {"load_counts", "sync_status"}
    with workspace.open_duckdb() as connection:
        return {
            f"{schema}.{table}": connection.execute(f"select * from {schema}.{table} order by all").fetchall()
            for schema in ("raw_openalex", "marts")
            for table in list_tables(workspace, schema)
            if table not in left_out and not table.startswith("_dlt")
        }


def list_tables(workspace: Workspace, schema: str) -> list[str]:
    with workspace.open_duckdb() as connection:
        rows = connection.execute("select table_name from duckdb_tables() where schema_name = ?", [schema]).fetchall()
    return [name for (name,) in rows]

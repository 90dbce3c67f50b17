"""What left is counted, and people whom OpenAlex does not know stand in a table."""

from collections.abc import Sequence
from pathlib import Path

from loader.base.console import build_console
from loader.runs.load_report import print_summary
from loader.runs.results import SourceLoad
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.roster import read_roster
from tests.support.openalex import Loader

_NOBODY = "https://openalex.org/A5999999998"
_NO_ORCID = "https://orcid.org/0000-0002-1825-0097"
_UNKNOWN = "select identifier, display_name, is_unknown from raw_openalex.unknown_people order by identifier"


def count_left(load: SourceLoad) -> dict[str, int]:
    assert load.error is None
    return {row.resource: row.counts.left for row in load.resources if row.counts.left}


def summarise(load: SourceLoad) -> str:
    console = build_console()
    console.width = 160
    with console.capture() as captured:
        print_summary([load], console)
    return captured.get()


def serve(loader: Loader, works: Sequence[dict[str, object]], merged: dict[str, str] | None = None) -> SourceLoad:
    with OpenAlexServer(Catalogue.from_works([*works]), merged=merged) as server:
        return loader.load(base_url=server.url)


def test_works_that_are_gone_merged_or_moved_are_counted_once(loader: Loader, catalogue: Catalogue) -> None:
    first = serve(loader, catalogue.works)
    assert count_left(first) == {}
    assert " left " not in summarise(first)
    held = {key for (key,) in loader.query("select id from raw_openalex.works")}
    gone, merged, target, moved = [work["id"] for work in catalogue.works if work["id"] in held][:4]
    stranger = {"id": "https://openalex.org/A5999999999", "display_name": "Another", "orcid": None}
    works = []
    for work in catalogue.works:
        if work["id"] == moved:
            authorship = {**work["authorships"][0], "author": stranger}
            works.append({**work, "authorships": [authorship], "updated_date": "2026-12-31T00:00:00"})
        elif work["id"] not in (gone, merged):
            works.append(work)
    second = serve(loader, works, {merged: target})
    assert count_left(second) == {"works": 3}
    assert " left " in summarise(second)
    assert loader.query("select sum(left_count) from raw_openalex.load_counts") == [(3,)]
    assert loader.query("select distinct status from raw_openalex.work_statuses order by 1") == [
        ("gone",),
        ("merged",),
        ("moved",),
    ]
    assert count_left(serve(loader, works, {merged: target})) == {}


def test_people_off_the_roster_are_counted_once(loader: Loader, tmp_path: Path) -> None:
    loader.load()
    lines = (tmp_path / "roster.csv").read_text().splitlines()
    (tmp_path / "roster.csv").write_text("\n".join([lines[0], *lines[3:]]) + "\n")
    assert count_left(loader.load()) == {"roster": 2}
    assert count_left(loader.load()) == {}


def test_people_whom_openalex_does_not_know_stand_in_a_table_until_it_does(loader: Loader, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    (known, *_) = [entry.author_id for entry in read_roster(path) if entry.author_id]
    path.write_text(f"openalex_id,orcid,display_name\n{known},,Known\n{_NOBODY},,Nobody\n,{_NO_ORCID},Unfound\n")
    assert loader.load().error is None
    assert loader.query(_UNKNOWN) == [(_NOBODY, "Nobody", True), (_NO_ORCID, "Unfound", True)]
    path.write_text(f"openalex_id,orcid,display_name\n{known},,Known\n{_NOBODY},,Nobody\n")
    assert loader.load().error is None
    assert loader.query(_UNKNOWN) == [(_NOBODY, "Nobody", True), (_NO_ORCID, "Unfound", False)]
    write_roster(path, roster_size=12)
    assert loader.load().error is None
    assert {is_unknown for _, _, is_unknown in loader.query(_UNKNOWN)} == {False}

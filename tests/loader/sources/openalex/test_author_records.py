"""Authors' own records are requested if something changed; what a run did not reach is requested by the next one."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loader.base.settings import read_settings
from loader.runs.results import SourceLoad
from loader.samples.faults import Request, answer_status
from loader.samples.openalex.catalogue import Catalogue, Record
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.contract import RunOptions
from loader.sources.openalex.roster import read_roster
from tests.support.loading import narrow
from tests.support.openalex import Loader

ROSTER_SIZE = 8
_LATER = {"updated_date": "2026-12-31T00:00:00"}
_STRANGER = {"id": "https://openalex.org/A5999999999", "display_name": "Another", "orcid": None}

Change = Callable[[Record], Record | None]


@pytest.fixture(scope="module")
def works() -> dict[str, Record]:
    return {work["id"]: work for work in generate_catalogue(roster_size=ROSTER_SIZE, work_count=60).works}


class Followed:
    """A roster in a warehouse, and an OpenAlex of works that a test may change."""

    def __init__(self, folder: Path, works: dict[str, Record]) -> None:
        self.works = dict(works)
        self.roster = folder / "roster.csv"
        self.settings = read_settings({"HEADWATER_DATA": str(folder / "data")})
        self.requests: list[Request] = []
        write_roster(self.roster, roster_size=ROSTER_SIZE)
        by_orcid = {author["orcid"]: author["id"] for author in Catalogue.from_works([*works.values()]).authors}
        self.member_ids = {entry.author_id or by_orcid[entry.orcid] for entry in read_roster(self.roster)}

    def load(self, options: RunOptions | None = None, *, is_failing: bool = False) -> SourceLoad:
        """Loads; `requests` then holds what was requested. `is_failing`: no list of authors' records is answered."""
        with OpenAlexServer(Catalogue.from_works([*self.works.values()])) as server:
            if is_failing:
                server.fail_next(*[answer_status(400, {"error": "Failed", "message": "No."})] * 9, path="/authors")
            load = Loader(self.settings, server, self.roster).load(options)
            self.requests = list(server.requests)
        assert bool(load.error) == is_failing, load.error
        return load

    def write_roster(self, author_ids: set[str]) -> None:
        self.roster.write_text("\n".join(["openalex_id", *sorted(author_ids)]))

    def pick_work(self, author_count: int) -> tuple[str, set[str]]:
        """A work with so many authors of the roster, and these."""
        named = {key: self.find_members(work) for key, work in self.works.items()}
        return next((key, ids) for key, ids in sorted(named.items()) if len(ids) == author_count)

    def find_members(self, work: Record) -> set[str]:
        return self.member_ids & {authorship["author"]["id"] for authorship in work["authorships"]}

    def change(self, work_id: str, **fields: Any) -> None:
        self.works[work_id] = {**self.works[work_id], **_LATER, **fields}

    @property
    def asked_records(self) -> set[str]:
        """The authors whose records were requested, each of them once."""
        asked = [author_id for text in self._list_filters("openalex:") for author_id in text.split("|")]
        assert len(asked) == len(set(asked))
        return set(asked)

    @property
    def asked_orcids(self) -> set[str]:
        return {orcid for text in self._list_filters("orcid:") for orcid in text.split("|")}

    def _list_filters(self, prefix: str) -> list[str]:
        filters = [request.parameters["filter"] for request in self.requests if request.path == "/authors"]
        return [text.removeprefix(prefix) for text in filters if text.startswith(prefix)]

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse)) as connection:
            return connection.execute(sql).fetchall()

    def let_pass(self, days: int) -> None:
        """Dates back what was written down of the authors."""
        self.execute(f"update raw_openalex.author_checks set asked_at = asked_at - interval {days} day")
        self.execute(f"update raw_openalex.sync_status set works_changed_at = works_changed_at - interval {days} day")

    def read_citations(self) -> dict[str, int]:
        """How often each author of the roster is cited, by the authors' own records."""
        return dict(self.execute("select id, (document ->> '$.cited_by_count')::bigint from raw_openalex.authors"))


@pytest.fixture(scope="module")
def after_first_day(tmp_path_factory: pytest.TempPathFactory, works: dict[str, Record]) -> Path:
    """The folder of a warehouse that holds the first day, to be copied."""
    made = Followed(tmp_path_factory.mktemp("first-day"), works)
    made.load()
    assert made.asked_records == made.member_ids
    return made.settings.data


@pytest.fixture
def followed(tmp_path: Path, works: dict[str, Record], after_first_day: Path) -> Followed:
    """A warehouse that holds the first day."""
    made = Followed(tmp_path, works)
    shutil.copytree(after_first_day, made.settings.data)
    return made


def test_records_are_requested_where_works_changed_and_nowhere_else(followed: Followed) -> None:
    before = followed.read_citations()
    work_id, authors = followed.pick_work(author_count=2)
    followed.change(work_id, cited_by_count=followed.works[work_id]["cited_by_count"] + 7)
    followed.load()
    assert followed.asked_records == authors
    assert followed.read_citations() == {key: count + 7 * (key in authors) for key, count in before.items()}
    followed.load()
    assert {request.path for request in followed.requests} == {"/works"}


def test_records_follow_works_that_leave_move_and_come_back(followed: Followed) -> None:
    (leaving, first), (moving, second) = followed.pick_work(1), followed.pick_work(2)
    left = followed.works.pop(leaving)
    followed.load()
    assert followed.asked_records == first
    followed.works[leaving] = left
    followed.load()
    assert followed.asked_records == first
    authorships = followed.works[moving]["authorships"]
    followed.change(moving, authorships=[{**authorships[0], "author": _STRANGER}])
    followed.load()
    assert followed.asked_records == second
    shared, third = followed.pick_work(2)
    kept = [each for each in followed.works[shared]["authorships"] if each["author"]["id"] != min(third)]
    followed.change(shared, authorships=kept)
    followed.load()
    assert followed.asked_records == third


def test_records_that_a_run_did_not_come_to_are_requested_by_the_next_though_nothing_changes_any_more(
    followed: Followed,
) -> None:
    work_id, authors = followed.pick_work(author_count=2)
    followed.change(work_id, cited_by_count=4321)
    followed.load(is_failing=True)
    assert followed.execute(
        f"select document ->> '$.cited_by_count' from raw_openalex.works where id = '{work_id}'"
    ) == [("4321",)]
    followed.load(is_failing=True)
    followed.load()
    assert followed.asked_records == authors
    assert not any(request.parameters.get("filter", "").startswith("openalex:W") for request in followed.requests)
    followed.load()
    assert followed.asked_records == set()


def test_records_and_orcids_are_requested_again_after_a_month(followed: Followed) -> None:
    followed.let_pass(days=29)
    followed.load()
    assert followed.asked_records | followed.asked_orcids == set()
    followed.let_pass(days=1)
    followed.load()
    assert followed.asked_records == followed.member_ids
    assert followed.asked_orcids == {entry.orcid for entry in read_roster(followed.roster) if not entry.author_id}
    followed.load()
    assert followed.asked_records | followed.asked_orcids == set()


def test_who_is_wanted_by_name_is_requested_and_with_a_full_refresh_everybody(followed: Followed) -> None:
    author_id = min(followed.member_ids)
    followed.load(narrow("author", author_id))
    assert followed.asked_records == {author_id}
    assert followed.asked_orcids == set()
    followed.load(RunOptions(is_full_refresh=True))
    assert followed.asked_records == followed.member_ids
    assert followed.asked_orcids


def test_who_joins_the_roster_is_requested_alone(followed: Followed) -> None:
    text = followed.roster.read_text()
    newcomer = next(
        authorship["author"]["id"]
        for work in followed.works.values()
        for authorship in work["authorships"]
        if authorship["author"]["id"] not in followed.member_ids
    )
    followed.roster.write_text(f"{text}{newcomer},,A newcomer,,,,,,\n")
    followed.load()
    # their works are new, which changes the records of their coauthors on the roster
    assert newcomer in followed.asked_records
    assert followed.asked_orcids == set()
    followed.load()
    assert followed.asked_records == set()


def test_who_was_found_by_an_orcid_stays_though_another_has_it_too(followed: Followed) -> None:
    (orcid,) = [entry.orcid for entry in read_roster(followed.roster) if not entry.author_id]
    authors = Catalogue.from_works([*followed.works.values()]).authors
    (found,) = [author["id"] for author in authors if author["orcid"] == orcid]
    # of the strangers who have fewer works than the one found by it
    namesake = max(author["id"] for author in authors if author["works_count"] == 1)
    assert namesake > found
    for work in followed.works.values():
        for authorship in work["authorships"]:
            if authorship["author"]["id"] == namesake:
                followed.change(
                    work["id"], authorships=[{**authorship, "author": {**authorship["author"], "orcid": orcid}}]
                )
    followed.roster.write_text(f"{followed.roster.read_text()}{namesake},,A namesake,,,,,,\n")
    for _ in range(2):
        followed.load()
        sql = "select id from raw_openalex.roster where (document ->> '$.is_member')::boolean"
        assert {key for (key,) in followed.execute(sql)} == {*followed.member_ids, namesake}
        assert followed.asked_orcids == set()


def test_who_comes_back_to_the_roster_is_requested_again(followed: Followed) -> None:
    work_id, (returning, _) = followed.pick_work(author_count=2)
    others = followed.member_ids - {returning}
    followed.write_roster(others)
    followed.load()
    followed.change(work_id, cited_by_count=4321)
    followed.load()
    assert returning not in followed.asked_records
    followed.write_roster(followed.member_ids)
    followed.load()
    assert followed.asked_records == {returning}


def test_an_author_whom_openalex_has_no_more_is_reported_in_every_run(
    followed: Followed, capsys: pytest.CaptureFixture[str]
) -> None:
    (author_id,) = followed.pick_work(author_count=1)[1]
    followed.works = {
        key: {
            **work,
            **_LATER,
            "authorships": [each for each in work["authorships"] if each["author"]["id"] != author_id],
        }
        if author_id in followed.find_members(work)
        else work
        for key, work in followed.works.items()
    }
    followed.write_roster(followed.member_ids)
    for _ in range(2):
        capsys.readouterr()
        followed.load()
        assert author_id in followed.asked_records
        assert f"OpenAlex knows no author {author_id}" in " ".join(capsys.readouterr().out.split())
    assert followed.asked_records == {author_id}


def test_orcids_that_are_unknown_or_differ_are_reported_in_every_run(
    followed: Followed, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = next(entry for entry in read_roster(followed.roster) if entry.author_id and entry.orcid)
    other, unknown = "https://orcid.org/0000-0002-1825-0097", "https://orcid.org/0000-0002-1694-233X"
    text = followed.roster.read_text().replace(str(entry.orcid).rpartition("/")[2], other.rpartition("/")[2])
    followed.roster.write_text(f"{text},{unknown},Nobody,,,,,,\n")
    differs = f"The roster gives {entry.author_id} the ORCID {other}; OpenAlex says {entry.orcid}."
    for _ in range(2):
        capsys.readouterr()
        followed.load()
        told = " ".join(capsys.readouterr().out.split())
        assert told.count(differs) == told.count(f"OpenAlex knows no author with {unknown}") == 1
        assert (followed.asked_records, followed.asked_orcids) == (set(), {unknown})
    # Who was named by id beside another's ORCID is not found by that ORCID.
    followed.roster.write_text(followed.roster.read_text().replace(str(entry.author_id).rpartition("/")[2], ""))
    followed.load()
    assert followed.asked_orcids == {unknown, other}

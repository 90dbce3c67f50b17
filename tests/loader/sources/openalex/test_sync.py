"""A second run asks for what is new and what changed, and what has left OpenAlex is marked."""

import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from loader.base.settings import read_settings
from loader.raw.ledger import LoadCounts
from loader.runs.results import SourceLoad
from loader.samples.faults import Answer, Request, answer_status
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.contract import RunOptions
from loader.sources.openalex.roster import read_roster
from tests.support.loading import narrow
from tests.support.openalex import Loader

WORKS, ROSTER_SIZE = 400, 12


class Days:
    """A warehouse that is loaded day after day, each from a server of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        write_roster(folder / "roster.csv", roster_size=ROSTER_SIZE)
        self.requests: list[Request] = []

    def load(
        self,
        catalogue: Catalogue,
        options: RunOptions | None = None,
        paid_keys: frozenset[str] = frozenset(),
        **arguments: Any,
    ) -> SourceLoad:
        """Loads the day; `requests` then holds what was requested."""
        with OpenAlexServer(catalogue, paid_keys=paid_keys) as server:
            load = self.connect(server).load(options, **arguments)
            self.requests = list(server.requests)
        return load

    def connect(self, server: OpenAlexServer) -> Loader:
        return Loader(read_settings({"HEADWATER_DATA": str(self.folder)}), server, self.folder / "roster.csv")

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        settings = read_settings({"HEADWATER_DATA": str(self.folder)})
        with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(sql).fetchall()

    def read_works(self) -> dict[str, str]:
        return dict(self.ask("select id, document::varchar from raw_openalex.works"))

    def read_statuses(self) -> dict[str, tuple[str, str | None]]:
        rows = self.ask("select work_id, status, merged_into_id from raw_openalex.work_statuses")
        return {work_id: (status, into) for work_id, status, into in rows}

    def list_asked(self, path: str = "/works") -> list[Request]:
        return [request for request in self.requests if request.path.startswith(path)]

    @property
    def sweep(self) -> list[Request]:
        return [request for request in self.list_asked() if "select" in request.parameters]

    @property
    def lookups(self) -> set[str]:
        return {request.path.rpartition("/")[2] for request in self.list_asked("/works/")}


def count_works(load: SourceLoad) -> LoadCounts:
    assert load.error is None
    (counts,) = [resource.counts for resource in load.resources if resource.resource == "works"]
    assert counts.extracted == counts.new + counts.changed + counts.unchanged + counts.repeated + counts.rejected
    return counts


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


@pytest.fixture(scope="module")
def first_day() -> Catalogue:
    return generate_catalogue(roster_size=ROSTER_SIZE, work_count=WORKS)


@pytest.fixture(scope="module")
def after_first_day(tmp_path_factory: pytest.TempPathFactory, first_day: Catalogue) -> Path:
    """The folder of a warehouse that holds the first day, to be copied."""
    days = Days(tmp_path_factory.mktemp("first-day"))
    days.load(first_day)
    return days.folder


@pytest.fixture
def _first_day_loaded(days: Days, after_first_day: Path) -> None:
    """What loading the first day leaves."""
    shutil.copytree(after_first_day, days.folder, dirs_exist_ok=True)


@pytest.fixture(scope="module")
def second_day() -> Catalogue:
    return generate_catalogue(roster_size=ROSTER_SIZE, work_count=WORKS, day=2)


def find_roster_works(days: Days, catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    by_orcid = {author["orcid"]: author["id"] for author in catalogue.authors}
    entries = read_roster(days.folder / "roster.csv")
    members = {entry.author_id or by_orcid[entry.orcid] for entry in entries}
    return {
        work["id"]: work
        for work in catalogue.works
        if members & {authorship["author"]["id"] for authorship in work["authorships"]}
    }


@pytest.mark.usefixtures("_first_day_loaded")
def test_a_second_day_brings_what_is_new_and_what_changed_and_marks_what_left(
    days: Days, first_day: Catalogue, second_day: Catalogue
) -> None:
    before, after = find_roster_works(days, first_day), find_roster_works(days, second_day)
    assert set(days.read_works()) == set(before)
    counts = count_works(days.load(second_day))
    new, left = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {key for key in after.keys() & before.keys() if after[key] != before[key]}
    assert new
    assert changed
    assert left
    assert (counts.new, counts.changed) == (len(new), len(changed))
    assert set(days.read_works()) == before.keys() | after.keys()
    expected = {key: ("merged", second_day.merged[key]) if key in second_day.merged else ("gone", None) for key in left}
    assert days.read_statuses() == expected
    # one sweep and the works that changed, of which a hundred come at once; lookups are free
    assert len(days.sweep) == -(-len(after) // 100)
    assert len(days.list_asked()) - len(days.sweep) - len(days.lookups) == -(-len(new | changed) // 100)
    assert days.lookups >= {key.rpartition("/")[2] for key in left}
    others = Counter(request.path for request in days.requests if not request.path.startswith("/works"))
    assert others["/authors"] == 1, "the authors of what changed come in one list"
    assert others <= Counter({"/authors": 1, "/institutions": 1, "/topics": 1})


@pytest.mark.usefixtures("_first_day_loaded")
def test_an_unchanged_day_requests_the_sweep_alone_and_changes_no_row(
    days: Days, first_day: Catalogue, second_day: Catalogue
) -> None:
    days.load(second_day)

    def read_rows() -> list[list[tuple[Any, ...]]]:
        tables = ("roster", "authors", "works", "institutions", "topics", "rejected_records", "work_statuses")
        return [days.ask(f"select * from raw_openalex.{table} order by all") for table in tables]

    before = read_rows()
    counts = count_works(days.load(second_day))
    assert counts == LoadCounts(extracted=counts.unchanged, unchanged=len(find_roster_works(days, second_day)))
    assert read_rows() == before
    assert days.list_asked() == days.sweep
    assert len(days.sweep) <= -(-counts.unchanged // 100)
    assert {request.path for request in days.requests} == {"/works"}


@pytest.mark.usefixtures("_first_day_loaded")
def test_where_sweeps_cost_too_much_a_list_is_read_no_further_than_to_what_the_last_run_saw(
    days: Days, first_day: Catalogue
) -> None:
    works = find_roster_works(days, first_day)
    oldest = min(works.values(), key=lambda work: work["updated_date"])
    changed = replace_work(first_day, oldest["id"], cited_by_count=oldest["cited_by_count"] + 1)
    counts = count_works(days.load(changed, sweep_credits=2))
    assert (counts.changed, counts.unchanged) == (1, len(works) - 1)
    assert len(days.sweep) == 1
    without = replace(changed, works=[work for work in changed.works if work["id"] != oldest["id"]])
    assert count_works(days.load(without, sweep_credits=2)).unchanged == len(works) - 1
    assert len(days.sweep) == -(-(len(works) - 1) // 100), "a list that got shorter is read to its end"
    assert days.read_statuses() == {oldest["id"]: ("gone", None)}


def change_works(catalogue: Catalogue, work_ids: list[str]) -> Catalogue:
    """The catalogue with a change in each of these works, one every other hour, that of the first one the newest."""
    now = datetime.now(UTC)
    changes = {
        work_id: {"cited_by_count": 4321, "updated_date": (now + timedelta(hours=2 * place)).isoformat()}
        for place, work_id in enumerate(reversed(work_ids))
    }
    return replace(catalogue, works=[work | changes.get(work["id"], {}) for work in catalogue.works])


@pytest.mark.parametrize(("status", "has_paid_plan"), [(400, False), (429, True)])
@pytest.mark.usefixtures("_first_day_loaded")
def test_works_that_a_run_did_not_come_to_are_brought_by_the_next(
    days: Days, first_day: Catalogue, status: int, has_paid_plan: bool
) -> None:
    works = sorted(find_roster_works(days, first_day))[:240]
    next_day = change_works(first_day, works)
    refuse = answer_status(status, {"error": "Failed", "message": "Insufficient budget."})

    def refuse_last(request: Request, answer: Answer) -> Answer:
        is_last_fetch = works[-1].rpartition("/")[2] in request.parameters.get("filter", "")
        return refuse(request, answer) if is_last_fetch else answer

    arguments: dict[str, Any] = {"sweep_credits": 2}
    if has_paid_plan:
        arguments |= {"has_paid_plan": True, "api_key": "paid"}
    with OpenAlexServer(next_day, paid_keys=frozenset({"paid"})) as server:
        server.fail_next(*[refuse_last] * 20, path="/works")
        assert days.connect(server).load(**arguments).error is not None
    left = days.read_works()
    assert 0 < len([key for key in works if "4321" not in left[key]]) < 100
    assert days.load(next_day, paid_keys=frozenset({"paid"}), **arguments).error is None
    brought = days.read_works()
    assert [key for key in works if "4321" not in brought[key]] == []


@pytest.mark.usefixtures("_first_day_loaded")
def test_a_run_of_one_author_hides_no_change_of_another(days: Days, first_day: Catalogue) -> None:
    works = find_roster_works(days, first_day)
    member = "https://openalex.org/A5800096542"
    of_member = [
        key for key, work in works.items() if any(each["author"]["id"] == member for each in work["authorships"])
    ]
    others = sorted(works.keys() - set(of_member))[:5]
    next_day = change_works(first_day, [*of_member, *others])
    assert days.load(next_day, narrow("author", member.rpartition("/")[2]), sweep_credits=2).error is None
    brought = days.read_works()
    assert all("4321" in brought[key] for key in of_member)
    assert days.load(next_day, sweep_credits=2).error is None
    brought = days.read_works()
    assert [key for key in others if "4321" not in brought[key]] == []


@pytest.mark.usefixtures("_first_day_loaded")
def test_a_paid_plan_requests_what_changed_and_notices_what_left(days: Days, first_day: Catalogue) -> None:
    works = find_roster_works(days, first_day)
    work_id = min(works)
    paid: dict[str, Any] = {"api_key": "paid", "has_paid_plan": True, "sweep_credits": 2}
    changed = replace_work(first_day, work_id, cited_by_count=1234)
    counts = count_works(days.load(changed, paid_keys=frozenset({"paid"}), **paid))
    assert (counts.changed, counts.unchanged) == (1, len(works) - 1)
    assert any("from_updated_date:" in request.parameters["filter"] for request in days.sweep)
    assert len(days.list_asked()) < -(-len(works) // 100)
    without = replace(changed, works=[work for work in changed.works if work["id"] != work_id])
    count_works(days.load(without, paid_keys=frozenset({"paid"}), **paid))
    assert days.read_statuses() == {work_id: ("gone", None)}


@pytest.mark.usefixtures("_first_day_loaded")
def test_a_work_that_moved_to_another_author_leaves_the_roster(days: Days, first_day: Catalogue) -> None:
    work_id = next(iter(sorted(find_roster_works(days, first_day))))
    stranger = {"author": {"id": "https://openalex.org/A5999999999", "display_name": "Another", "orcid": None}}

    def move(work: dict[str, Any]) -> dict[str, Any]:
        return {**work, "authorships": [{**work["authorships"][0], **stranger}]}

    moved = Catalogue.from_works([move(work) if work["id"] == work_id else work for work in first_day.works])
    assert count_works(days.load(moved)).changed == 1
    assert days.read_statuses() == {work_id: ("moved", None)}
    assert "A5999999999" in days.read_works()[work_id]
    count_works(days.load(moved))
    assert days.list_asked() == days.sweep


@pytest.mark.usefixtures("_first_day_loaded")
def test_a_work_that_comes_back_is_no_longer_marked(days: Days, first_day: Catalogue) -> None:
    work_id = next(iter(sorted(find_roster_works(days, first_day))))
    without = replace(first_day, works=[work for work in first_day.works if work["id"] != work_id])
    days.load(without)
    assert days.read_statuses() == {work_id: ("gone", None)}
    count_works(days.load(without))
    assert days.lookups == set(), "what is gone is not looked up again"
    days.load(first_day)
    assert days.read_statuses() == {work_id: ("present", None)}


@pytest.mark.parametrize("is_of_roster", [True, False])
def test_what_a_work_was_merged_into_is_noted_and_comes_to_raw_where_it_is_of_the_roster(
    days: Days, first_day: Catalogue, is_of_roster: bool
) -> None:
    ours = find_roster_works(days, first_day)
    merged_id, *others = sorted(ours)
    strangers = sorted({work["id"] for work in first_day.works} - ours.keys())
    target_id = others[0] if is_of_roster else strangers[0]

    def leave_out(work_id: str, merged: dict[str, str]) -> Catalogue:
        works = [work for work in first_day.works if work["id"] != work_id]
        return replace(first_day, works=works, merged=merged)

    days.load(leave_out(target_id, {}))
    counts = count_works(days.load(leave_out(merged_id, {merged_id: target_id})))
    assert days.read_statuses() == {merged_id: ("merged", target_id)}
    assert (counts.new, counts.repeated) == (int(is_of_roster), 0)
    assert set(days.read_works()) == ours.keys()


def test_what_a_work_was_merged_into_is_counted_once_where_raw_holds_it(days: Days, first_day: Catalogue) -> None:
    merged_id, target_id, *others = sorted(find_roster_works(days, first_day))
    days.load(first_day)
    works = [work for work in first_day.works if work["id"] != merged_id]
    counts = count_works(days.load(replace(first_day, works=works, merged={merged_id: target_id})))
    assert counts == LoadCounts(extracted=len(others) + 1, unchanged=len(others) + 1, left=1)
    assert days.read_statuses() == {merged_id: ("merged", target_id)}


def test_works_with_more_than_a_hundred_authors_come_with_all_of_them(days: Days) -> None:
    first_day = generate_catalogue(roster_size=ROSTER_SIZE, work_count=1000)
    (large,) = [work for work in first_day.works if len(work["authorships"]) > 100]
    days.load(first_day)
    sql = "select json_array_length(document, '$.authorships') from raw_openalex.works where id = '{}'"
    assert days.ask(sql.format(large["id"])) == [(len(large["authorships"]),)]
    assert days.lookups == {large["id"].rpartition("/")[2]}
    count_works(days.load(first_day))
    assert days.lookups == set()


def replace_work(catalogue: Catalogue, work_id: str, **fields: Any) -> Catalogue:
    changed = {"updated_date": "2026-12-31T00:00:00", **fields}
    works = [{**work, **changed} if work["id"] == work_id else work for work in catalogue.works]
    return replace(catalogue, works=works)


def test_a_full_refresh_requests_everything_again(days: Days, first_day: Catalogue) -> None:
    days.load(first_day)
    first = len(days.requests)
    counts = count_works(days.load(first_day, RunOptions(is_full_refresh=True)))
    assert counts == LoadCounts(extracted=counts.unchanged, unchanged=len(find_roster_works(days, first_day)))
    assert len(days.requests) == first


@pytest.mark.usefixtures("_first_day_loaded")
def test_works_of_one_author_alone_are_brought_up_to_date(
    days: Days, first_day: Catalogue, second_day: Catalogue
) -> None:
    author_id = days.ask("select min(id) from raw_openalex.roster")[0][0]
    ours = {
        work["id"]
        for work in second_day.works
        if author_id in {authorship["author"]["id"] for authorship in work["authorships"]}
    }
    counts = count_works(days.load(second_day, narrow("author", author_id.rpartition("/")[2].lower())))
    assert counts.new + counts.changed + counts.unchanged == len(ours)
    assert {request.parameters["filter"] for request in days.sweep} == {f"author.id:{author_id}"}


@pytest.mark.parametrize(
    ("author", "error"),
    [
        ("A5123123123", "--author: https://openalex.org/A5123123123 is not on the roster."),
        (
            "Ada",
            "--author is 'Ada'; it must be an OpenAlex author id, such as A5023888391, or an ORCID, such as"
            " 0000-0002-1825-0097.",
        ),
    ],
)
def test_an_author_who_is_not_on_the_roster_is_refused(
    days: Days, first_day: Catalogue, author: str, error: str
) -> None:
    assert days.load(first_day, narrow("author", author)).error == error
    assert days.list_asked() == []

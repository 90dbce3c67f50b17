"""Coauthors outside the roster are requested once a year, the most frequent ones first, within the budget."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import duckdb
import orjson
import pytest

from loader.base.settings import read_settings
from loader.raw.ledger import LoadCounts
from loader.runs.results import SourceLoad
from loader.samples.faults import Answer, Fault, Request, answer_html, answer_status, cut_body, truncate_json
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.institution import generate_catalogue, write_roster
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.contract import RunOptions
from loader.sources.openalex.roster import read_roster
from tests.support.loading import narrow
from tests.support.openalex import Loader
from tests.support.sample import Sample, serve_sample
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace

ROSTER_SIZE = 4
AT_ONCE = 16
NOBODY = ("https://openalex.org/A9999999999", "https://openalex.org/A5317838346")


def list_authors(work: dict[str, Any]) -> set[str]:
    return {authorship["author"]["id"] for authorship in work["authorships"]}


def rank(catalogue: Catalogue, roster: Path) -> list[str]:
    """Who shares works with the roster, the most frequent first, by plain Python."""
    by_orcid = {author["orcid"]: author["id"] for author in catalogue.authors}
    members = {entry.author_id or by_orcid[entry.orcid] for entry in read_roster(roster)}
    shared = [list_authors(work) for work in catalogue.works if list_authors(work) & members]
    counts = Counter(author for authors in shared for author in authors - members - set(NOBODY))
    return sorted(counts, key=lambda author: (-counts[author], author))


def list_asked(server: OpenAlexServer) -> list[str]:
    """The requested authors, sorted: they are requested side by side."""
    asked = [request for request in server.requests if "group_by" in request.parameters]
    assert all(request.parameters["group_by"] == "publication_year" for request in asked)
    assert not any(name in request.parameters for request in asked for name in ("select", "page"))
    return sorted(request.parameters["filter"].removeprefix("author.id:") for request in asked)


def read_years(settings: Any) -> dict[str, dict[int, int]]:
    """What raw holds: by author how many works of each year."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows = connection.execute("select id, document::varchar from raw_openalex.coauthor_years").fetchall()
    answers = {author: orjson.loads(document)["answer"]["group_by"] for author, document in rows}
    return {author: {int(row["key"]): row["count"] for row in groups} for author, groups in answers.items()}


def count_years(catalogue: Catalogue, author: str) -> dict[int, int]:
    return dict(Counter(work["publication_year"] for work in catalogue.works if author in list_authors(work)))


def count_records(load: SourceLoad) -> LoadCounts:
    assert load.error is None
    (counts,) = [row.counts for row in load.resources if row.resource == "coauthor_years"]
    return counts


@pytest.fixture
def faults(server: OpenAlexServer) -> dict[str, Fault]:
    """What happens to the answers on an author's years: empty, for a test to fill."""
    ordered: dict[str, Fault] = {}

    def apply(request: Request, answer: Answer) -> Answer:
        author = request.parameters["filter"].removeprefix("author.id:")
        return ordered[author](request, answer) if "group_by" in request.parameters and author in ordered else answer

    server.fail_next(*[apply] * 2_000, path="/works")
    return ordered


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return generate_catalogue(roster_size=ROSTER_SIZE, work_count=60)


@pytest.fixture
def server(catalogue: Catalogue) -> Iterator[OpenAlexServer]:
    with OpenAlexServer(catalogue) as made:
        yield made


def build_loader(folder: Path, server: OpenAlexServer) -> Loader:
    roster = folder / "roster.csv"
    write_roster(roster, roster_size=ROSTER_SIZE)
    return Loader(read_settings({"HEADWATER_DATA": str(folder / "data")}), server, roster)


@pytest.fixture(scope="module")
def after_works(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a warehouse that holds all but the coauthors' years, to be copied."""
    with OpenAlexServer(catalogue) as server:
        loader = build_loader(tmp_path_factory.mktemp("works"), server)
        assert loader.load().error is None
    return loader.settings.data


@pytest.fixture
def loader(tmp_path: Path, server: OpenAlexServer, after_works: Path) -> Loader:
    shutil.copytree(after_works, tmp_path / "data")
    return build_loader(tmp_path, server)


@pytest.fixture
def coauthors(catalogue: Catalogue, loader: Loader, tmp_path: Path) -> list[str]:
    return rank(catalogue, tmp_path / "roster.csv")


def read_output(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_the_most_frequent_coauthors_come_first_and_the_next_run_goes_on(
    loader: Loader,
    server: OpenAlexServer,
    catalogue: Catalogue,
    coauthors: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert count_records(loader.load(coauthor_credits=20)) == LoadCounts(extracted=20, new=20)
    assert list_asked(server) == sorted(coauthors[:20])
    assert read_years(loader.settings) == {author: count_years(catalogue, author) for author in coauthors[:20]}
    told = f"years of 20 of {len(coauthors):,} coauthors were fetched; the next run continues."
    assert told in read_output(capsys)
    assert count_records(loader.load(coauthor_credits=30)).new == 30
    assert list_asked(server) == sorted(coauthors[:50])


def test_who_was_requested_is_requested_again_after_a_year_found_or_not(
    loader: Loader, server: OpenAlexServer, coauthors: list[str], faults: dict[str, Fault]
) -> None:
    faults[coauthors[1]] = answer_status(200, {"meta": {"count": 0}, "group_by": []})
    loader.load(coauthor_credits=20)
    statuses = "select count(*) from raw_openalex.coauthor_years where document ->> 'status' = '{}'"
    assert (loader.ask(statuses.format("found")), loader.ask(statuses.format("not_found"))) == (19, 1)

    def list_asked_after(days: float) -> list[str]:
        with duckdb.connect(str(loader.settings.warehouse)) as connection:
            asked_at = datetime.now(UTC) - timedelta(days=days)
            connection.execute("update raw_openalex.coauthor_years set updated_at = ?", [asked_at])
        server.requests.clear()
        assert loader.load(coauthor_credits=10).error is None
        return list_asked(server)

    assert list_asked_after(364.9) == sorted(coauthors[20:30])
    assert list_asked_after(365.1) == sorted(coauthors[:10])


def test_when_all_are_known_nobody_is_requested(
    loader: Loader, server: OpenAlexServer, coauthors: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert count_records(loader.load(coauthor_credits=len(coauthors))).new == len(coauthors)
    assert list_asked(server) == sorted(coauthors)
    assert "the next run continues" not in read_output(capsys)
    server.requests.clear()
    load = loader.load(coauthor_credits=len(coauthors))
    assert list_asked(server) == []
    assert "coauthor_years" not in {row.resource for row in load.resources}


def test_half_of_the_budget_that_is_left_is_not_spent_on_coauthors(
    tmp_path: Path, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [datetime(2026, 6, 15, 22, 30, tzinfo=UTC)]
    with OpenAlexServer(catalogue, daily_credits=60, clock=lambda: now[0]) as server:
        loader = build_loader(tmp_path, server)
        ranked = rank(catalogue, tmp_path / "roster.csv")
        assert loader.load(coauthor_credits=1000).error is None
        first = list_asked(server)
        assert len(first) == (60 - (len(server.requests) - len(first))) // 2
        assert f"{len(first)} of {len(ranked):,} coauthors" in read_output(capsys)
        now[0] += timedelta(hours=2)
        assert loader.load(coauthor_credits=1000).error is None
        asked = list_asked(server)
        assert len(asked) > len(first)
        assert asked == sorted(ranked[: len(asked)])


@pytest.mark.parametrize("left", [60, 61])
def test_half_of_the_budget_is_left_where_nothing_is_requested_before_coauthors(
    tmp_path: Path, catalogue: Catalogue, after_works: Path, capsys: pytest.CaptureFixture[str], left: int
) -> None:
    now = [datetime(2026, 6, 15, 22, 30, tzinfo=UTC)]
    shutil.copytree(after_works, tmp_path / "data")
    with OpenAlexServer(catalogue, daily_credits=left, clock=lambda: now[0]) as server:
        loader = build_loader(tmp_path, server)
        ranked = rank(catalogue, tmp_path / "roster.csv")
        assert count_records(loader.load(refresh_after_days=7, coauthor_credits=1000)).new == 30
        assert list_asked(server) == sorted(ranked[:30])
        assert len(server.requests) == 30, "nothing else was asked for"
        assert f"30 of {len(ranked):,} coauthors were fetched" in read_output(capsys)
        now[0] += timedelta(hours=2)
        assert count_records(loader.load(refresh_after_days=7, coauthor_credits=1000)).new == 30
        assert list_asked(server) == sorted(ranked[:60])


def test_a_budget_that_ends_among_the_coauthors_fails_no_run(
    loader: Loader, coauthors: list[str], faults: dict[str, Fault], capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"error": "Rate limit exceeded", "message": "Insufficient budget.", "retryAfter": 5400}
    faults[coauthors[7]] = answer_status(429, body)
    new = count_records(loader.load(coauthor_credits=len(coauthors))).new
    assert 7 <= new <= 7 + AT_ONCE, "what was on its way is kept, too"
    output = read_output(capsys)
    assert f"{new} of {len(coauthors):,} coauthors were fetched" in output
    assert "OpenAlex's budget for today is used up" in output


NOT_TODAY = answer_status(400, {"error": "Failed", "message": "Not today."})


def test_who_cannot_be_had_stops_no_other_and_is_requested_next_time(
    loader: Loader,
    server: OpenAlexServer,
    coauthors: list[str],
    faults: dict[str, Fault],
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing = [coauthors[3], coauthors[9], coauthors[12]]
    faults.update(dict.fromkeys(failing, NOT_TODAY))
    assert count_records(loader.load(coauthor_credits=20)).new == 17
    output = read_output(capsys)
    assert "The years of 3 coauthors could not be fetched; the next run requests them again." in output
    assert "Not today." in output
    faults.clear()
    server.requests.clear()
    assert count_records(loader.load(coauthor_credits=4)).new == 4
    assert list_asked(server) == sorted([*failing, coauthors[20]])


def test_where_one_after_the_other_cannot_be_had_the_run_fails_and_the_next_goes_on(
    loader: Loader, server: OpenAlexServer, catalogue: Catalogue, coauthors: list[str], faults: dict[str, Fault]
) -> None:
    faults.update(dict.fromkeys(coauthors[5:], NOT_TODAY))
    load = loader.load(coauthor_credits=len(coauthors))
    error = load.error or ""
    assert f"The years of {len(coauthors) - 5:,} coauthors could not be fetched; the next run continues." in error
    asked = list_asked(server)
    assert 8 <= len(asked) < 8 + AT_ONCE
    assert asked == sorted(coauthors[: len(asked)])
    faults.clear()
    assert count_records(loader.load(coauthor_credits=len(coauthors))).new == len(coauthors) - 5
    assert read_years(loader.settings) == {author: count_years(catalogue, author) for author in coauthors}


def test_less_than_an_answer_is_never_no_years(
    loader: Loader, server: OpenAlexServer, catalogue: Catalogue, coauthors: list[str], faults: dict[str, Fault]
) -> None:
    passing = [
        answer_html(),
        truncate_json(),
        cut_body(),
        answer_status(200, {"meta": {"count": 3}, "group_by": []}),
        answer_status(200, {"meta": {"count": 0}, "group_by": [], "error": "Failed"}),
    ]
    for author, fault in zip(coauthors, passing, strict=False):
        faults[author] = once(fault)
    assert count_records(loader.load(coauthor_credits=5)).new == 5
    assert len(list_asked(server)) == 10
    assert read_years(loader.settings) == {author: count_years(catalogue, author) for author in coauthors[:5]}


def once(fault: Fault) -> Fault:
    """The fault, and from the second request on the true answer."""
    coming = [fault]
    return lambda request, answer: coming.pop()(request, answer) if coming else answer


def test_an_answer_that_is_not_as_it_should_be_is_set_aside_and_counts_as_one(
    loader: Loader, server: OpenAlexServer, coauthors: list[str], faults: dict[str, Fault]
) -> None:
    texts, none = {"key": "2020", "count": "3"}, {"key": "1905", "count": 0}
    full = [{"key": str(year), "count": 1} for year in range(200)]
    faults[coauthors[2]] = answer_status(200, {"meta": {"count": 3}, "group_by": [texts]})
    faults[coauthors[3]] = answer_status(200, {"meta": {"count": 3}, "group_by": [none]})
    faults[coauthors[4]] = answer_status(200, {"meta": {"count": 200}, "group_by": full})
    assert count_records(loader.load(coauthor_credits=6)) == LoadCounts(extracted=6, new=3, rejected=3)
    with duckdb.connect(str(loader.settings.warehouse), read_only=True) as connection:
        sql = "select record_id, reason from raw_openalex.rejected_records where resource = 'coauthor_years'"
        reasons = dict(connection.execute(sql).fetchall())
    assert set(reasons) == {coauthors[2], coauthors[3], coauthors[4]}
    assert reasons[coauthors[2]].startswith("answer.group_by[0].count")
    assert reasons[coauthors[3]] == "answer.group_by[0].count: Input should be greater than or equal to 1"
    assert reasons[coauthors[4]].startswith("answer.group_by: List should have at most 199 items")
    server.requests.clear()
    loader.load(coauthor_credits=1)
    assert list_asked(server) == [coauthors[6]]


def test_nobody_and_who_is_met_on_works_that_left_are_not_requested(
    loader: Loader, server: OpenAlexServer, catalogue: Catalogue, coauthors: list[str], tmp_path: Path
) -> None:
    lonely = next(author for author in reversed(coauthors) if sum(count_years(catalogue, author).values()) == 1)
    without = [work for work in catalogue.works if lonely not in list_authors(work)]
    nameless = [{**catalogue.works[0]["authorships"][0], "author": {"id": author}} for author in NOBODY]

    def list_asked_of(works: list[dict[str, Any]], coauthor_credits: int) -> list[str]:
        changed = [{**work, "authorships": [*work["authorships"], *nameless]} for work in works]
        with OpenAlexServer(replace(catalogue, works=changed)) as other:
            follower = Loader(loader.settings, other, tmp_path / "roster.csv")
            assert follower.load(coauthor_credits=coauthor_credits).error is None
            return list_asked(other)

    assert list_asked_of(catalogue.works, 0) == []
    asked = list_asked_of(without, len(coauthors) + 10)
    assert asked == sorted(rank(replace(catalogue, works=without), tmp_path / "roster.csv"))
    assert lonely not in asked


def test_a_run_of_single_authors_requests_no_coauthor_and_a_full_refresh_all_again(
    loader: Loader, server: OpenAlexServer, coauthors: list[str]
) -> None:
    member = "A5800096542"
    loader.load(coauthor_credits=20)
    server.requests.clear()
    assert loader.load(narrow("author", member), coauthor_credits=20).error is None
    assert list_asked(server) == []
    assert loader.load(RunOptions(is_full_refresh=True), coauthor_credits=20).error is None
    assert list_asked(server) == sorted(coauthors[:20])


def test_what_coauthors_would_cost_is_estimated(loader: Loader, server: OpenAlexServer, coauthors: list[str]) -> None:
    loader.load(coauthor_credits=20)
    loader.configured["coauthor_credits"] = 30
    (estimate,) = [each for each in loader.estimate().parts if "coauthors" in each.what]
    assert (estimate.at_least, estimate.at_most) == (30, 30)
    assert estimate.note.startswith(f"{len(coauthors) - 20:,} are due")
    loader.configured["coauthor_credits"] = 0
    assert not [each for each in loader.estimate().parts if "coauthors" in each.what]


def test_coauthors_are_requested_side_by_side_and_come_in_order(
    loader: Loader, server: OpenAlexServer, coauthors: list[str], faults: dict[str, Fault]
) -> None:
    meeting = Barrier(8)

    def meet(request: Request, answer: Answer) -> Answer:
        meeting.wait(timeout=60)
        return answer

    loader.load(coauthor_credits=1)
    faults.update(dict.fromkeys(coauthors[2:10], meet))
    assert count_records(loader.load(coauthor_credits=20)).new == 20, "eight were answered when all eight had come"
    rows = loader.query("select id from raw_openalex.coauthor_years order by rowid")
    assert [author for (author,) in rows] == coauthors[:21]


def test_a_small_roster_s_first_run_leaves_coauthors_to_later_runs_which_say_whose_ages_changed(
    tmp_path: Path, server: OpenAlexServer, catalogue: Catalogue, capsys: pytest.CaptureFixture[str]
) -> None:
    loader = build_loader(tmp_path, server)
    ranked = rank(catalogue, tmp_path / "roster.csv")
    options = {"coauthor_credits": 40, "defer_coauthors_up_to": ROSTER_SIZE}
    loader.configured |= options
    (estimate,) = [each for each in loader.estimate().parts if "coauthors" in each.what]
    assert (estimate.at_most, estimate.note) == (0, "left for later runs, at most 40 in each")
    first = loader.load()
    assert list_asked(server) == []
    assert first.notes == [
        f"Ages of {len(ranked):,} coauthors are provisional until their first years are fetched (about"
        f" {len(ranked):,} requests, at most 40 in each run); the next run continues."
    ]
    # By plain Python: whose first year is before their first work with the roster.
    loaded = {work for (work,) in loader.query("select id from raw_openalex.works")}
    seen = {
        author: min(
            work["publication_year"]
            for work in catalogue.works
            if work["id"] in loaded and author in list_authors(work)
        )
        for author in ranked[:40]
    }
    changed = sum(min(count_years(catalogue, author)) < seen[author] for author in seen)
    second = loader.load()
    assert list_asked(server) == sorted(ranked[:40])
    assert second.notes[0] == (
        f"40 first years became known; ages in fct_coauthorships changed for {changed:,} coauthors."
    )
    assert second.notes[1].startswith(f"Ages of {len(ranked) - 40:,} coauthors are provisional")
    last = loader.load(coauthor_credits=len(ranked))
    assert len(last.notes) == 1, "no age is provisional any more"
    assert loader.load(coauthor_credits=len(ranked)).notes == []


def test_a_larger_roster_s_first_run_brings_coauthors(tmp_path: Path, server: OpenAlexServer) -> None:
    loader = build_loader(tmp_path, server)
    loader.load(coauthor_credits=5, defer_coauthors_up_to=ROSTER_SIZE - 1)
    assert len(list_asked(server)) == 5


def test_fewer_credits_than_none_are_refused(loader: Loader) -> None:
    error = loader.load(coauthor_credits=-1).error
    assert error == "sources.openalex.coauthor_credits is -1; it must not be below 0."


def test_a_killed_run_keeps_whole_loads_and_the_next_goes_on_to_the_same_years(workspace: Workspace) -> None:
    sample = Sample(workspace)
    ranked = rank(sample.catalogue, sample.roster)
    assert len(ranked) > 220, "there is more than one load of coauthors"
    with serve_sample(workspace, sample) as server:
        del workspace.environment["SOURCES__OPENALEX__COAUTHOR_CREDITS"]
        running = workspace.start("dlt", "pipeline", "run")
        assert wait_until(lambda: len(list_asked(server)) > 210, running)
        running.kill()
        server.requests.clear()
        workspace.run_well("dlt", "pipeline", "run")
        again = list_asked(server)
    assert again == sorted(ranked[200:])
    assert read_years(workspace.settings) == {author: count_years(sample.catalogue, author) for author in ranked}

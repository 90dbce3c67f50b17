"""Rejected records are loaded exactly once after their model is fixed, and never replace a newer version."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import Field

from loader.raw.rejects import find_rejects, group_rejects, list_open, list_replays
from loader.sources.openalex.models import Work
from tests.support.raw import Raw, work


class YesterdaysWork(Work):
    """The model before it was fixed: it accepted no year after 2000."""

    publication_year: int | None = Field(default=None, le=2000)


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Raw]:
    with Raw(tmp_path) as made:
        yield made


def titles(raw: Raw) -> list[str]:
    return [title for (title,) in raw.ask("select document ->> 'title' from raw_openalex.works order by id")]


def test_of_a_hundred_the_one_that_failed_is_loaded_once_when_the_model_is_mended(raw: Raw) -> None:
    page = [work(number, publication_year=2024 if number == 50 else 1999) for number in range(100)]
    assert raw.load(page, model=YesterdaysWork) == {"extracted": 100, "new": 99, "rejected": 1}
    assert raw.replay(YesterdaysWork) == {}
    assert raw.replay() == {"extracted": 1, "new": 1}
    assert raw.ask("select count(*), count(distinct id) from raw_openalex.works") == [(100, 100)]
    assert raw.ask("select document::varchar from raw_openalex.works where id like '%W50'") == [(page[50].decode(),)]
    assert raw.replay() == {}
    assert raw.load(page) == {"extracted": 100, "unchanged": 100}
    assert raw.ask("select count(*), count(distinct id) from raw_openalex.works") == [(100, 100)]
    assert raw.ask("select sum(new_count) from raw_openalex.load_counts") == [(100,)]


def test_what_was_replayed_and_when_stays_known(raw: Raw) -> None:
    raw.load([work(1, publication_year=2024)], model=YesterdaysWork)
    raw.replay()
    assert list_open(raw.schema) == []
    (reject,) = find_rejects(raw.schema, "W1")
    (replay,) = list_replays(raw.schema, reject)
    assert replay.outcome == "loaded"
    assert replay.replayed_at > reject.rejected_at
    assert raw.ask("select record_id, _dlt_load_id from raw_openalex.replays") == raw.ask(
        "select id, _dlt_load_id from raw_openalex.works"
    )


def test_an_older_version_never_pushes_out_a_newer_one(raw: Raw) -> None:
    raw.load([work(1, "rejected", "2026-02-01T00:00:00", publication_year=2024)], model=YesterdaysWork)
    raw.load([work(1, "newer", "2026-03-01T00:00:00")])
    assert list_open(raw.schema) == []
    assert raw.replay() == {}
    assert titles(raw) == ["newer"]
    assert raw.ask("select outcome from raw_openalex.replays") == [("overtaken",)]


def test_a_newer_version_replaces_the_older_one_that_raw_holds(raw: Raw) -> None:
    raw.load([work(1, "older", "2026-01-01T00:00:00")])
    raw.load([work(1, "rejected", "2026-02-01T00:00:00", publication_year=2024)], model=YesterdaysWork)
    assert raw.replay() == {"extracted": 1, "changed": 1}
    assert titles(raw) == ["rejected"]


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_two_rejected_versions_the_newest_is_loaded(raw: Raw, newest_first: bool) -> None:
    versions = [
        work(1, "newer", "2026-02-01T00:00:00", publication_year=2024),
        work(1, "older", "2026-01-01T00:00:00", publication_year=2024),
    ]
    for version in versions if newest_first else reversed(versions):
        raw.load([version], model=YesterdaysWork)
    assert raw.replay() == {"extracted": 1, "new": 1}
    assert titles(raw) == ["newer"]
    assert raw.ask("select outcome, count(*) from raw_openalex.replays group by 1 order by 1") == [
        ("loaded", 1),
        ("overtaken", 1),
    ]


def test_a_record_that_is_rejected_again_after_its_replay_is_open_again(raw: Raw) -> None:
    raw.load([work(1, publication_year=2024)], model=YesterdaysWork)
    raw.replay()
    raw.load([work(1, publication_year=2024)], model=YesterdaysWork)
    assert [reject.record_id for reject in list_open(raw.schema)] == ["https://openalex.org/W1"]
    raw.replay()
    assert list_open(raw.schema) == []
    assert raw.ask("select count(*) from raw_openalex.replays") == [(2,)]
    assert raw.ask("select count(*) from raw_openalex.works") == [(1,)]


def test_rejects_are_grouped_by_reason_wherever_in_the_record_it_lies(raw: Raw) -> None:
    records = [
        work(number, authorships=[{"author": {"id": None}}] * number + [{"author": {"id": "nobody"}}])
        for number in range(1, 4)
    ]
    raw.load([*records, work(9, cited_by_count="many")])
    groups = group_rejects(list_open(raw.schema))
    assert [(group.resource, group.count) for group in groups] == [("works", 3), ("works", 1)]
    assert groups[0].reason.startswith("authorships[].author.id: ")
    assert find_rejects(raw.schema, "W2")[0].reason.startswith("authorships[2].author.id: ")

"""Every record that comes in is counted once and ends up in raw, in the rejects, or where it was already."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from loader.raw.documents import build_document_schema
from loader.raw.field_inventory import INVENTORY_SCHEMA
from loader.raw.ledger import COUNT_SCHEMA
from loader.raw.rejects import REJECT_SCHEMA, REPLAY_SCHEMA
from loader.sources.openalex.models import Work
from tests.support.raw import Raw, work


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Raw]:
    with Raw(tmp_path) as made:
        yield made


def test_a_record_is_kept_byte_for_byte_with_its_hash(raw: Raw) -> None:
    record = work(1, title="Ein Ölfilm — 漢字 🌊", huge=12345678901234567890123, unknown={"b": [1.50, None], "a": 1})
    assert raw.load([record]) == {"extracted": 1, "new": 1}
    ((document, record_hash, duckdb_hash),) = raw.ask(
        "select document::varchar, record_hash, sha256(document::varchar) from raw_openalex.works"
    )
    assert document.encode() == record
    assert record_hash == duckdb_hash == hashlib.sha256(record).hexdigest()


def test_the_same_records_again_change_nothing(raw: Raw) -> None:
    records = [work(1), work(2)]
    raw.load(records)
    before = raw.ask("select * from raw_openalex.works order by id")
    assert raw.load(records) == {"extracted": 2, "unchanged": 2}
    assert raw.ask("select * from raw_openalex.works order by id") == before


def test_only_what_is_new_or_changed_is_written(raw: Raw) -> None:
    raw.load([work(1), work(2)])
    ((first_load,),) = raw.ask("select distinct _dlt_load_id from raw_openalex.works")
    counts = raw.load([work(1), work(2, title="Another", updated="2026-02-01T00:00:00"), work(3)])
    assert counts == {"extracted": 3, "new": 1, "changed": 1, "unchanged": 1}
    rows = raw.ask("select right(id, 2), document ->> 'title', _dlt_load_id from raw_openalex.works order by id")
    assert [(key, title) for key, title, _ in rows] == [("W1", "A title"), ("W2", "Another"), ("W3", "A title")]
    assert [load == first_load for _, _, load in rows] == [True, False, False]


def test_documents_are_written_once(raw: Raw) -> None:
    raw.load([work(number) for number in range(3)])
    assert raw.load([work(1, title="Another", updated="2026-02-01T00:00:00")]) == {"extracted": 1, "changed": 1}
    assert raw.ask("select count(*) from raw_openalex.works") == [(3,)]
    assert raw.ask("select count(*) from raw_openalex_staging.works") == [(0,)]


def test_a_merge_that_breaks_off_after_its_deletion_changes_nothing(raw: Raw) -> None:
    raw.load([work(1), work(2, updated="2026-02-01T00:00:00")])
    raw.connection.execute("create unique index one_a_time on raw_openalex.works (updated_at)")
    before = raw.ask("select * from raw_openalex.works order by id")
    with pytest.raises(PipelineStepFailed, match="Duplicate key"):
        raw.load([work(1, title="Another", updated="2026-02-01T00:00:00")])
    assert raw.ask("select * from raw_openalex.works order by id") == before


@pytest.mark.parametrize("newest_first", [True, False])
def test_of_a_key_that_comes_twice_in_a_load_the_newest_stays(raw: Raw, newest_first: bool) -> None:
    copies = [work(1, "new", "2026-03-01T00:00:00"), work(1, "old", "2026-02-01T00:00:00")]
    pages = [[copy] for copy in (copies if newest_first else reversed(copies))]
    assert raw.load(*pages) == {"extracted": 2, "new": 1, "repeated": 1}
    assert raw.ask("select document ->> 'title' from raw_openalex.works") == [("new",)]


def test_a_newer_copy_that_raw_holds_already_wins_over_an_older_one(raw: Raw) -> None:
    raw.load([work(1, "new", "2026-03-01T00:00:00")])
    counts = raw.load([work(1, "old", "2026-02-01T00:00:00")], [work(1, "new", "2026-03-01T00:00:00"), work(2)])
    assert counts == {"extracted": 3, "new": 1, "changed": 1, "repeated": 1}
    assert raw.ask("select document ->> 'title' from raw_openalex.works order by id limit 1") == [("new",)]
    assert raw.load([work(3), work(4)]) == {"extracted": 2, "new": 2}
    assert raw.ask("select count(*) from raw_openalex.works") == [(4,)]


def test_of_two_copies_equally_old_the_first_stays(raw: Raw) -> None:
    assert raw.load([work(1, "first"), work(2)], [work(1, "second")]) == {"extracted": 3, "new": 2, "repeated": 1}
    assert raw.ask("select document ->> 'title' from raw_openalex.works order by id limit 1") == [("first",)]


def test_one_bad_record_in_a_page_of_a_hundred_is_set_aside_whole(raw: Raw) -> None:
    bad = work(50, title="Bad", cited_by_count="many")
    page = [work(number) if number != 50 else bad for number in range(100)]
    assert raw.load(page) == {"extracted": 100, "new": 99, "rejected": 1}
    ((resource, record_id, reason, record),) = raw.ask(
        "select resource, record_id, reason, record from raw_openalex.rejected_records"
    )
    assert (resource, record_id) == ("works", "https://openalex.org/W50")
    assert "cited_by_count" in reason
    assert record.encode() == bad


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b'{"title": "no key"}', id="no key"),
        pytest.param(b'{"id": "https://openalex.org/A1"}', id="a key of another kind"),
        pytest.param(b'{"id": 17}', id="a key that is no text"),
        pytest.param(b'{"id": "https://openalex.org/W1", "title": "\\ud800"}', id="a lone surrogate"),
        pytest.param(b'["not", "an", "object"]', id="no object"),
        pytest.param(work(1, publication_date="2024-02-31"), id="a day that is none"),
    ],
)
def test_a_record_that_cannot_be_used_never_stops_the_others(raw: Raw, record: bytes) -> None:
    assert raw.load([work(7), record]) == {"extracted": 2, "new": 1, "rejected": 1}


def test_the_same_rejected_record_is_kept_once(raw: Raw) -> None:
    assert raw.load([b'{"id": 17}']) == {"extracted": 1, "rejected": 1}
    before = raw.ask("from raw_openalex.rejected_records")
    assert raw.load([b'{"id": 17}']) == {"extracted": 1, "rejected": 1}
    assert raw.ask("from raw_openalex.rejected_records") == before


def test_a_record_that_is_rejected_twice_in_a_load_is_kept_once(raw: Raw) -> None:
    assert raw.load([b'{"id": 17}'], [b'{"id": 17}', b'{"id": 18}']) == {"extracted": 3, "rejected": 3}
    assert raw.ask("select record from raw_openalex.rejected_records order by 1") == [('{"id": 17}',), ('{"id": 18}',)]


def test_the_counts_of_every_load_are_written_down(raw: Raw) -> None:
    raw.load([work(1), b"{}"])
    raw.load([work(1), work(1), work(2)])
    counts = raw.ask(
        "select resource, extracted_count, new_count, changed_count, unchanged_count, repeated_count, rejected_count"
        " from raw_openalex.load_counts order by _dlt_load_id"
    )
    assert counts == [("works", 2, 1, 0, 0, 0, 1), ("works", 3, 1, 0, 1, 1, 0)]


def test_a_load_without_records_still_makes_the_tables(raw: Raw) -> None:
    assert raw.load([]) == {}
    tables = {name for (name,) in raw.ask("select table_name from duckdb_tables() where schema_name = 'raw_openalex'")}
    assert {"works", "rejected_records", "replays", "load_counts", "field_inventory"} <= tables
    for table, schema in (
        ("works", build_document_schema(Work)),
        ("rejected_records", REJECT_SCHEMA),
        ("load_counts", COUNT_SCHEMA),
        ("replays", REPLAY_SCHEMA),
        ("field_inventory", INVENTORY_SCHEMA),
    ):
        columns = raw.ask(
            "select column_name from duckdb_columns()"
            f" where schema_name = 'raw_openalex' and table_name = '{table}' order by column_index"
        )
        assert [name for (name,) in columns] == schema.names

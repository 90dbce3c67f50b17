"""The fields of a source's records are noted per load, and every change is reported."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.raw import Raw, work


@pytest.fixture
def raw(tmp_path: Path) -> Iterator[Raw]:
    with Raw(tmp_path) as made:
        yield made


def works(count: int, start: int = 0, **fields: object) -> list[bytes]:
    return [work(number, **fields) for number in range(start, start + count)]


def read_field(raw: Raw, path: str) -> tuple[object, ...]:
    (row,) = raw.ask(
        "select types, record_count, examined_count, first_load_id = last_load_id"
        f" from raw_openalex.field_inventory where resource = 'works' and path = '{path}'"
    )
    return row


def changes(raw: Raw) -> dict[str, str]:
    return {change.path: change.change for change in raw.progress.changes["works"]}


def test_each_path_is_listed_with_its_types_and_its_share(raw: Raw) -> None:
    raw.load([*works(3, topics=[{"id": "https://openalex.org/T1", "score": 1}]), work(9, topics=None, language="en")])
    assert changes(raw) == {}
    assert read_field(raw, "id") == ("string", 4, 4, True)
    assert read_field(raw, "topics") == ("null, array", 4, 4, True)
    assert read_field(raw, "topics[].score") == ("integer", 3, 4, True)
    assert read_field(raw, "language") == ("string", 1, 4, True)


def test_a_new_field_is_loaded_and_reported(raw: Raw) -> None:
    raw.load(works(5))
    counts = raw.load([*works(2, 5), *works(3, 7, awards=[{"funder": {"id": 1}}])])
    assert counts == {"extracted": 5, "new": 5}
    assert changes(raw) == {"awards": "new (array), in 3 of 5 records"}
    assert read_field(raw, "awards[].funder.id") == ("integer", 3, 5, True)
    assert raw.ask("select count(*) from raw_openalex.works where (document -> 'awards') is not null") == [(3,)]


def test_a_field_that_vanished_is_reported_once(raw: Raw) -> None:
    raw.load(works(20, language="en", biblio={"volume": "1"}))
    raw.load(works(12, 20))
    assert changes(raw) == {"biblio": "vanished from 12 records", "language": "vanished from 12 records"}
    assert read_field(raw, "biblio.volume") == ("string", 0, 12, True)
    raw.load(works(12, 40))
    assert changes(raw) == {}


def test_a_rare_field_has_not_vanished_because_few_records_came(raw: Raw) -> None:
    raw.load([*works(19), work(19, language="en")])
    raw.load(works(12, 20))
    assert changes(raw) == {}


def test_a_changed_type_is_reported_whether_the_model_minds_or_not(raw: Raw) -> None:
    raw.load(works(5, cited_by_count=1, unknown=1))
    counts = raw.load([work(6, cited_by_count="one", unknown="one"), work(7, cited_by_count=None, unknown=None)])
    assert counts == {"extracted": 2, "rejected": 2}
    assert changes(raw) == {
        "cited_by_count": "now also string (was integer), in 2 of 2 records",
        "unknown": "now also string (was integer), in 2 of 2 records",
    }


def test_keys_that_are_values_do_not_count_as_fields(raw: Raw) -> None:
    raw.load([work(1, abstract_inverted_index={"deep": [0], "sea": [1]})])
    raw.load([work(2, abstract_inverted_index={"blue": [0]})])
    assert changes(raw) == {}
    paths = {path for (path,) in raw.ask("select path from raw_openalex.field_inventory")}
    assert paths == {
        "id",
        "title",
        "updated_date",
        "abstract_inverted_index",
        "abstract_inverted_index.*",
        "abstract_inverted_index.*[]",
    }


def test_no_record_makes_an_inventory_without_end(raw: Raw) -> None:
    nested: object = "leaf"
    for _ in range(100):
        nested = {"a": nested}
    assert raw.load(
        [
            work(1, many={f"key {number}": number for number in range(5000)}),
            work(2, deep=nested),
            work(3, **{"x" * 10_000: 1}),
        ]
    ) == {"extracted": 3, "new": 3}
    ((count, longest),) = raw.ask("select count(*), max(length(path)) from raw_openalex.field_inventory")
    assert count < 300
    assert longest < 1000
    assert read_field(raw, "many.*") == ("integer", 1, 3, True)


def test_a_load_that_brings_nothing_new_leaves_the_inventory_as_it_was(raw: Raw) -> None:
    raw.load(works(5))
    before = raw.ask("from raw_openalex.field_inventory order by all")
    raw.load(works(5))
    assert raw.ask("from raw_openalex.field_inventory order by all") == before


def test_what_is_no_json_has_no_fields_and_stops_nothing(raw: Raw) -> None:
    counts = raw.load([work(1), b"[1, 2]", b'{"id": 17', json.dumps({"id": "\\ud800"}).encode()])
    assert counts == {"extracted": 4, "new": 1, "rejected": 3}

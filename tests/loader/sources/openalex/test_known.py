"""What raw holds of the roster's works is known without their documents, or in the memory that a load has."""

from pathlib import Path

import duckdb

from loader.raw.warehouse import RawSchema, open_warehouse
from loader.sources.openalex.coauthors import rank_coauthors
from loader.sources.openalex.known import KnownWorks
from tests.support.raw import Raw, work

_CHARACTERS = 30_000
_WORKS = 2_500


def test_large_works_are_known_within_the_memory_of_a_load(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            create schema raw_openalex;
            create table raw_openalex.works as
            select
                'W' || number as id,
                timestamptz '2026-01-01 00:00:00+00' + number * interval 1 second as updated_at,
                json_object(
                    'id', 'W' || number,
                    'authorships', [{{'author': {{'id': 'A' || number % 2}}}}, {{'author': {{'id': null}}}}],
                    'text', repeat('x', {_CHARACTERS})
                ) as document,
                '1' as _dlt_load_id
            from range({_WORKS}) as numbers (number)
            """
        )
    with open_warehouse(path, wait_seconds=0) as connection:
        known = KnownWorks(RawSchema(connection, "raw_openalex"), ["A0", "A2"])
    assert known.list_works(["A0"]) == {f"W{number}" for number in range(0, _WORKS, 2)}
    assert known.list_works(["A2"]) == set()
    newest = known.find_newest_change(["W1", "W7"])
    assert newest is not None
    assert known.has("W7", newest)


def test_works_are_known_by_their_summaries_and_earlier_ones_by_their_documents(tmp_path: Path) -> None:
    works = {
        number: work(
            number,
            publication_year=2000 + number,
            authorships=[
                {"author": {"id": _id("A", author)}, "institutions": [{"id": _id("I", number)}, {"id": None}]}
                for author in (0, number % 3 + 1)
            ]
            + [{"author": {"id": None}}],
            topics=[{"id": _id("T", number)}] if number % 2 else None,
        )
        for number in range(1, 8)
    }
    with Raw(tmp_path) as raw:
        assert raw.load(list(works.values())) == {"extracted": 7, "new": 7}
        raw.connection.execute(
            f"""
            update raw_openalex.works set summary = null where id = '{_id("W", 4)}';
            update raw_openalex.works set document = '{{}}' where summary is not null;
            create table raw_openalex.roster as select '{_id("A", 0)}' as id, '{{"is_member": true}}' as document
            """
        )
        known = KnownWorks(raw.schema, [_id("A", 0), _id("A", 2)])
        ranked = rank_coauthors(raw.schema)
    assert known.list_works([_id("A", 0)]) == {_id("W", number) for number in range(1, 8)}
    assert known.list_works([_id("A", 2)]) == {_id("W", number) for number in (1, 4, 7)}
    institutions, topics = known.mentions.list()
    assert institutions == [_id("I", number) for number in range(1, 8)]
    assert topics == [_id("T", number) for number in (1, 3, 5, 7)]
    # Who shares the most works, with the year of the first.
    assert list(ranked.items()) == [(_id("A", 2), 2001), (_id("A", 1), 2003), (_id("A", 3), 2002)]


def _id(kind: str, number: int) -> str:
    return f"https://openalex.org/{kind}{number}"

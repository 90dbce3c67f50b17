"""What the works in raw name is found in the memory that a load has, however large the works are."""

from pathlib import Path

import duckdb

from loader.raw.warehouse import RawSchema, open_warehouse
from loader.sources.openalex.coauthors import rank_coauthors
from loader.sources.openalex.known import KnownWorks
from loader.sources.openalex.mentioned import read_mentioned

_CHARACTERS = 30_000
_WORKS = 2_500


def test_large_works_are_read_within_the_memory_of_a_load(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"""
            create schema raw_openalex;
            create table raw_openalex.works as
            select json_object(
                'id', 'W' || number,
                'authorships', [
                    {{'author': {{'id': 'A0'}}, 'institutions': [{{'id': 'I' || number % 7}}, {{'id': null}}]}},
                    {{'author': {{'id': 'A' || greatest(number % 5, 1)}}, 'institutions': null}}
                ],
                'topics', case when number % 2 = 0 then [{{'id': 'T' || number % 3}}] end,
                'text', repeat('x', {_CHARACTERS})
            ) as document
            from range({_WORKS}) as numbers (number);
            create table raw_openalex.roster as select 'A0' as id, '{{"is_member": true}}' as document
            """
        )
    with open_warehouse(path, wait_seconds=0) as connection:
        raw = RawSchema(connection, "raw_openalex")
        mentioned = read_mentioned(raw)
        assert list(rank_coauthors(raw)) == ["A1", "A2", "A3", "A4"]
    assert mentioned.institutions == [f"I{number}" for number in range(7)]
    assert mentioned.topics == ["T0", "T1", "T2"]


def test_what_works_name_is_the_same_in_one_reading_and_in_two(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create schema raw_openalex; create table raw_openalex.works as {_works('1', 0, 1_500)}")
    with open_warehouse(path, wait_seconds=0) as connection:
        raw = RawSchema(connection, "raw_openalex")
        held = KnownWorks(raw, ["A0"]).mentions
        assert held.list() == read_mentioned(raw)
        # The works of a later load are read alone; those before it would be seen if they were read again.
        connection.execute(f"insert into raw_openalex.works {_works('2', 1_500, 1_600)}")
        connection.execute("update raw_openalex.works set document = 'not read again' where _dlt_load_id = '1'")
        both = read_mentioned(raw, held)
    assert both.institutions == sorted(f"I{number}" for number in range(1_600))
    assert both.topics == sorted(f"T{number}" for number in range(1_600))


def _works(load_id: str, first: int, end: int) -> str:
    return f"""
        select
            'W' || number as id,
            timestamptz '2026-01-01 00:00:00+00' as updated_at,
            json_object(
                'id', 'W' || number,
                'authorships', [{{'author': {{'id': 'A0'}}, 'institutions': [{{'id': 'I' || number}}]}}],
                'topics', [{{'id': 'T' || number}}]
            )::varchar as document,
            '{load_id}' as _dlt_load_id
        from range({first}, {end}) as numbers (number)
    """

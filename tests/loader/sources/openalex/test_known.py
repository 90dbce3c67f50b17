"""What raw holds of the roster's works is read in the memory that a load has, however large the works are."""

from pathlib import Path

import duckdb

from loader.raw.warehouse import RawSchema, open_warehouse
from loader.sources.openalex.known import KnownWorks

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

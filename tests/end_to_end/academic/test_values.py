"""Odd and hostile values, from JSON over HTTP to Postgres: there as they were sent, or rejected with the reason."""

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from loader.samples.faults import Answer, Request
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.server import OpenAlexServer
from tests.support.values import HOSTILE_TEXTS, gather, good_records
from tests.support.workspace import Workspace

AUTHOR = "https://openalex.org/A5000000001"
BROKEN_AUTHOR = "https://openalex.org/A5000000002"
GENERATED = 150
LONG_TITLE = "Ölfilm 🌊 " * (10_000_000 // 15)
RANDOM_DOI = "https://doi.org/10.1/" + random.Random(1).randbytes(8_000).hex()


@dataclass(frozen=True)
class Kept:
    """A work's fields, and what `column` of fct_papers must say of it."""

    fields: dict[str, Any]
    column: str
    expected: Any


@dataclass(frozen=True)
class Refused:
    """A work's fields, of which the value RAW is sent as `raw`, and what the reason must say."""

    fields: dict[str, Any]
    reason: str
    raw: str = ""


RAW = "\ue000raw\ue000"


def in_journal(name: str) -> dict[str, Any]:
    return {"primary_location": {"source": {"display_name": name}}}


KEPT = [
    *(Kept(in_journal(text), "journal_name", text) for text in HOSTILE_TEXTS),
    Kept({"title": LONG_TITLE}, "title", LONG_TITLE.strip()),
    Kept({"title": "<i>Tea</i> <script>alert(1)</script> &amp;lt; 5 &lt; 6"}, "title", "Tea alert(1) < 5 < 6"),
    *(
        Kept({"title": f"{number}: {text}."}, "title", re.sub("[\t\n\f\r ]+", " ", f"{number}: {text}."))
        for number, text in enumerate(HOSTILE_TEXTS)
        if "<" not in text
    ),
    Kept({"doi": RANDOM_DOI}, "doi", RANDOM_DOI),
    Kept({"abstract_inverted_index": {"'; drop": [0], "👩‍🔬": [2], "\\N": [1]}}, "abstract", "'; drop \\N 👩‍🔬"),
    Kept({"publication_date": "0001-01-01", "publication_year": 1}, "publication_date", date(1, 1, 1)),
    Kept({"publication_date": "9999-12-31", "publication_year": 9999}, "publication_date", date(9999, 12, 31)),
    Kept({"publication_date": "2024-02-29", "publication_year": 0}, "publication_year", 0),
    Kept({"created_date": "2024-01-01T23:00:00-05:00"}, "created_date", date(2024, 1, 2)),
    Kept(
        {"updated_date": "2024-12-31T23:59:59.999999-11:59"},
        "updated_at",
        datetime(2025, 1, 1, 11, 58, 59, 999999, UTC),
    ),
    Kept({"updated_date": "0001-01-01T00:00:00"}, "updated_at", datetime(1, 1, 1, tzinfo=UTC)),
    Kept({"updated_date": "9999-12-31T23:59:59Z"}, "updated_at", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    Kept({"cited_by_count": 2**31 - 1}, "cited_by_count", 2**31 - 1),
    Kept({"locations_count": -(2**31)}, "locations_count", -(2**31)),
    Kept({"fwci": 5e-324}, "fwci", 5e-324),
    Kept({"fwci": 1.7976931348623157e308}, "fwci", 1.7976931348623157e308),
    Kept({"fwci": 0.1}, "fwci", 0.1),
    Kept({"fwci": 2**63}, "fwci", 2.0**63),
    Kept({"unread": {"\\u0000": "\\u0000 NaN"}}, "is_retracted", False),
]
REFUSED = [
    Refused({"fwci": RAW}, "NaN is not JSON", "NaN"),
    Refused({"unread": RAW}, "Infinity is not JSON", "Infinity"),
    Refused({"unread": [RAW]}, "-Infinity is not JSON", "-Infinity"),
    Refused({"title": RAW}, "surrogate", r'"\ud800"'),
    Refused({"unread": RAW}, "surrogate", r'"\ude00\ud83d"'),
    Refused({"title": "a\0b"}, "NUL"),
    Refused({"unread": {"a\0": 1}}, "NUL"),
    Refused({"title": RAW}, "control character", '"a\0b"'),
    Refused({"unread": RAW}, "escape", r'"\x41"'),
    Refused({"unread": RAW}, "UTF-8", '"\udcff"'),
    Refused({"fwci": RAW}, "infinity", "1e400"),
    Refused({"unread": RAW}, "infinity", "9" * 5000),
    Refused({"unread": RAW}, "depth", "[" * 10_000 + "]" * 10_000),
    Refused({"unread": RAW}, "'title' occurs twice", '1,"title":"another"'),
    Refused({"open_access": {"unread": RAW}}, "'is_oa' occurs twice", '1,"is_oa":true,"is_oa":false'),
    Refused({"abstract_inverted_index": {"a": RAW}}, "'b' occurs twice", '[1],"b":[2],"b":[3]'),
    Refused({"publication_date": "0000-01-01"}, "year 0 is out of range"),
    Refused({"publication_date": "2023-02-29"}, "publication_date"),
    Refused({"publication_date": "2024-01-01T10:00:00"}, "publication_date"),
    Refused({"publication_date": "infinity"}, "publication_date"),
    Refused({"publication_date": 20240101}, "publication_date"),
    Refused({"updated_date": "2016-12-31T23:59:60"}, "second must be in 0..59"),
    Refused({"created_date": "2016-12-31T23:59:60Z"}, "second must be in 0..59"),
    Refused({"updated_date": "9999-12-31T23:59:59-00:01"}, "date value out of range"),
    Refused({"updated_date": "1704067200"}, "spelled like"),
    Refused({"cited_by_count": 2**31}, "cited_by_count"),
    Refused({"cited_by_count": -1}, "cited_by_count"),
    Refused({"locations_count": 2**31}, "locations_count"),
    Refused({"locations_count": RAW}, "locations_count", "123456789012345678901234567890"),
    Refused({"locations_count": 1.0}, "locations_count"),
    Refused({"counts_by_year": [{"year": 2024, "cited_by_count": 2**63}]}, "counts_by_year"),
    Refused({"is_authors_truncated": "yes"}, "is_authors_truncated"),
    Refused({"primary_location": {"source": {"type": {"a": 1}}}}, "primary_location.source.type"),
    Refused({"id": "https://openalex.org/W١٢"}, "id: String should match pattern"),
    Refused({"id": "https://openalex.org/W" + "1" * 3000}, "id: String should match pattern"),
    Refused({"id": 17}, "id: Input should be a valid string"),
]


def build_work(number: int, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"https://openalex.org/W{number}",
        "doi": f"https://doi.org/10.5555/{number}",
        "title": f"Values, part {number}",
        "type": "article",
        "publication_year": 2024,
        "publication_date": "2024-02-29",
        "updated_date": "2026-01-01T00:00:00",
        "is_retracted": False,
        "authorships": [{"author": {"id": AUTHOR, "display_name": HOSTILE_TEXTS[0]}}],
    } | fields


def mark(value: Any, number: int) -> Any:
    """The value with RAW told apart from that of other records."""
    if isinstance(value, dict):
        return {key: mark(item, number) for key, item in value.items()}
    if isinstance(value, list):
        return [mark(item, number) for item in value]
    return f"{RAW}{number}" if value == RAW else value


def put_raw_values(body: bytes) -> bytes:
    """The body with the values that no JSON library would write."""
    for number, case in enumerate(REFUSED):
        body = body.replace(f'"{RAW}{number}"'.encode(), case.raw.encode(errors="surrogateescape"))
    return body


def change_body(_: Request, answer: Answer) -> Answer:
    return replace(answer, body=put_raw_values(answer.body))


KEPT_WORKS = [build_work(1_000 + number, case.fields) for number, case in enumerate(KEPT)]
REFUSED_WORKS = [build_work(2_000 + number, mark(case.fields, number)) for number, case in enumerate(REFUSED)]


def generate_works() -> list[dict[str, Any]]:
    """Works that hypothesis made, as papers of the author."""
    works = []
    for number, record in enumerate(gather(good_records("works"), GENERATED)):
        authorships = [{"author": {"id": AUTHOR}}, *(record.get("authorships") or [])]
        works.append(
            build_work(3_000 + number, record)
            # The stand-in's JSON library writes no integer past 64 bits.
            | {"authorships": authorships, "doi": f"generated {number}", "unread": repr(record["unread"])}
            | {"publication_date": f"{1990 + number % 35}-12-31"}
            | ({"type": "article", "publication_year": 2000} if number % 4 else {})
        )
    return works


@pytest.fixture(scope="module")
def published(module_workspace: Workspace) -> Iterator[Workspace]:
    authors = [
        {"id": AUTHOR, "display_name": HOSTILE_TEXTS[8], "works_count": 2**63 - 1, "orcid": None},
        {"id": BROKEN_AUTHOR, "display_name": mark(RAW, 0), "orcid": None},
    ]
    works = [*KEPT_WORKS, *REFUSED_WORKS, *generate_works()]
    random.Random(1).shuffle(works)
    with OpenAlexServer(Catalogue(works, authors, [], [])) as server:
        server.fail_next(*[change_body] * 1_000, path="/")
        module_workspace.serve(server.url, module_workspace.write_roster("openalex_id", AUTHOR, BROKEN_AUTHOR))
        module_workspace.run_well("headwater", "run")
    return module_workspace


def test_every_odd_value_that_fits_stands_in_postgres_as_it_was_sent(published: Workspace) -> None:
    for column in {case.column for case in KEPT}:
        found = dict(published.query_postgres(f"select paper_id, {column} from marts.fct_papers"))
        for work, case in zip(KEPT_WORKS, KEPT, strict=True):
            if case.column == column:
                assert found[work["id"]] == case.expected, case.fields


def test_every_value_that_does_not_fit_is_rejected_whole_with_the_reason(published: Workspace) -> None:
    with published.open_duckdb() as connection:
        rows = connection.execute(
            "select record_hash, record, reason from raw_openalex.rejected_records where resource = 'works'"
        ).fetchall()
    found = {record_hash: (record, reason) for record_hash, record, reason in rows}
    for work, case in zip(REFUSED_WORKS, REFUSED, strict=True):
        sent = put_raw_values(orjson.dumps(work))
        record, reason = found[hashlib.sha256(sent).hexdigest()]
        assert record == sent.decode(errors="backslashreplace")
        assert case.reason in reason
    assert len(rows) == len(REFUSED)


def test_a_broken_record_of_an_author_does_not_stop_the_others(published: Workspace) -> None:
    with published.open_duckdb() as connection:
        rejected = connection.execute(
            "select record_id, reason from raw_openalex.rejected_records where resource = 'authors'"
        ).fetchall()
    assert rejected == [(BROKEN_AUTHOR, "record: NaN is not JSON")]
    names = published.query_postgres(
        "select author_id, author_name, openalex_work_count from marts.dim_authors where is_roster order by 1"
    )
    assert names == [(AUTHOR, HOSTILE_TEXTS[8], 2**63 - 1), (BROKEN_AUTHOR, BROKEN_AUTHOR, None)]


def test_all_is_counted(published: Workspace) -> None:
    with published.open_duckdb() as connection:
        counts = connection.execute(
            "select extracted_count, new_count, rejected_count from raw_openalex.load_counts where resource = 'works'"
        ).fetchall()
    generated = len(generate_works())
    assert counts == [(len(KEPT) + len(REFUSED) + generated, len(KEPT) + generated, len(REFUSED))]


def test_a_date_centuries_away_adds_one_year_of_days(published: Workspace) -> None:
    years = dict(published.query_postgres("select year_number, count(*) from marts.dim_dates group by 1"))
    assert years[1] == years[9999] == 365
    published_years = published.query_postgres(
        "select count(distinct extract(year from publication_date)) from marts.fct_papers"
    )
    assert len(years) <= 100 * int(str(published_years[0][0]))


def test_both_engines_hold_the_same_marts(published: Workspace) -> None:
    with published.open_both() as connection:
        marts = connection.execute(
            "select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'marts'"
        ).fetchall()
        assert len(marts) >= 8
        for (mart,) in marts:
            for left, right in (("marts", "postgres_server.marts"), ("postgres_server.marts", "marts")):
                surplus = connection.execute(
                    f"select count(*) from (from {left}.{mart} except all from {right}.{mart})"
                ).fetchone()
                assert surplus == (0,), f"{mart}: rows of {left} that {right} lacks"
    assert "DuckDB and Postgres hold the same marts." in published.run_well("headwater", "status")

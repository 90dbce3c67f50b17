"""A JSON value is in staging exactly as it was sent, or is rejected with the reason."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loader.base.settings import read_settings
from loader.fetch.json_text import cut_out_elements, parse_strict
from loader.fetch.pages import Page
from loader.raw.documents import document_resource, load_documents
from loader.raw.ledger import LoadCounts
from loader.raw.pipelines import pipeline_for
from loader.raw.record import Record
from loader.raw.warehouse import RawSchema
from loader.samples.faults import Answer, Request
from loader.samples.openalex.catalogue import Catalogue
from loader.samples.openalex.server import OpenAlexServer
from loader.sources.openalex.client import OpenAlexClient
from loader.sources.openalex.made_records import RosterMember
from loader.sources.openalex.members import Members
from loader.sources.openalex.models import Author, Institution, Topic, Work
from tests.support.progress import SilentProgress
from tests.support.values import (
    RAW_VALUES,
    gather,
    good_records,
    list_odd_texts,
    read_as_declared,
    read_struct,
    refuse_repeated,
    write_json,
)

MODELS: dict[str, tuple[type[Record], str, str]] = {
    "works": (Work, "id", "W"),
    "authors": (Author, "id", "A"),
    "institutions": (Institution, "id", "I"),
    "topics": (Topic, "id", "T"),
    "roster": (RosterMember, "author_id", "A"),
}
GOOD = 60  # generated records of each resource
fast = settings(max_examples=100, derandomize=True, database=None, deadline=None)


def load(folder: Path, records: dict[str, list[bytes]]) -> dict[str, LoadCounts]:
    """Loads the records of each resource, a hundred a page, into a warehouse in the folder."""
    progress = SilentProgress()
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        raw = RawSchema(connection, "raw_openalex")

        def build(name: str) -> Any:
            pages = [Page(records[name][start : start + 100]) for start in range(0, len(records[name]), 100)]
            model = MODELS[name][0]
            return document_resource(
                name, lambda: load_documents(pages, resource=name, model=model, raw=raw, progress=progress)
            )

        source = dlt.source(lambda: [build(name) for name in records], name="openalex")
        pipeline = pipeline_for("openalex", read_settings({"HEADWATER_DATA": str(folder)}), connection)
        pipeline.run(source(), loader_file_format="parquet")
    return progress.counts


class Loaded:
    """Records in raw: by resource generated `good` ones, and `odd` ones with one value of every kind and place."""

    def __init__(self, folder: Path) -> None:
        self.good = {name: self._write_good(name) for name in MODELS}
        self.odd = {name: self._write_odd(name) for name in MODELS}
        self.counts = load(folder, {name: self.good[name] + self.odd[name] for name in MODELS})
        self.connection = duckdb.connect(str(folder / "warehouse.duckdb"))
        self.connection.execute("set timezone = 'UTC'")

    def _write_good(self, name: str) -> list[bytes]:
        return [
            write_json({**_give_id(name, number), **record}, is_ascii=number % 2 == 0)
            for number, record in enumerate(gather(good_records(name), GOOD))
        ]

    def _write_odd(self, name: str) -> list[bytes]:
        return [
            write_json(_give_id(name, GOOD + number))[:-1] + b"," + text[1:]
            for number, text in enumerate(list_odd_texts(name))
        ]

    def read_raw(self, name: str) -> dict[str, bytes]:
        """The documents by hash."""
        rows = self.connection.execute(f"select record_hash, cast(document as varchar) from raw_openalex.{name}")
        return {record_hash: document.encode() for record_hash, document in rows.fetchall()}

    def read_rejects(self, name: str) -> dict[str, tuple[str, str]]:
        """Record and reason by hash."""
        rows = self.connection.execute(
            "select record_hash, record, reason from raw_openalex.rejected_records where resource = ?", [name]
        )
        return {record_hash: (record, reason) for record_hash, record, reason in rows.fetchall()}


def _give_id(name: str, number: int) -> dict[str, Any]:
    _, key, letter = MODELS[name]
    needed = {"is_member": True} if name == "roster" else {}
    return {key: f"https://openalex.org/{letter}{number}", **needed}


def hash_of(record: bytes) -> str:
    return hashlib.sha256(record).hexdigest()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    made = Loaded(tmp_path_factory.mktemp("values"))
    yield made
    made.connection.close()


@pytest.mark.parametrize("name", MODELS)
def test_what_the_types_hold_is_loaded(loaded: Loaded, name: str) -> None:
    rejects = loaded.read_rejects(name)
    assert [(record, rejects[hash_of(record)][1]) for record in loaded.good[name] if hash_of(record) in rejects] == []


@pytest.mark.parametrize("name", MODELS)
def test_every_record_is_in_raw_or_rejected_whole_with_the_reason(loaded: Loaded, name: str) -> None:
    raw, rejects = loaded.read_raw(name), loaded.read_rejects(name)
    records = loaded.good[name] + loaded.odd[name]
    counts = loaded.counts[name]
    assert (counts.extracted, counts.new, counts.rejected) == (len(records), len(raw), len(records) - len(raw))
    assert min(len(raw), len(rejects)) > 100
    for record in records:
        if hash_of(record) in raw:
            assert raw[hash_of(record)] == record
        else:
            text, reason = rejects[hash_of(record)]
            assert text == record.decode(errors="backslashreplace")
            assert reason.strip(": ")


@pytest.mark.parametrize("name", MODELS)
def test_staging_reads_every_value_as_the_json_says_it(loaded: Loaded, name: str) -> None:
    struct = read_struct(name)
    rows = loaded.connection.execute(
        f"select cast(document as varchar), from_json(document, $struct) from raw_openalex.{name}",
        {"struct": json.dumps(struct)},
    ).fetchall()
    assert len(rows) >= GOOD
    for document, found in rows:
        said = read_as_declared(json.loads(document, object_pairs_hook=refuse_repeated), struct)
        assert found == said, document


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"NaN":-Infinity}', "-Infinity is not JSON"),
        (rb'{"a":"\ud800"}', "surrogate"),
        (b'{"a":"\xff"}', "UTF-8"),
        (b'{"a":"\0"}', "control character"),
        (rb'{"a":"\u0000"}', "NUL"),
        (rb'{"a":"\\\u0000"}', "NUL"),
        (rb'{"\u0000":1}', "NUL"),
        (b'{"a":1e400}', "infinity"),
        (b'{"a":' + b"9" * 5000 + b"}", "infinity"),
        (b'{"a":1,"b":{"c":1,"d":2,"c":3}}', "'c' occurs twice"),
        (b'{"a" :1, "a" : 2}', "'a' occurs twice"),
        (rb'{"a":1,"\u0061":"\u003A"}', "'a' occurs twice"),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "depth"),
        (b'{"a":' + b"[" * 300 + b"]" * 300 + b"}", "deeper"),
        (b'{"a":[1,]}', "trailing comma"),
        (b"", "empty"),
    ],
)
def test_what_engines_would_read_differently_is_refused_with_the_reason(text: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_strict(text)


@pytest.mark.parametrize(
    "text",
    [
        rb'{"a":"\\u0000","b":"\\\\u0000"}',
        rb'{"a":"\u003a: \":","b":": : :"}',
        b'{"a":123456789012345678901234567890}',
        b'{"a":{"a":1},"b":[{"a":1},{"a":1}]}',
        '{"a":"👩‍👩‍👧‍👦 \u202e NaN","Infinity":0}'.encode(),
        rb'{"a":"\ud83d\ude00"}',
    ],
)
def test_what_only_looks_odd_is_read(text: bytes) -> None:
    assert set(parse_strict(text)) == set(json.loads(text))


@fast
@given(
    st.lists(
        st.sampled_from([raw.encode() for raw in RAW_VALUES])
        | st.text(max_size=5).map(lambda text: json.dumps({text: text}, ensure_ascii=False).encode(errors="replace"))
        | st.binary(max_size=5).map(lambda junk: b'"' + junk.replace(b'"', b"").replace(b"\\", b"") + b'"'),
        max_size=5,
    )
)
def test_a_page_is_cut_into_its_records_whatever_they_hold(records: list[bytes]) -> None:
    page = b'{"meta": {"list": [1, "]"]}, "results": [' + b" , ".join(records) + b'], "group_by": []}'
    skeleton, found = cut_out_elements(page)
    assert found == records
    assert json.loads(skeleton)["results"] == list(range(len(records)))


@fast
@given(st.data())
def test_a_page_that_was_cut_short_is_never_taken_for_a_whole_one(data: st.DataObject) -> None:
    page = b'{"meta":{"count":2},"results":[{"id":NaN,"a":"\\"]}"},{"id":[1]}]}'
    end = data.draw(st.integers(1, len(page) - 1))
    with pytest.raises(msgspec.DecodeError):
        cut_out_elements(page[:end])


def write_page(*records: bytes) -> Any:
    """A fault: the server's answer holds these records."""

    def change(_: Request, answer: Answer) -> Answer:
        body = b'{"meta":{"count":%d,"next_cursor":null},"results":[%b]}' % (len(records), b",".join(records))
        return Answer(answer.status, body, answer.headers)

    return change


def test_of_a_page_with_one_bad_record_all_hundred_are_cut_out_whole() -> None:
    with OpenAlexServer(Catalogue.from_works([])) as server:
        client = OpenAlexClient(server.url, None, 1000.0, None, print)
        for number, bad in enumerate(RAW_VALUES, start=1):
            records = [b'{"id":"https://openalex.org/W%d"}' % each for each in range(99)]
            records.insert(50, b'{"id":"https://openalex.org/W99","fwci":{"none":%b}}' % bad.encode())
            server.fail_next(write_page(*records), path="/works")
            (page,) = client.list_by("works", "author.id", ["A1"])
            assert list(page.records) == records
            assert len(server.requests) == number


def test_the_bad_record_of_a_page_is_counted_and_kept_with_its_id(tmp_path: Path) -> None:
    records = [b'{"id":"https://openalex.org/W%d"}' % number for number in range(99)]
    bad = b'{"id":"https://openalex.org/W99","unread":[NaN]}'
    counts = load(tmp_path, {"works": [*records, bad]})["works"]
    assert (counts.extracted, counts.new, counts.rejected) == (100, 99, 1)
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        found = connection.execute("select record_id, reason, record from raw_openalex.rejected_records").fetchall()
    assert found == [("https://openalex.org/W99", "record: NaN is not JSON", bad.decode())]


def test_an_institutions_authors_are_found_beside_one_that_cannot_be_read() -> None:
    records = [
        b'{"id":"https://openalex.org/A5000000001","orcid":"none"}',
        b'{"id":"https://openalex.org/A5000000002","orcid":"\xff"}',
        b'{"id":"https://openalex.org/A5000000003","works_count":NaN}',
    ]
    raw = RawSchema(duckdb.connect(), "raw_openalex")
    with OpenAlexServer(Catalogue.from_works([])) as server:
        server.fail_next(write_page(*records), path="/authors")
        client = OpenAlexClient(server.url, None, 1000.0, None, print)
        members = Members(client, raw, None, "I1", is_full_refresh=False)
        assert members.find_ids() == ["https://openalex.org/A5000000001"]
    assert members.notes == [
        "OpenAlex's record of https://openalex.org/A5000000002 cannot be read.",
        "OpenAlex's record of https://openalex.org/A5000000003 cannot be read.",
    ]

"""Records are cut out of an answer byte for byte, and one that is not valid costs no other record."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from loader.base.errors import HeadwaterError
from loader.fetch.pages import read_pages
from loader.fetch.paging import Cursor
from loader.fetch.records import Format, Json, JsonLines, MatchedRecords, read_id
from loader.fetch.refusals import Refusal
from loader.samples.faults import Answer, Request
from tests.support.paged import build_session
from tests.support.scripted import ScriptedServer, give
from tests.support.workspace import RECORDED

GOOD = [b'{"id": 1,\t"x": 1.10}', b'{"id":"2","x":"\\u00e9]}"}', b"null", b'[{"id":3}]']
BAD = [
    b'{"id":"B","x":NaN}',
    b'{"id":"B","x":[01]}',
    b'{"id":"B","x":"\xff"}',
    b'{"id":"B","x":' + b"[" * 9000 + b"]" * 9000 + b"}",
]

LAYOUTS = [
    pytest.param(Json("results"), b'{"meta":{"n":[1]},"results":[%b]}', id="in the root"),
    pytest.param(Json("data.children"), b'{"kind":[1],"data":{"after":null,"children":[%b]}}', id="nested"),
    pytest.param(Json(""), b" [%b]\n", id="the whole body"),
]


@pytest.mark.parametrize(("layout", "body"), LAYOUTS)
@pytest.mark.parametrize("bad", [None, *BAD], ids=["all good", "NaN", "a leading zero", "no UTF-8", "too deep"])
def test_records_keep_their_bytes_beside_a_bad_one(layout: Json, body: bytes, bad: bytes | None) -> None:
    records = GOOD if bad is None else [*GOOD[:2], bad, *GOOD[2:]]
    assert layout.build_decoder().decode(body % b" ,\n".join(records)).records == records


@pytest.mark.parametrize("bad", [None, *BAD], ids=["all good", "NaN", "a leading zero", "no UTF-8", "too deep"])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\n"])
def test_json_lines_are_records(bad: bytes | None, end: bytes) -> None:
    records = GOOD[:2] if bad is None else [*GOOD[:2], bad]
    assert JsonLines().build_decoder().decode(b"\r\n".join(records) + end).records == records


def test_no_lines_are_no_records() -> None:
    assert JsonLines().build_decoder().decode(b"").records == []


@pytest.mark.parametrize(
    ("layout", "body"),
    [
        *((Json("results"), body) for body in (b"", b"null", b"[]", b"{}", b'{"results":null}', b'{"results":{}}')),
        *((Json("a.b"), body) for body in (b'{"a":null}', b'{"a":[]}', b'{"a":{}}', b'{"a":{"b":1}}')),
        *((Json(""), body) for body in (b"", b"{}", b"null", b"[1,2", b"[NaN,1")),
        *((JsonLines(), body) for body in (b"<html>\n{}\n</html>", b'{"id":1}\n{"id":', b'{"id":1}\n{"a":"b')),
        *(
            (Json("results", errors="error"), b'{"results":[],"error":%b}' % told)
            for told in (b'["E"]', b'"E"', b"{1:2}")
        ),
    ],
)
def test_what_is_not_a_whole_answer_is_refused(layout: Format, body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        layout.build_decoder([], []).decode(body)


def test_records_are_matched_with_their_ids_by_position() -> None:
    assert MatchedRecords(3).decode(b'[{"a": 1.10},null, 7]') == [b'{"a": 1.10}', None, b"7"]


@pytest.mark.parametrize("body", [b"[]", b"[1]", b"[1,2,3]", b"[1,2", b'{"data":[1,2]}', b"null"])
def test_an_answer_that_does_not_match_its_ids_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        MatchedRecords(2).decode(body)


@pytest.mark.parametrize("told", [b"[]", b'""', b"null", b"false"])
def test_an_empty_error_is_none(told: bytes) -> None:
    assert Json("results", errors="error").build_decoder().decode(b'{"results":[1],"error":%b}' % told).records == [
        b"1"
    ]


def test_values_are_read_beside_the_records() -> None:
    decoder = Json("data.items").build_decoder(["data.after", "next", "far.away", "meta.page-size"], ["meta.count"])
    body = b'{"data":{"items":[%b],"after":"t3"},"meta":{"count":7,"page-size":2.5,"x":{}}}'
    for record in (b"{}", BAD[0]):
        assert decoder.decode(body % record).values == {
            "data.after": "t3",
            "next": None,
            "far.away": None,
            "meta.count": 7,
            "meta.page-size": 2.5,
        }


@pytest.mark.parametrize(
    "meta", [b"null", b"{}", *(b'{"count":%b}' % text for text in (b"null", b"[1]", b"true", b"1.5", b"-1", b'"many"'))]
)
def test_an_answer_without_its_total_is_not_whole(meta: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Json("results").build_decoder(["meta.next"], ["meta.count"]).decode(b'{"results":[],"meta":%b}' % meta)


@pytest.mark.parametrize("layout", [Json(""), JsonLines()])
def test_values_that_an_answer_has_no_place_for_are_a_mistake_of_the_source(layout: Format) -> None:
    with pytest.raises(ValueError, match="read the total and the cursor from a Header"):
        layout.build_decoder([], ["meta.count"])


@pytest.mark.parametrize(
    ("record", "path", "key"),
    [
        (b'{"id":"A"}', "id", "A"),
        (b'{"id":7}', "id", "7"),
        (b'{"id":null}', "id", None),
        (b"[]", "id", None),
        (b' {"id" : "A","x":NaN}', "id", "A"),
        (b'{"data":{"id":"t1"}}', "data.id", "t1"),
        (b'{"data":{}}', "data.id", None),
        (b'{"data":null}', "data.id", None),
        (b'{"data-set":{"the id":1}}', "data-set.the id", "1"),
    ],
)
def test_ids_are_read(record: bytes, path: str, key: str | None) -> None:
    assert read_id(record, path) == key


def test_an_error_inside_a_200_is_explained_by_the_source() -> None:
    """Kraken's errors: a list, beside which there is no result, or an empty one."""

    def explain(refusal: Refusal) -> HeadwaterError | None:
        return HeadwaterError(f"Kraken: {refusal.message}") if "Unknown" in refusal.message else None

    def read(*told: str) -> Any:
        faults = [lambda _, __, text=text: give({"error": [text], "result": {"T": []}})(_) for text in told]
        with ScriptedServer(give({"error": [], "result": {"T": [1]}}), *faults) as server:
            session = build_session(server.url, explain=explain)
            return [page.records for page in read_pages(session, "/t", records=Json("result.T", errors="error"))]

    assert read("EAPI:Rate limit exceeded", "EService:Busy") == [[b"1"]]
    with pytest.raises(HeadwaterError, match=r"^Kraken: EQuery:Unknown asset pair$"):
        read("EQuery:Unknown asset pair")


def test_plain_text_inside_a_200_is_explained_by_the_source() -> None:
    """GDELT's errors: a sentence in place of JSON."""

    def explain(refusal: Refusal) -> HeadwaterError | None:
        return None if refusal.message.startswith("Please limit requests") else HeadwaterError(refusal.message)

    def write(text: str) -> Any:
        return lambda _, __: Answer(200, text.encode(), content_type="text/html; charset=utf-8")

    slow, short = write("Please limit requests to one every 5 seconds"), write("The query was too short.\n")
    with ScriptedServer(give({"articles": []}), slow, slow) as server:
        session = build_session(server.url, explain=explain)
        assert [page.records for page in read_pages(session, "/doc", records="articles")] == [[]]
        assert len(server.requests) == 3
    with ScriptedServer(give({"articles": []}), short) as server:
        session = build_session(server.url, explain=explain)
        with pytest.raises(HeadwaterError, match=r"^The query was too short.$"):
            list(read_pages(session, "/doc", records="articles"))


REDDIT = RECORDED / "messages" / "reddit_user_spez_2016"


@pytest.mark.skipif(not REDDIT.exists(), reason=f"no recorded responses at {REDDIT}")
def test_recorded_listings_are_read_by_their_tokens() -> None:
    bodies = [gzip.decompress(path.read_bytes()) for path in sorted(Path(REDDIT).glob("page_*.json.gz"))]
    tokens = [json.loads(body)["data"]["after"] for body in bodies]

    def answer(request: Request) -> Answer:
        after = request.parameters.get("after")
        return Answer(200, bodies[tokens.index(after) + 1 if after else 0])

    with ScriptedServer(answer) as server:
        paging = Cursor(parameter="after", next="data.after")
        session = build_session(server.url)
        pages = list(read_pages(session, "/comments", records="data.children", paging=paging, key="data.id"))
    assert len(pages) == len(bodies)
    assert [orjson.loads(record) for record in pages[0].records] == json.loads(bodies[0])["data"]["children"]
    assert all(record in body for page, body in zip(pages, bodies, strict=False) for record in page.records)

"""An Atom feed becomes JSON records of one shape, safely, and a bad entry costs no other."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from loader.fetch.atom import Atom
from loader.fetch.pages import read_pages
from loader.fetch.paging import Offset
from loader.fetch.records import Cut
from loader.samples.faults import Answer, Request
from tests.support.paged import build_session
from tests.support.scripted import ScriptedServer
from tests.support.workspace import RECORDED

TOTAL = "opensearch:totalResults"
START = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"
      xmlns:arxiv="http://arxiv.org/schemas/atom">
  <title>A feed</title><opensearch:totalResults>3</opensearch:totalResults>"""
FULL = """<entry xml:lang="en">
  <id> http://a/1 </id>
  <title type="html">Caf\u00e9 &lt;b&gt; &amp; more</title>
  <author><name>A</name><arxiv:affiliation>X</arxiv:affiliation><arxiv:affiliation>Y</arxiv:affiliation></author>
  <author><name>B</name></author>
  <link href="http://a/1" rel="alternate"/>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">One <i>two</i> three</div></content>
  <arxiv:comment>4 pages</arxiv:comment>
  <rights/>
</entry>"""


def decode(*entries: str, start: str = START, end: str = "</feed>") -> Cut:
    return Atom().build_decoder(["title"], [TOTAL]).decode("".join((start, *entries, end)).encode())


def test_an_entry_becomes_a_record() -> None:
    cut = decode(FULL, "<entry><id>2</id></entry>")
    assert cut.values == {"title": "A feed", TOTAL: "3"}
    assert [orjson.loads(record) for record in cut.records] == [
        {
            "author": [{"name": "A", "arxiv:affiliation": ["X", "Y"]}, {"name": "B"}],
            "category": [],
            "contributor": [],
            "link": [{"href": "http://a/1", "rel": "alternate"}],
            "xml:lang": "en",
            "id": "http://a/1",
            "title": {"type": "html", "text": "Caf\u00e9 <b> & more"},
            "content": {"type": "xhtml", "text": "One two three"},
            "arxiv:comment": "4 pages",
            "rights": None,
        },
        {"author": [], "category": [], "contributor": [], "link": [], "id": "2"},
    ]


@pytest.mark.parametrize("bad", ["a\x01b", "&nothing;", "<b>", "a & b"])
def test_an_entry_that_is_not_xml_comes_out_alone(bad: str) -> None:
    entry = f"<entry><id>2</id><title>{bad}</title></entry>"
    cut = decode(FULL, entry, "<entry><id>3</id></entry>")
    assert [orjson.loads(record)["id"] for record in cut.records[:2]] == ["http://a/1", "3"]
    assert cut.records[2:] == [entry.encode()]
    assert cut.values[TOTAL] == "3"


BOMB = '<!DOCTYPE feed [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
FILE = '<!DOCTYPE feed [<!ENTITY b SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("doctype", [BOMB, FILE, '<!DOCTYPE feed SYSTEM "http://127.0.0.1:9/feed.dtd">'])
@pytest.mark.parametrize("end", ["</feed>", "&oops;</feed>"])
def test_a_document_type_is_refused(doctype: str, encoding: str, end: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?>{doctype}' + START.partition("?>")[2] + "<id>&b;</id>" + end
    with pytest.raises(msgspec.DecodeError, match="document type is refused"):
        Atom().build_decoder().decode(body.encode(encoding))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"<html><body>Wait</body></html>",
        START.encode(),
        (START + FULL).encode(),
        (START + FULL[:200]).encode(),
        (START.replace("2005/Atom", "2004/Atom") + "</feed>").encode(),
        (START.replace("A feed", "A & feed") + "</feed>").encode(),
        (START.replace("totalResults>3<", "totalResults><") + "</feed>").encode(),
        b"\xff\xfe\x00",
    ],
)
def test_what_is_not_a_whole_feed_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        Atom().build_decoder([], [TOTAL]).decode(body)


ARXIV = RECORDED / "messages" / "arxiv_api"


@pytest.fixture(scope="module")
def recorded() -> dict[str, bytes]:
    """The recorded pages of ten records, by their start."""
    if not ARXIV.exists():
        pytest.skip(f"no recorded responses at {ARXIV}")
    return {
        name[1]: json.loads(path.read_bytes())["body"].encode()
        for path in sorted(Path(ARXIV).glob("*_m10_*.json"))
        if (name := re.search(r"_s(\d+)_", path.name))
    }


def read_list(recorded: dict[str, bytes], bad: bytes = b"") -> tuple[list[bytes], list[Any]]:
    """The first forty of the recorded entries, as of a list that ends there."""

    def answer(request: Request) -> Answer:
        body = re.sub(rb"(totalResults>)\d+", rb"\g<1>40", recorded[request.parameters["start"]])
        return Answer(200, body.replace(b"<entry>", b"<entry>" + bad, 1), content_type="application/atom+xml")

    with ScriptedServer(answer) as server:
        pages = list(
            read_pages(
                build_session(server.url),
                "/api/query",
                {"search_query": "testing", "max_results": "10"},
                records=Atom(),
                paging=Offset("start"),
                total=TOTAL,
            )
        )
        assert [request.parameters["start"] for request in server.requests] == ["0", "10", "20", "30"]
    return [record for page in pages for record in page.records], [page.expected for page in pages]


def test_a_recorded_list_is_read_by_its_offsets(recorded: dict[str, bytes]) -> None:
    records, expected = read_list(recorded)
    assert expected == [40] * 4
    entries = [orjson.loads(record) for record in records]
    ids = [entry["id"] for entry in entries]
    assert len(set(ids)) == 40
    assert all(f"<id>{key}</id>".encode() in b"".join(recorded.values()) for key in ids)
    for entry in entries:
        assert entry["title"]
        assert entry["author"][0]["name"]
        assert entry["arxiv:primary_category"]["term"] in {each["term"] for each in entry["category"]}


def test_a_bad_entry_of_a_recorded_page_costs_itself_alone(recorded: dict[str, bytes]) -> None:
    good, _ = read_list(recorded)
    records, _ = read_list(recorded, bad=b"&bad;")
    pages = [records[start : start + 10] for start in range(0, 40, 10)]
    assert [record for page in pages for record in page[:9]] == [good[n] for n in range(40) if n % 10]
    assert all(page[9].startswith(b"<entry>&bad;") for page in pages)

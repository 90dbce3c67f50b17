"""The report shows whatever an answer holds as text, and draws what an exposure declares."""

import re
import xml.etree.ElementTree as ET
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from loader.base.errors import HeadwaterError
from loader.publish.answers import Answer, Answers, Chart, Question, read_questions
from loader.publish.charts import draw_charts
from loader.publish.report_page import write_report

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></svg><b>",
    '=HYPERLINK("http://x")',
    "+1",
]
NOW = datetime(2026, 11, 28, 8, 30, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def build_answer(columns: list[str], rows: list[tuple[Any, ...]], *charts: Chart, title: str = "Who?") -> Answer:
    question = Question("who", "academic", title, f"Counts {HOSTILE[0]}.", "select 1 where 1 < 2", charts)
    return Answer(question, tuple(columns), tuple(rows))


def write(folder: Path, *answers: Answer, is_pseudonymous: bool = False) -> str:
    found = Answers(answers, (("openalex", "2026-11-27"),), (("academic", "build-17"),))
    page, _ = write_report(found, folder, is_pseudonymous=is_pseudonymous, now=NOW)
    return page.read_text(encoding="utf-8")


class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and the text of its cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self._is_cell = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._is_cell = tag == "td"
        if self._is_cell:
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_cell = False

    def handle_data(self, data: str) -> None:
        if self._is_cell:
            self.cells[-1] += data


def read_sheets(path: Path) -> dict[str, list[dict[str, str]]]:
    """The sheets of a workbook by their names: the cells of each row by their columns, with their types before them."""
    book = zipfile.ZipFile(path)
    main = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    names = [sheet.attrib["name"] for sheet in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{main}sheet")]
    sheets = {}
    for number, name in enumerate(names, start=1):
        sheet = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
        assert not list(sheet.iter(f"{main}f")), "a formula"
        sheets[name] = [
            {
                re.sub(r"\d", "", cell.attrib["r"]): f"{cell.attrib.get('t', 'n')}:{''.join(cell.itertext())}"
                for cell in row
            }
            for row in sheet.iter(f"{main}row")
        ]
    return sheets


def test_hostile_values_are_text_on_the_page_and_in_the_workbook(tmp_path: Path) -> None:
    rows = [(name, number) for number, name in enumerate(HOSTILE, start=1)]
    chart = Chart(mark="bar", x="papers", y="name")
    by_name = Chart(mark="point", x="papers", y="papers", color="name")
    matrix = Chart(mark="rect", x="name", y="name", color="papers")
    text = write(tmp_path, build_answer(["name", "papers"], rows, chart, by_name, matrix, title=HOSTILE[1]))
    page = Page(text)
    assert page.cells == [str(value) for row in rows for value in row]
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "b", "iframe", "link", "object"})
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    for svg in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        assert "alert(1)" in "".join(ET.fromstring(svg).itertext())
    sheets = read_sheets(tmp_path / "report.xlsx")
    assert [row["A"] for row in sheets["who"][1:]] == [f"inlineStr:{name}" for name in HOSTILE]
    assert sheets["contents"][1]["A"] == f"inlineStr:{HOSTILE[1]}"


def test_the_page_needs_no_network_and_runs_nothing(tmp_path: Path) -> None:
    text = write(tmp_path, build_answer(["name", "papers"], [("Ada", 3)], Chart(mark="bar", x="papers", y="name")))
    page = Page(text)
    addresses = [
        value
        for _, attributes in page.tags
        for name, value in attributes.items()
        if name in ("src", "href", "xlink:href", "srcset", "action")
    ]
    assert addresses == ["#who"]
    assert not re.search(r"url\(|@import|javascript:", text)
    policies = [attributes["content"] for _, attributes in page.tags if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_it_says_when_and_from_what_it_was_made(tmp_path: Path) -> None:
    text = write(tmp_path, build_answer(["papers"], [(1,)]), is_pseudonymous=True)
    assert "Made 2026-11-28 08:30 UTC by Headwater" in text
    assert "Last load: openalex on 2026-11-27." in text
    assert "academic build-17" in text
    assert "names stand for groups of people" in text
    assert "select 1 where 1 &lt; 2" in text
    assert "names stand for" not in write(tmp_path, build_answer(["papers"], [(1,)]))


def test_an_answer_without_rows_says_so(tmp_path: Path) -> None:
    text = write(tmp_path, build_answer(["name", "papers"], [], Chart(mark="bar", x="papers", y="name")))
    assert "No rows" in text
    assert "<figure" not in text
    sheets = read_sheets(tmp_path / "report.xlsx")
    assert sheets["who"] == [{"A": "inlineStr:name", "B": "inlineStr:papers"}]
    assert sheets["contents"][1]["C"] == "n:0"


def list_marks(svg: str, kind: str) -> list[str]:
    """What the marks of a chart say of themselves to who cannot see them."""
    return [
        mark.attrib["aria-label"]
        for mark in ET.fromstring(svg).iter(f"{SVG}path")
        if mark.attrib.get("aria-roledescription") == kind
    ]


def test_every_row_with_a_number_is_a_mark() -> None:
    rows = [("Ada", 3, Decimal("1.5")), ("Ada", 5, None), ("Bo", None, Decimal("NaN")), (None, 2, Decimal(0))]
    chart = Chart(mark="bar", x=("papers", "percent_open"), y="name")
    (svg,) = draw_charts(build_answer(["name", "papers", "percent_open"], rows, chart))
    # Two people of one name are two bars.
    assert set(list_marks(svg, "bar")) == {
        "Ada, papers: 3",
        "Ada (2), papers: 5",
        "–, papers: 2",
        "Ada, % open: 1.5",
        "–, % open: 0.0",
    }
    nothing = build_answer(["name", "papers"], [("Ada", None)], Chart(mark="line", x="name", y="papers"))
    assert draw_charts(nothing) == []


def test_values_keep_their_types_in_the_workbook(tmp_path: Path) -> None:
    row = (date(2026, 1, 2), True, Decimal("1.5"), float("nan"), None, ["a"], "x" * 40_000, datetime(2026, 1, 2, 3, 4))
    write(tmp_path, build_answer(list("abcdefgh"), [row]))
    _, cells = read_sheets(tmp_path / "report.xlsx")["who"]
    assert {key: cells[key] for key in "ABCDF"} == {
        "A": "n:46024",
        "B": "b:1",
        "C": "n:1.5",
        "D": "inlineStr:nan",
        "F": "inlineStr:['a']",
    }
    assert "E" not in cells
    assert cells["G"] == "inlineStr:" + "x" * 32_766 + "…"
    assert cells["H"].startswith("n:46024.1")


def test_a_report_that_fails_leaves_the_previous_one_whole(tmp_path: Path) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError

    write(tmp_path, build_answer(["papers"], [(1,)]))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RuntimeError):
        write(tmp_path, build_answer(["papers"], [(Unprintable(),)]))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_any_domain_has_questions_with_or_without_an_exposure(tmp_path: Path) -> None:
    folder = tmp_path / "market"
    folder.mkdir()
    (folder / "prices_by_day.sql").write_text("select 1 as price")
    (folder / "trades.sql").write_text("select 2 as trade")
    (folder / "_market__exposures.yml").write_text(
        "exposures:\n"
        "  - {name: dashboard, label: Elsewhere}\n"
        "  - name: trades\n    label: Who trades?\n    config: {meta: {charts: [{mark: bar, x: day, y: [a, b]}]}}\n"
    )
    trades, prices = read_questions(["market"], tmp_path)
    assert (trades.title, trades.sql, trades.charts) == (
        "Who trades?",
        "select 2 as trade",
        (Chart(mark="bar", x="day", y=("a", "b")),),
    )
    assert (prices.title, prices.charts) == ("Prices by day", ())
    assert read_questions(["nothing"], tmp_path) == []


@pytest.mark.parametrize(
    ("chart", "reason"),
    [
        ("{mark: pie, x: a, y: b}", "charts.0.mark: Input should be 'bar', 'line', 'point' or 'rect'"),
        ("{mark: bar, x: a}", "charts.0.y: Field required"),
        ("{mark: bar, x: a, y: b, z: c}", "charts.0.z: Extra inputs are not permitted"),
        ("{mark: bar, x: [a], y: [b]}", "only one of x and y can be a list"),
        ("{mark: rect, x: a, y: b}", "a rect takes one x, one y and a color"),
    ],
)
def test_a_chart_that_cannot_be_drawn_is_named(tmp_path: Path, chart: str, reason: str) -> None:
    folder = tmp_path / "market"
    folder.mkdir()
    (folder / "trades.sql").write_text("select 1 as a, 2 as b")
    exposure = f"exposures: [{{name: trades, config: {{meta: {{charts: [{chart}]}}}}}}]"
    (folder / "_market__exposures.yml").write_text(exposure)
    with pytest.raises(HeadwaterError, match=re.escape(reason)) as error:
        read_questions(["market"], tmp_path)
    assert "trades" in str(error.value)
    assert "\n" not in str(error.value)

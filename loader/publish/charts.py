"""Charts of answers, as SVG: drawn once by Vega, so that a page needs no JavaScript.

Colours are CSS variables (`--ink`, `--line`, `--series-1`, …) which the page sets, for light, dark and paper.
"""

import io
import math
from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from loader.publish.answers import Answer, Chart, name_heading

_WIDTH_PIXELS = 752
_ROW_PIXELS = 24
_HEIGHT_PIXELS = 280
_SERIES = [f"var(--series-{number})" for number in range(1, 7)]
# Of the same widths wherever the page is read.
_FONT = "Arial, Helvetica, Liberation Sans, sans-serif"


def draw_charts(answer: Answer) -> list[str]:
    """The SVG of each chart that the question declares; without rows, or without a number to draw, there is none."""
    drawn = (_draw(answer, chart) for chart in answer.question.charts)
    return [svg for svg in drawn if svg]


def show_label(value: object) -> str:
    """A value of a category, as text."""
    if value is None:
        return "–"
    return value.isoformat() if isinstance(value, date) else str(value)


def _draw(answer: Answer, chart: Chart) -> str | None:
    x, y = _split(chart.x), _split(chart.y)
    if chart.mark == "rect":
        return _draw_matrix(answer, x[0], y[0], chart.color or "")
    # Numbers against a category: they stand on the axis that names several columns, and else on y, unless y is text.
    is_horizontal = len(x) > 1 or (len(y) == 1 and any(isinstance(value, str) for value in answer.list_values(y[0])))
    categories, measures = (y[0], x) if is_horizontal else (x[0], y)
    labels = _tell_apart(answer.list_values(categories), may_repeat=chart.color is not None)
    rows = [
        {
            "category": label,
            "value": number,
            "series": series,
            "place": place,
            "told": f"{label}, {series}: {number:,}",
        }
        for place, measure in enumerate(measures)
        for label, value, series in zip(
            labels,
            answer.list_values(measure),
            _name_series(answer, chart.color, measure),
            strict=True,
        )
        if (number := _read_number(value)) is not None
    ]
    return _render(_build(chart, rows, labels, categories, measures, is_horizontal)) if rows else None


def _build(
    chart: Chart,
    rows: list[dict[str, Any]],
    labels: list[str],
    categories: str,
    measures: Sequence[str],
    is_horizontal: bool,
) -> Any:
    import altair as alt

    order = list(dict.fromkeys(labels))
    series = list(dict.fromkeys(row["series"] for row in rows))
    across = alt.Axis(labelAngle=0, labelOverlap=True, labelLimit=260, grid=False, ticks=False)
    category: dict[str, Any] = {
        "sort": order,
        "title": None if is_horizontal else name_heading(categories),
        "axis": across,
        "scale": alt.Scale(paddingInner=0.2) if chart.mark == "bar" else alt.Undefined,
    }
    title = name_heading(measures[0]) if len(measures) == 1 else _find_unit(measures)
    ticks = alt.Axis(tickCount=8 if is_horizontal else 6)
    value: dict[str, Any] = {"title": title, "stack": True if chart.stack else None, "axis": ticks}
    if chart.stack and all(measure.startswith("percent_") for measure in measures):
        value["scale"] = alt.Scale(domain=[0, 100])
    base = alt.Chart(alt.Data(values=rows))
    marked = {
        "bar": base.mark_bar(color=_SERIES[0], cornerRadius=1),
        "line": base.mark_line(color=_SERIES[0], strokeWidth=2.5, point={"size": 45}),
        "point": base.mark_point(color=_SERIES[0], filled=True, size=90, opacity=1),
    }[chart.mark]
    encoding: dict[str, Any] = {"description": "told:N"}  # for who cannot see it
    if is_horizontal:
        encoding |= {"y": alt.Y("category:N", **category), "x": alt.X("value:Q", **value)}
    else:
        encoding |= {"x": alt.X("category:O", **category), "y": alt.Y("value:Q", **value)}
    is_grouped = chart.mark == "bar" and len(series) > 1 and not chart.stack
    if len(series) > 1 or chart.color:
        encoding["color"] = alt.Color(
            "series:N", sort=series, title=None, scale=alt.Scale(domain=series, range=_SERIES)
        )
        encoding["order"] = alt.Order("place:O")
        if is_grouped and is_horizontal:
            encoding["yOffset"] = alt.YOffset("series:N", sort=series)
        elif is_grouped:
            encoding["xOffset"] = alt.XOffset("series:N", sort=series)
    bars = 0.6 * len(series) if is_grouped else 1
    height = len(order) * _ROW_PIXELS * bars if is_horizontal else _HEIGHT_PIXELS
    return marked.encode(**encoding).properties(width=_WIDTH_PIXELS, height=height)


def _draw_matrix(answer: Answer, x: str, y: str, color: str) -> str | None:
    import altair as alt

    rows = [
        {"x": show_label(across), "y": show_label(down), "value": number}
        for across, down, value in zip(*map(answer.list_values, (x, y, color)), strict=True)
        if (number := _read_number(value)) is not None
    ]
    if not rows:
        return None
    down = sorted({row["y"] for row in rows})
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("x:N", title=name_heading(x), axis=alt.Axis(labelAngle=0, labelLimit=160, grid=False, ticks=False)),
        y=alt.Y("y:N", title=None, axis=alt.Axis(labelLimit=260, grid=False, ticks=False)),
    )
    cells = base.mark_rect(color=_SERIES[0]).encode(
        opacity=alt.Opacity("value:Q", legend=None, scale=alt.Scale(range=[0.12, 0.6]))
    )
    chart = alt.layer(cells, base.mark_text(color="var(--ink)", fontSize=13).encode(text="value:Q"))
    return _render(chart.properties(width=_WIDTH_PIXELS, height=len(down) * 2 * _ROW_PIXELS))


def _render(chart: Any) -> str:
    ink, line = "var(--ink)", "var(--line)"
    styled = (
        chart.configure(font=_FONT, background="transparent", autosize={"type": "fit", "contains": "padding"})
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=ink,
            titleColor=ink,
            gridColor=line,
            domainColor=line,
            tickColor=line,
            labelFontSize=13,
            titleFontSize=13,
            titleFontWeight="normal",
            titlePadding=8,
            labelPadding=6,
        )
        .configure_legend(labelColor=ink, labelFontSize=13, orient="top", labelLimit=300, symbolType="square")
    )
    svg = io.StringIO()
    styled.save(svg, format="svg")
    return svg.getvalue()


def _split(axis: str | tuple[str, ...]) -> tuple[str, ...]:
    return (axis,) if isinstance(axis, str) else axis


def _name_series(answer: Answer, color: str | None, measure: str) -> list[str]:
    if color:
        return [show_label(value) for value in answer.list_values(color)]
    return [name_heading(measure)] * len(answer.rows)


def _tell_apart(values: Sequence[object], *, may_repeat: bool) -> list[str]:
    """Labels; of two people of one name the second is numbered, or their bars would stand on each other."""
    labels = [show_label(value) for value in values]
    if may_repeat:
        return labels
    seen: Counter[str] = Counter()
    told = []
    for label in labels:
        seen[label] += 1
        told.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return told


def _find_unit(measures: Sequence[str]) -> str | None:
    return "%" if all(measure.startswith("percent_") for measure in measures) else None


def _read_number(value: object) -> float | int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else float(value)

"""The report: every answer on one page (HTML) that needs nothing else, and in one workbook (XLSX)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from loader.publish.answers import Answer, Answers, name_heading
from loader.publish.charts import draw_charts
from loader.publish.files import put_in_place, write_beside
from loader.publish.workbook import Workbook

PAGE, WORKBOOK = "report.html", "report.xlsx"
_TEMPLATE = Path(__file__).with_name("report_page.html")
_TITLE = "Headwater report"
_CONTENTS = "contents"
# Below it are years.
_GROUPED_FROM = 10_000


def write_report(answers: Answers, folder: Path, *, is_pseudonymous: bool, now: datetime | None = None) -> list[Path]:
    """Writes the page and the workbook into the folder; both replace the previous ones when they are complete."""
    made_at = now or datetime.now(UTC)
    facts = list(_state_facts(answers, made_at, is_pseudonymous))
    with write_beside(folder) as unfinished:
        page, workbook = unfinished / PAGE, unfinished / WORKBOOK
        page.write_text(render_page(answers, facts, made_at), encoding="utf-8")
        _write_workbook(answers, facts, workbook)
        return [put_in_place(page, folder), put_in_place(workbook, folder)]


def render_page(answers: Answers, facts: Sequence[str], made_at: datetime) -> str:
    """The page. Whatever an answer holds is text in it."""
    template = Environment(autoescape=True).from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(title=_TITLE, made_at=f"{made_at:%Y-%m-%d}", facts=facts, entries=list(_describe(answers)))


def _state_facts(answers: Answers, made_at: datetime, is_pseudonymous: bool) -> Iterator[str]:
    made_by = f"Made {made_at:%Y-%m-%d %H:%M} UTC by Headwater {version('headwater')}"
    yield f"{made_by} from the marts that readers of Postgres see."
    if answers.loads:
        yield f"Last load: {', '.join(f'{source} on {day}' for source, day in answers.loads)}."
    yield f"Published build: {', '.join(f'{domain} {build or chr(8211)}' for domain, build in answers.builds)}."
    if is_pseudonymous:
        yield "Published pseudonymously: names stand for groups of people."


def _describe(answers: Answers) -> Iterator[dict[str, Any]]:
    domains = [None, *(answer.question.domain for answer in answers.answers)]
    shows_domains = len(set(domains)) > 2
    for answer, (before, domain) in zip(answers.answers, pairwise(domains), strict=True):
        question = answer.question
        yield {
            "name": question.name,
            "domain_heading": domain if shows_domains and domain != before else None,
            "title": question.title,
            "description": question.description,
            # Vega has escaped the texts in it.
            "charts": [Markup(svg) for svg in draw_charts(answer)],
            "columns": [
                {"heading": name_heading(column), "is_number": _is_number(answer, column)} for column in answer.columns
            ],
            "rows": [[_show(value) for value in row] for row in answer.rows],
            "sql": question.sql,
        }


def _is_number(answer: Answer, column: str) -> bool:
    return all(
        value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))
        for value in answer.list_values(column)
    )


def _show(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal) and abs(float(value)) >= _GROUPED_FROM:
        return f"{value:,}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _write_workbook(answers: Answers, facts: Sequence[str], path: Path) -> None:
    """A sheet with the contents, then one for each answer."""
    with Workbook(path) as workbook:
        names = _name_sheets([answer.question.name for answer in answers.answers])
        contents = workbook.add_sheet(_CONTENTS)
        rows = [
            (answer.question.title, name, len(answer.rows), answer.question.description)
            for answer, name in zip(answers.answers, names, strict=True)
        ]
        contents.set_column(0, 1, 40)
        contents.set_column(3, 3, 100)
        workbook.write_table(
            contents, ["question", "sheet", "rows", "description"], [*rows, (), *((fact,) for fact in facts)]
        )
        for answer, name in zip(answers.answers, names, strict=True):
            sheet = workbook.add_sheet(name)
            for place, column in enumerate(answer.columns):
                longest = max((len(_show(value)) for value in answer.list_values(column)), default=0)
                sheet.set_column(place, place, min(max(len(column), longest) + 2, 60))
            workbook.write_table(sheet, answer.columns, answer.rows)


def _name_sheets(names: Sequence[str]) -> list[str]:
    """Names of at most 31 characters, each once, as Excel compares them."""
    taken = {_CONTENTS, "history"}  # Excel keeps the second for itself
    sheets = []
    for name in names:
        sheet, number = name[:31], 1
        while sheet.lower() in taken:
            number += 1
            sheet = f"{name[:28]}~{number}"
        taken.add(sheet.lower())
        sheets.append(sheet)
    return sheets

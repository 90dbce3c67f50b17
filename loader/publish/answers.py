"""The questions of dbt_project/analyses, with what their exposures say of them, and their answers from the marts."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import psycopg2
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT
from loader.publish.postgres import Server

_ANALYSES = ROOT / "dbt_project" / "analyses"


class Chart(BaseModel):
    """One entry of an exposure's `meta.charts`: which columns of the answer are drawn, and how.

    `x` or `y` may name several columns with numbers, which become a series each; with `stack` they are parts of a
    whole. Bars are horizontal if `y` is text. `color` is a column with a text by which the marks are told apart. A
    `rect` has a category on both axes, and `color` is its number.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mark: Literal["bar", "line", "point", "rect"]
    x: str | tuple[str, ...]
    y: str | tuple[str, ...]
    color: str | None = None
    stack: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        lists = [axis for axis in (self.x, self.y) if not isinstance(axis, str)]
        if len(lists) > 1 or not all(lists):
            raise ValueError("only one of x and y can be a list, and not an empty one")
        if self.mark == "rect" and (lists or not self.color):
            raise ValueError("a rect takes one x, one y and a color")
        return self

    def list_columns(self) -> list[str]:
        """The columns that it names."""
        axes = [(axis,) if isinstance(axis, str) else axis for axis in (self.x, self.y)]
        return [*axes[0], *axes[1], *([self.color] if self.color else [])]


@dataclass(frozen=True)
class Question:
    """A question of a domain: its title, what it counts, its SQL over the marts, and how its answer is drawn."""

    name: str
    domain: str
    title: str
    description: str
    sql: str
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What the SQL of a question returned: the names of its columns and its rows."""

    question: Question
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def list_values(self, column: str) -> list[Any]:
        """One column."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows]


@dataclass(frozen=True)
class Answers:
    """All answers, of one publication. `loads` says for each source until when it was loaded, where a mart does."""

    answers: tuple[Answer, ...]
    loads: tuple[tuple[str, str], ...]
    builds: tuple[tuple[str, str | None], ...]


def read_questions(domains: Sequence[str], analyses: Path = _ANALYSES) -> list[Question]:
    """The questions of these domains, in the order of their exposures; those without an exposure come last.

    An exposure belongs to the SQL file of its name. Raises HeadwaterError if one cannot be read.
    """
    return [question for domain in domains for question in _read_domain(domain, analyses / domain)]


def answer_questions(server: Server, questions: Sequence[Question]) -> Answers:
    """Asks Postgres, as of one moment, so that no publication comes between two answers.

    Raises HeadwaterError if a question's SQL fails, or if a chart names a column that its answer lacks.
    """
    with closing(server.connect()) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            cursor.execute("select domain, build_id from operations.publications order by domain")
            domains = {question.domain for question in questions}
            builds = tuple((domain, build) for domain, build in cursor.fetchall() if domain in domains)
            return Answers(
                tuple(_answer(cursor, question) for question in questions), tuple(_read_loads(cursor, domains)), builds
            )


def name_heading(column: str) -> str:
    """A column's name for people: `percent_open` is `% open`."""
    return column.replace("percent_", "% ").replace("_", " ")


def _read_domain(domain: str, folder: Path) -> list[Question]:
    exposures: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob("*.yml")):
        exposures |= _read_exposures(path)
    names = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    ordered = [name for name in exposures if name in names] + [name for name in names if name not in exposures]
    return [_read_question(domain, names[name], exposures.get(name, {})) for name in ordered]


def _read_exposures(path: Path) -> dict[str, dict[str, Any]]:
    import yaml

    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return {exposure["name"]: exposure for exposure in read.get("exposures") or []}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise HeadwaterError(f"{path} cannot be read as exposures: {' '.join(str(error).split())}.") from None


def _read_question(domain: str, path: Path, exposure: dict[str, Any]) -> Question:
    sql = path.read_text(encoding="utf-8").strip()
    if "{{" in sql or "{%" in sql:
        raise HeadwaterError(f"{path} holds Jinja, which only dbt renders: write marts.NAME instead of ref('NAME').")
    meta = (exposure.get("config") or {}).get("meta") or {}
    try:
        charts = TypeAdapter(tuple[Chart, ...]).validate_python(meta.get("charts") or ())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, ("charts", *first["loc"])))
        raise HeadwaterError(
            f"The exposure {path.stem} has a chart that cannot be drawn: {place}: {first['msg']}."
        ) from None
    return Question(
        name=path.stem,
        domain=domain,
        title=exposure.get("label") or path.stem.replace("_", " ").capitalize(),
        description=" ".join((exposure.get("description") or "").split()),
        sql=sql,
        charts=charts,
    )


def _answer(cursor: Any, question: Question) -> Answer:
    try:
        cursor.execute(question.sql)
        columns = tuple(column.name for column in cursor.description or ())
        rows = tuple(cursor.fetchall())
    except psycopg2.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise HeadwaterError(
            f"The question {question.name} of {question.domain} fails in Postgres: {reason}."
        ) from None
    for chart in question.charts:
        if missing := [column for column in chart.list_columns() if column not in columns]:
            raise HeadwaterError(
                f"A chart of {question.name} names the column {missing[0]!r}; its answer has: {', '.join(columns)}."
            )
    return Answer(question, columns, rows)


def _read_loads(cursor: Any, domains: set[str]) -> list[tuple[str, str]]:
    """From marts with `source_name` and `loaded_date`, which say until when a source was loaded."""
    cursor.execute(
        """
        select table_name from information_schema.columns
        inner join operations.published_marts using (table_name)
        where table_schema = 'marts' and column_name in ('source_name', 'loaded_date') and domain = any(%s)
        group by table_name
        having count(*) = 2
        order by table_name
        """,
        [sorted(domains)],
    )
    loads: list[tuple[str, str]] = []
    for (table,) in cursor.fetchall():
        cursor.execute(f'select source_name, max(loaded_date) from marts."{table}" group by 1 order by 1')
        loads += [(source, f"{day:%Y-%m-%d}") for source, day in cursor.fetchall() if day]
    return loads

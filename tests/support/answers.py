"""The questions of a domain in dbt_project/analyses, asked, and the page that shows them: docs/answers.md."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from psycopg2.extensions import connection as postgres_connection

from loader.base.settings import ROOT

ANALYSES = ROOT / "dbt_project" / "analyses" / "academic"
PAGE = ROOT / "docs" / "answers.md"


def find_page(domain: str) -> Path:
    """The page of a domain's answers."""
    return PAGE if domain == "academic" else PAGE.with_name(f"answers-{domain}.md")


def _find_head(domain: str) -> Path:
    return Path(__file__).with_name("answers_head.md" if domain == "academic" else f"answers_head_{domain}.md")


@dataclass(frozen=True)
class Answer:
    """What the SQL of a question brings: the names of its columns, and its rows."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def list_values(self, column: str) -> list[Any]:
        """One column."""
        place = self.columns.index(column)
        return [row[place] for row in self.rows]


def read_exposures(domain: str = "academic") -> dict[str, dict[str, Any]]:
    """The questions by the name of their SQL file, in the order of the page."""
    read = yaml.safe_load((ANALYSES.with_name(domain) / f"_{domain}__exposures.yml").read_text())
    return {exposure["name"]: exposure for exposure in read["exposures"]}


def read_sql(name: str, domain: str = "academic") -> str:
    """The SQL of a question, as psql and DuckDB take it."""
    return (ANALYSES.with_name(domain) / f"{name}.sql").read_text()


def ask(connection: postgres_connection, name: str, domain: str = "academic") -> Answer:
    """Asks Postgres one question."""
    with connection.cursor() as cursor:
        cursor.execute(read_sql(name, domain))
        return Answer([column.name for column in cursor.description or ()], list(cursor.fetchall()))


def ask_all(connection: postgres_connection, domain: str = "academic") -> dict[str, Answer]:
    """Asks Postgres all questions."""
    return {name: ask(connection, name, domain) for name in read_exposures(domain)}


def render_page(answers: dict[str, Answer], domain: str = "academic") -> str:
    """The page: what stands in answers_head.md, then each question with its SQL and its result."""
    parts = [_find_head(domain).read_text()]
    for name, exposure in read_exposures(domain).items():
        parts.append(f"## {exposure['label']}\n\n{exposure['description'].strip()}\n")
        parts.append(_render_table(answers[name]))
        parts.append(f"[{name}.sql](../dbt_project/analyses/{domain}/{name}.sql)\n")
    return "\n".join(parts)


def _render_table(answer: Answer) -> str:
    is_text = [any(isinstance(row[place], str) for row in answer.rows) for place in range(len(answer.columns))]
    lines = [
        "| " + " | ".join(column.replace("percent_", "% ").replace("_", " ") for column in answer.columns) + " |",
        "|" + "|".join("---" if left else "---:" for left in is_text) + "|",
        *("| " + " | ".join("–" if value is None else str(value) for value in row) + " |" for row in answer.rows),
    ]
    return "\n".join(lines) + "\n"

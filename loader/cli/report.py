"""`headwater report`: every answer as a page and a workbook."""

from pathlib import Path

import click

from loader.base.settings import read_settings


@click.command(name="report")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), help="The folder; report/ in the data folder."
)
def make_report(output: Path | None) -> None:
    """Answer the questions of dbt_project/analyses, as one page with charts and as a workbook.

    It reads Postgres: what readers see, in one version. The page needs no network and no other file.
    """
    from loader.base.errors import HeadwaterError
    from loader.publish.answers import answer_questions, read_questions
    from loader.publish.marts import is_pseudonymous
    from loader.publish.news import read_publications
    from loader.publish.postgres import require_marts_server
    from loader.publish.report_page import write_report

    settings = read_settings()
    questions = read_questions(settings.domains)
    if not questions:
        raise HeadwaterError(
            "No enabled domain asks a question. Write one as SQL into dbt_project/analyses/DOMAIN (docs/answers.md)."
        )
    server = require_marts_server()
    published = read_publications(server)
    if not published.keys() & {question.domain for question in questions}:
        raise HeadwaterError("Nothing is published yet. Run `headwater run` first.")
    for domain in dict.fromkeys(question.domain for question in questions):
        if domain not in published:
            click.echo(f"{domain} is not published yet: its questions are left out.", err=True)
    answers = answer_questions(server, [question for question in questions if question.domain in published])
    for path in write_report(answers, output or settings.data / "report", is_pseudonymous=is_pseudonymous(server)):
        click.echo(path)

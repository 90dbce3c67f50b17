"""`headwater init`: asks what a new user must say, and writes it to files that git ignores."""

import sys
from typing import IO

import click

from loader.base.settings import LOCAL_CONFIG, SECRETS


class _Init(click.Command):
    """Has an option for each question of each source, which are imported only if this command is typed."""

    def get_params(self, context: click.Context) -> list[click.Parameter]:
        from loader.cli.interview import name_option, name_parameter
        from loader.sources import load_sources

        options: list[click.Parameter] = []
        for source in load_sources().values():
            for question in source.questions:
                name = f"{source.name}-{question.name}"
                names = [name_option(name, is_secret=question.is_secret), name_parameter(name)]
                if question.is_secret:
                    text = f"{question.text}: a file that holds it; - is standard input."
                    options.append(click.Option(names, type=click.File(), help=text))
                else:
                    options.append(click.Option(names, metavar=question.metavar, help=f"{question.text}."))
        own = super().get_params(context)
        return [*own[:1], *options, *own[1:]]


@click.command(cls=_Init)
@click.option("--domains", metavar="NAMES", help="The domains to load, separated by commas.")
@click.option("--yes", "keeps_the_rest", is_flag=True, help="Ask nothing: keep what no option answers.")
def init(domains: str | None, *, keeps_the_rest: bool, **given: str | IO[str] | None) -> None:
    """Ask for domains, sources and keys, and write them to files that git ignores.

    Answers go to .dlt/local.config.toml, which wins over what ships, and keys to .dlt/secrets.toml. What is set is
    shown, and kept on Enter. Run it again to change an answer.
    """
    from loader.cli.interview import Interview
    from loader.cli.settings_files import find_override, write_settings

    texts = {name: value if isinstance(value, str) else value.read().strip() for name, value in given.items() if value}
    is_asking = sys.stdin.isatty() and not keeps_the_rest
    interview = Interview(texts | ({"domains": domains} if domains else {}), is_asking=is_asking)
    interview.ask_all()
    if interview.missing and not keeps_the_rest:
        raise click.UsageError(
            f"There is no terminal to ask on. Answer {', '.join(interview.missing)}, or keep what is set with --yes."
        )
    if not interview.settings and not interview.secrets:
        click.echo("Nothing is changed.")
        return
    for name, values in ((LOCAL_CONFIG, interview.settings), (SECRETS, interview.secrets)):
        if values:
            click.echo(f"Written: {write_settings(name, values, is_secret=name == SECRETS)}")
        for path in values:
            if override := find_override(name, path):
                click.echo(f"Note: {'.'.join(path)} is also set in {override}, which wins.")
    click.echo("Next: dlt pipeline run --dry-run shows what a run would cost; headwater run does it.")

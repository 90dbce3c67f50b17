"""The `headwater` command."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from loader.base.console import build_console, report_error
from loader.base.disk import describe_failure
from loader.base.errors import HeadwaterError
from loader.base.settings import ROOT, read_settings
from loader.cli.backup import backup, restore
from loader.cli.docs import docs
from loader.cli.export import export
from loader.cli.init import init
from loader.cli.report import make_report
from loader.cli.run_options import RunCommand, name_given
from loader.cli.runs import runs
from loader.cli.schedule import schedule
from loader.publish import embedded, postgres


class _Group(click.Group):
    """A group whose commands end with one line where a user can fix the cause: status 1, or 2 if it was mistyped."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """As click does it, with one line for an option that the group itself does not have."""
        with _report_mistypings():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, context: click.Context) -> object:
        """As click does it, with one line for what goes wrong in a command."""
        try:
            with _report_mistypings():
                return super().invoke(context)
        except (HeadwaterError, OSError) as error:
            sys.exit(report_error(build_console(), describe_failure(error)))


@contextmanager
def _report_mistypings() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        # A group without a command shows its help.
        if isinstance(error, click.exceptions.NoArgsIsHelpError) or not error.ctx:
            raise
        message = error.format_message().rstrip(".?")
        mark = "?" if error.format_message().endswith("?") else "."
        report_error(build_console(), f"{message}{mark} See `{error.ctx.command_path} --help`.")
        sys.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="headwater")
def main() -> None:
    """Public data as tested tables in DuckDB and Postgres.

    `dlt pipeline run` loads, `dbt build` builds and tests; `headwater run` does all of it in order.
    """


main.add_command(backup)
main.add_command(docs)
main.add_command(export)
main.add_command(init)
main.add_command(make_report)
main.add_command(restore)
main.add_command(runs)
main.add_command(schedule)


@main.command(cls=RunCommand)
@click.option("--domain", "domains", multiple=True, metavar="NAME", help="Only this domain; may be given repeatedly.")
@click.option("--force", is_flag=True, help="Build and publish also where nothing is new.")
@click.option("--shrink-history", is_flag=True, help="Let a shorter history replace the one in Postgres.")
@click.option("--full-refresh", is_flag=True, help="Request everything again, changed or not.")
@click.option("--dry-run", is_flag=True, help="Print what a run would request and what it costs; load nothing.")
@click.option("--quiet", is_flag=True, help="Print nothing but what failed.")
@click.option("--retries", type=click.IntRange(min=0), default=0, help="Try again what failed and may pass, so often.")
@click.option(
    "--retry-wait",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Wait so long before the first retry, then twice as long each time, an hour at most.",
)
def run(
    domains: tuple[str, ...],
    force: bool,
    shrink_history: bool,
    full_refresh: bool,
    dry_run: bool,
    quiet: bool,
    retries: int,
    retry_wait: float,
    **given: tuple[str, ...],
) -> None:
    """Load every enabled domain; build and publish those with news.

    A source or a test that fails holds back its own domain; the others are published, and the exit status is not zero.
    Options of sources, such as --author, narrow the load; sources that do not take them are left out.
    """
    from loader.base.interrupts import exit_process
    from loader.runs.alerts import send_alerts
    from loader.runs.full_run import Retries, check_domains, run_all
    from loader.runs.load_report import estimate_and_report
    from loader.runs.report import print_failures, print_report
    from loader.sources.contract import RunOptions

    console = build_console()
    settings = read_settings()
    options = RunOptions(full_refresh, name_given(given))
    if dry_run:
        sys.exit(estimate_and_report(None, options, check_domains(settings, domains)))
    report = run_all(
        settings,
        build_console(is_quiet=quiet),
        domains=domains,
        is_forced=force,
        may_shrink_history=shrink_history,
        options=options,
        retries=Retries(retries, retry_wait),
    )
    (print_failures if quiet else print_report)(report, console)
    send_alerts(settings, report, console)
    exit_process(report.exit_status)


@main.command()
@click.option("--domain", metavar="NAME", default="academic", show_default=True, help="The domain to show.")
@click.option("--day", type=click.IntRange(min=1), default=1, show_default=True, help="Day of the sample world.")
def demo(domain: str, day: int) -> None:
    """Run everything of a domain on samples: no key, no network, a warehouse of its own in data/demo."""
    from loader.base.interrupts import exit_process
    from loader.runs.full_run import run_all
    from loader.runs.report import print_report
    from loader.samples.demo import find_demo, prepare_environment, print_answers, print_next_steps

    console = build_console()
    shown = find_demo(domain, day)
    data = read_settings().data
    data = data if data.name == shown.folder else data / shown.folder
    data.mkdir(parents=True, exist_ok=True)
    with shown.serve(day, data) as served:
        prepare_environment(shown, served, data)
        report = run_all(read_settings(), console)
    print_report(report, console)
    if report.exit_status:
        exit_process(report.exit_status)
    server = postgres.ensure_server()
    print_answers(shown, server, console)
    print_next_steps(shown, server, data, day, console)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(as_json: bool) -> None:
    """Last load per source, rows per mart, rejected records, and whether DuckDB and Postgres hold the same.

    The exit status is 1 after a failed run, if Postgres does not answer, and if the two hold different marts.
    """
    from loader.cli.status import print_status, read_status

    found = read_status(read_settings())
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2))
    else:
        print_status(found, build_console())
        _report_ignored()
    sys.exit(0 if found.is_well else 1)


@main.command(name="new-source")
@click.argument("name")
@click.argument("resource")
@click.option("--domain", metavar="NAME", help="A new domain, or one that exists; the enabled one, if there is one.")
def new_source(name: str, resource: str, domain: str | None) -> None:
    """Write the skeleton of a source: a module, a stand-in, staging and a test that passes.

    NAME is the source's, RESOURCE its first list, in the plural. docs/adding-a-source.md shows what they grow into.
    """
    from loader.cli.new_source import list_next_steps, write_skeleton

    enabled = read_settings().domains
    if domain is None:
        if len(enabled) > 1:
            raise HeadwaterError(f"Name the domain: --domain NAME. Enabled are: {', '.join(enabled)}.")
        (domain,) = enabled
    for path in write_skeleton(ROOT, name, resource, domain):
        click.echo(path)
    click.echo("\nNext:")
    for number, step in enumerate(list_next_steps(name, domain, enabled), start=1):
        click.echo(f"{number}. {step}")


@main.group(name="postgres")
def postgres_group() -> None:
    """Start, stop or find the embedded Postgres server (PGHOST names another server instead)."""


@postgres_group.command(name="start")
def start_postgres() -> None:
    """Start the embedded server; it runs until it is stopped."""
    settings = read_settings()
    _require_embedded()
    was_started = embedded.start(settings)
    click.echo(
        "The embedded Postgres server runs." if was_started else "The embedded Postgres server is running already."
    )
    click.echo(postgres.find_server(settings).url)


@postgres_group.command(name="stop")
def stop_postgres() -> None:
    """Stop the embedded server; its data is kept."""
    settings = read_settings()
    _require_embedded()
    stopped = embedded.stop(settings)
    click.echo(
        "The embedded Postgres server is stopped." if stopped else "The embedded Postgres server was not running."
    )


@postgres_group.command(name="url")
@click.option("--reader", is_flag=True, help="As the role headwater_reader, which reads the marts and nothing else.")
def show_postgres_url(reader: bool) -> None:
    """Print where Postgres is, for psql and other clients."""
    settings = read_settings()
    server = postgres.find_server(settings)
    _report_ignored()
    click.echo(server.as_reader().url if reader else server.url)
    if server.is_embedded and not embedded.is_running(settings):
        click.echo("Not running; start it with: headwater postgres start", err=True)


@postgres_group.command(name="grant")
@click.argument("role", metavar="NAME")
def grant_role(role: str) -> None:
    """Let the role NAME read the marts and nothing else, also those of later publications.

    The role is created if it is missing. Its password is set in psql.
    """
    from loader.publish.readers import grant_marts

    was_created = grant_marts(postgres.require_marts_server(), role)
    made = "was created and " if was_created else ""
    click.echo(f"The role {role} {made}reads the marts. Set its password in psql: \\password {role}")


def _require_embedded() -> None:
    _report_ignored()
    if not postgres.find_server(read_settings()).is_embedded:
        raise HeadwaterError("PGHOST names a server that Headwater neither starts nor stops.")


def _report_ignored() -> None:
    if ignored := postgres.describe_ignored():
        click.echo(ignored, err=True)

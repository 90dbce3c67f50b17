"""dlt's plug-in: adds `run`, `rejects` and `replay` to `dlt pipeline [source]`, and the user's own settings."""

import argparse
import sys
from functools import partial
from typing import Any, NoReturn

from dlt.common.configuration import plugins

from loader.base.console import build_console, report_error
from loader.base.dlt_context import plug_run_context

__all__ = ["plug_cli_rejects", "plug_cli_replay", "plug_cli_run", "plug_run_context"]  # what dlt calls


class _OneLineParser(argparse.ArgumentParser):
    """Says in one line what it does not take; argparse prints the usage of all of dlt."""

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        """As argparse does it; arguments that are left over are an error here, not in dlt's own parser."""
        found, unknown = super().parse_known_args(*args, **kwargs)
        if unknown:
            self.error(f"no such argument: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Prints the message and ends with argparse's status."""
        command = self.prog.rpartition(" ")[2]
        report_error(build_console(), f"{message[:1].upper()}{message[1:]}. See `dlt pipeline {command} --help`.")
        sys.exit(2)


class _PipelineCommand(plugins.SupportsCliCommand):
    parent: str | None = "pipeline"
    compose: plugins.TCliCommandCompose = "replace"
    docs_url: str | None = None

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """No option of its own: a source's settings are dlt's configuration (`sources.<source>.*`)."""
        parser.__class__ = _OneLineParser  # dlt makes the parser


class RunPipeline(_PipelineCommand):
    """Loads one source, or every configured one, into the warehouse."""

    command = "run"
    help_string = "Loads sources into the warehouse"
    description: str | None = (
        "Loads what is new and what has changed, and prints what became of every record."
        " `dlt pipeline run` loads every configured source, `dlt pipeline SOURCE run` one."
        " The exit status is not zero when anything failed."
    )

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """The options of every run, and those by which sources can be narrowed."""
        super().configure_parser(parser)
        parser.add_argument("--full-refresh", action="store_true", help="Request everything again, changed or not")
        parser.add_argument(
            "--dry-run", action="store_true", help="Print what a run would request and what it costs; load nothing"
        )
        if self.command not in sys.argv:
            return  # importing the sources takes half a second: dlt's other commands need not wait for it
        from loader.sources import list_options

        for option in list_options():
            if not option.metavar:
                parser.add_argument(
                    f"--{option.name}", action="store_const", const=["yes"], default=[], help=option.help
                )
                continue
            parser.add_argument(
                f"--{option.name}",
                metavar=option.metavar,
                action="append",
                default=[],
                help=f"{option.help}; may be given repeatedly",
            )

    def execute(self, args: argparse.Namespace) -> None:
        """Runs the load and exits with its status."""
        from loader.base.interrupts import exit_process
        from loader.base.run_records import LOAD
        from loader.runs.load_report import estimate_and_report, run_and_report
        from loader.runs.runner import load_source
        from loader.sources import list_options, select_sources
        from loader.sources.contract import FOLLOW, RunOptions

        given = {option.name: tuple(getattr(args, option.name)) for option in list_options()}
        options = RunOptions(args.full_refresh, {name: values for name, values in given.items() if values})
        if args.dry_run:
            sys.exit(estimate_and_report(args.pipeline_name, options))
        if options.list(FOLLOW):
            from loader.runs.follow import follow_and_report

            exit_process(follow_and_report(args.pipeline_name, options))
        select, load = partial(select_sources, options=options), partial(load_source, options=options)
        exit_process(run_and_report(LOAD, args.pipeline_name, select, load))


class ShowRejects(_PipelineCommand):
    """Lists the records that failed their model."""

    command = "rejects"
    help_string = "Lists rejected records by reason"
    description: str | None = (
        "Lists the records that failed their model, by reason and with an example, or shows one whole."
        " A rejected record stays in raw_SOURCE.rejected_records until it is replayed or a version that passes comes."
    )

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """The one option names a record."""
        super().configure_parser(parser)
        parser.add_argument(
            "--show",
            metavar="KEY",
            help="Show the rejected record with this id, this last part of an id (W2741809807) or this start of a hash",
        )

    def execute(self, args: argparse.Namespace) -> None:
        """Prints, and exits with the status."""
        from loader.cli.rejects import show_rejects

        sys.exit(show_rejects(args.pipeline_name, args.show))


class ReplayRejects(_PipelineCommand):
    """Loads the rejected records that pass their model now."""

    command = "replay"
    help_string = "Validates rejected records again and loads those that pass"
    description: str | None = (
        "After you fix a model: validates the rejected records again and loads what now passes, exactly once."
        " A version that is older than what raw holds is not loaded. raw_SOURCE.replays keeps what was done and when."
    )

    def execute(self, args: argparse.Namespace) -> None:
        """Replays, and exits with the status."""
        from loader.base.interrupts import exit_process
        from loader.base.run_records import REPLAY
        from loader.cli.rejects import replay_rejects
        from loader.runs.load_report import run_and_report
        from loader.sources import find_sources

        exit_process(run_and_report(REPLAY, args.pipeline_name, find_sources, replay_rejects))


@plugins.hookimpl(specname="plug_cli")
@plugins.only_host("dlt")
def plug_cli_run(host: str) -> type[RunPipeline]:
    """Dlt asks every plug-in for the commands that it adds, one for each such function."""
    _help_with_a_source()
    return RunPipeline


def _help_with_a_source() -> None:
    """Lets `dlt pipeline SOURCE --help` show the help of its run: dlt would take SOURCE for an operation."""
    match sys.argv[1:]:
        case ["pipeline", name, "-h" | "--help"] if not name.startswith("-"):
            from loader.sources import load_sources

            if name in load_sources():
                sys.argv[3:] = [RunPipeline.command, "--help"]


@plugins.hookimpl(specname="plug_cli")
@plugins.only_host("dlt")
def plug_cli_rejects(host: str) -> type[ShowRejects]:
    """See plug_cli_run."""
    return ShowRejects


@plugins.hookimpl(specname="plug_cli")
@plugins.only_host("dlt")
def plug_cli_replay(host: str) -> type[ReplayRejects]:
    """See plug_cli_run."""
    return ReplayRejects

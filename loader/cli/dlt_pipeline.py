"""Adds `run`, `rejects` and `replay` to `dlt pipeline [source]`."""

import argparse
import sys
from functools import partial

from dlt.common.configuration import plugins


class _PipelineCommand(plugins.SupportsCliCommand):
    parent: str | None = "pipeline"
    compose: plugins.TCliCommandCompose = "replace"
    docs_url: str | None = None

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """There is nothing to set: a source's settings are dlt's configuration (`sources.<source>.*`)."""


class RunPipeline(_PipelineCommand):
    """Loads one source, or every configured one, into the warehouse."""

    command = "run"
    help_string = "Loads sources into the warehouse"
    description: str | None = (
        "Loads what is new and what has changed, and ends with a table of what became of every record."
        " `dlt pipeline run` loads every configured source, `dlt pipeline openalex run` one."
        " The exit status is not zero when anything failed."
    )

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """What to ask for, where that is not everything that may have changed."""
        parser.add_argument(
            "--author",
            metavar="ID",
            action="append",
            default=[],
            help="Bring only the works of this author of the roster up to date (A5023888391); may be given repeatedly",
        )
        parser.add_argument("--full-refresh", action="store_true", help="Ask for everything again, changed or not")
        parser.add_argument(
            "--dry-run", action="store_true", help="Tell what would be asked for and what it costs; ask for nothing"
        )

    def execute(self, args: argparse.Namespace) -> None:
        """Runs the load and leaves with its exit status."""
        from loader.base.interrupts import leave
        from loader.runs.runner import estimate_and_report, load_source, run_and_report, select_sources
        from loader.sources.contract import LoadOptions

        options = LoadOptions(tuple(args.author), args.full_refresh)
        if args.dry_run:
            sys.exit(estimate_and_report(args.pipeline_name, options))
        select, load = partial(select_sources, options=options), partial(load_source, options=options)
        leave(run_and_report(args.pipeline_name, select, load))


class ShowRejects(_PipelineCommand):
    """Lists the records that failed their model."""

    command = "rejects"
    help_string = "Lists rejected records by reason"
    description: str | None = (
        "Lists the records that failed their model, by reason and with an example, or shows one whole."
        " A rejected record waits in raw_SOURCE.rejected_records until it is replayed or a version that passes comes."
    )

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """The one option names a record."""
        parser.add_argument(
            "--show",
            metavar="KEY",
            help="Show the rejected record with this id, this last part of an id (W2741809807) or this start of a hash",
        )

    def execute(self, args: argparse.Namespace) -> None:
        """Prints, and leaves with the exit status."""
        from loader.cli.rejects import show_rejects

        sys.exit(show_rejects(args.pipeline_name, args.show))


class ReplayRejects(_PipelineCommand):
    """Loads the rejected records that pass their model now."""

    command = "replay"
    help_string = "Validates rejected records again and loads those that pass"
    description: str | None = (
        "Validates the rejected records anew, once a model is mended, and loads those that pass now, each exactly once."
        " A version that is older than what raw holds is not loaded. raw_SOURCE.replays keeps what was done and when."
    )

    def execute(self, args: argparse.Namespace) -> None:
        """Replays, and leaves with the exit status."""
        from loader.base.interrupts import leave
        from loader.cli.rejects import replay_rejects
        from loader.runs.runner import find_sources, run_and_report

        leave(run_and_report(args.pipeline_name, find_sources, replay_rejects))


@plugins.hookimpl(specname="plug_cli")
@plugins.only_host("dlt")
def plug_cli_run(host: str) -> type[RunPipeline]:
    """Dlt asks every plug-in for the commands that it adds, one for each such function."""
    return RunPipeline


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

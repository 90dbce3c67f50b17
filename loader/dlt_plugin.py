"""Adds `dlt pipeline run` and `dlt pipeline <source> run` to dlt's own command line."""

import argparse
import sys

from dlt.common.configuration import plugins


class RunPipeline(plugins.SupportsCliCommand):
    """Loads one source, or every configured one, into the warehouse."""

    parent: str | None = "pipeline"
    command = "run"
    compose: plugins.TCliCommandCompose = "replace"
    help_string = "Loads sources into the warehouse"
    description: str | None = (
        "Loads what is new and what has changed, and ends with a table of what became of every record."
        " `dlt pipeline run` loads every configured source, `dlt pipeline openalex run` one."
        " The exit status is not zero when anything failed."
    )
    docs_url: str | None = None

    def configure_parser(self, parser: argparse.ArgumentParser) -> None:
        """There is nothing to set here: a source's settings are dlt's configuration (`sources.<source>.*`)."""

    def execute(self, args: argparse.Namespace) -> None:
        """Runs the load and leaves with its exit status."""
        from loader.loads import load_and_report

        sys.exit(load_and_report(args.pipeline_name))


@plugins.hookimpl(specname="plug_cli")
@plugins.only_host("dlt")
def plug_cli_run(host: str) -> type[RunPipeline]:
    """Dlt asks every plug-in for the commands that it adds."""
    return RunPipeline

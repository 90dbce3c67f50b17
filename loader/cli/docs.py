"""`headwater docs`: every table and column as one page, or the lineage of one as a picture."""

from pathlib import Path

import click

from loader.base.console import build_console
from loader.base.settings import read_settings


@click.command()
@click.option("--lineage", metavar="MODEL", help="Instead, a picture (SVG) of everything that this model reads.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the picture goes; docs/ in the data folder.",
)
def docs(lineage: str | None, output: Path | None) -> None:
    """Build the dbt docs site as one page: every table and column, with lineage."""
    from loader.publish.dbt import build_docs, read_manifest
    from loader.publish.lineage import draw_lineage

    settings = read_settings()
    if lineage is None:
        if output:
            raise click.UsageError("--output goes with --lineage.")
        click.echo(build_docs(settings, build_console()))
        return
    picture = draw_lineage(read_manifest(settings, build_console()), lineage)
    path = output or settings.data / "docs" / f"lineage_{lineage}.svg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(picture, encoding="utf-8")
    click.echo(path)

"""`headwater export`: the marts as files."""

from pathlib import Path

import click

from loader.base.settings import read_settings
from loader.publish.export import DICTIONARY, FORMATS, export_marts
from loader.publish.postgres import require_marts_server


@click.command()
@click.option("--mart", "marts", multiple=True, metavar="NAME", help="Only this mart; may be given repeatedly.")
@click.option("--format", "kind", type=click.Choice(FORMATS), default="parquet", show_default=True)
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), help="The folder; exports/ in the data folder."
)
@click.option("--partition-by", metavar="COLUMN", help="A folder for each value of this column (parquet, csv).")
def export(marts: tuple[str, ...], kind: str, output: Path | None, partition_by: str | None) -> None:
    """Write the published marts as files, with a data dictionary beside them.

    It reads Postgres: what readers see, in one version. An export that is interrupted leaves earlier files whole. In
    CSV files null is empty, an empty text is "", and times are UTC.
    """
    folder = output or read_settings().data / "exports"
    for written in export_marts(require_marts_server(), marts, kind, folder, partition_by):
        click.echo(f"{written.path}  {written.rows:,} {'row' if written.rows == 1 else 'rows'}")
    click.echo(folder / DICTIONARY)

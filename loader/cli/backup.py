"""`headwater backup` and `headwater restore`."""

from pathlib import Path

import click
from rich.markup import escape

from loader.base.console import build_console
from loader.base.settings import LOCAL_CONFIG, read_settings


@click.command()
@click.argument("path", required=False, type=click.Path(path_type=Path, dir_okay=False))
def backup(path: Path | None) -> None:
    """Write the warehouse with its history and state, the configuration and the marts of Postgres to one file.

    PATH is a .tar.gz that does not exist yet; by default one with the date in backups/ in the data folder. Readers read
    on; a load or a build that runs is waited for. The file is checked before it gets its name. It holds names but no
    secrets: keep .dlt/secrets.toml elsewhere.
    """
    from loader.runs.backup import name_backup, write_backup
    from loader.sources import list_files

    settings, console = read_settings(), build_console()
    target = (path or name_backup(settings)).absolute()
    manifest = write_backup(settings, target, list_files(settings.domains), console)
    size = f"{target.stat().st_size / 1e6:,.1f} MB"
    console.print(f"Wrote {escape(str(target))} ({size}): {manifest.describe()}.", soft_wrap=True)


@click.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the warehouse and the marts that are there.")
def restore(path: Path, force: bool) -> None:
    """Restore a backup: the warehouse with its history and state, and the marts in Postgres.

    All of PATH is checked before anything is replaced, and everything stays as it was if Postgres refuses. PGHOST and
    the like name another Postgres to restore into. The configuration is put beside the state, not in force. If a
    restore is killed, give it again with --force.
    """
    from loader.runs.archive import CONFIGURATION
    from loader.runs.backup import restore_backup

    settings, console = read_settings(), build_console()
    manifest, notes = restore_backup(settings, path.absolute(), console, is_forced=force)
    for note in notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}", soft_wrap=True)
    restored = escape(str(settings.warehouse))
    console.print(f"Restored {restored} as of {manifest.created_at}: {manifest.describe()}.", soft_wrap=True)
    configuration = settings.state / CONFIGURATION
    use = f" To use it: cp {configuration / LOCAL_CONFIG} .dlt/" if (configuration / LOCAL_CONFIG).exists() else ""
    console.print(f"Its configuration is in {escape(str(configuration) + '.' + use)}", soft_wrap=True)

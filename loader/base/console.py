"""How the commands print: for a person, on a terminal or into a log."""

import sys

from rich.console import Console
from rich.markup import escape

_WIDTH_IN_A_LOG = 120


def build_console(*, is_quiet: bool = False) -> Console:
    """Standard output as rich writes it; wide enough for the tables if it is not a terminal.

    A quiet one writes nothing.
    """
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_IN_A_LOG, quiet=is_quiet)


def report_error(console: Console, error: Exception | str) -> int:
    """Prints an error as one line, and returns its exit status."""
    console.print(f"[red]Error:[/red] {escape(str(error))}", soft_wrap=True)
    return 1

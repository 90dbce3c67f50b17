"""How the commands print: for a person, on a terminal or into a log."""

import sys

from rich.console import Console
from rich.markup import escape

_WIDTH_IN_A_LOG = 120


def build_console() -> Console:
    """Standard output as rich writes it; wide enough for the tables where it is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_IN_A_LOG)


def report_error(console: Console, error: Exception | str) -> int:
    """Prints an error as the one line that it is, and returns the exit status for it."""
    console.print(f"[red]Error:[/red] {escape(str(error))}", soft_wrap=True)
    return 1

"""A command at a pseudo-terminal: what a person would read and type there."""

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

_PROMPT_END = "]: "


def converse(command: Sequence[str], typed: Sequence[str], environment: Mapping[str, str], folder: Path) -> str:
    """Types one line at each prompt that ends with `]: `; returns all that the terminal showed. It must succeed."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        list(command), cwd=folder, env=dict(environment), stdin=terminal, stdout=terminal, stderr=terminal
    )
    os.close(terminal)
    shown, lines, answered = "", list(typed), 0
    while chunk := _read(controller):
        shown += chunk
        if shown[answered:].endswith(_PROMPT_END):
            answered = len(shown)
            assert lines, f"more questions than answers: {shown}"
            os.write(controller, f"{lines.pop(0)}\n".encode())
    os.close(controller)
    assert process.wait() == 0, shown
    assert not lines, f"more answers than questions: {shown}"
    return shown


def _read(controller: int) -> str:
    try:
        return os.read(controller, 4096).decode()
    except OSError:  # the terminal is gone with its last process
        return ""

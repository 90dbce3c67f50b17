"""SIGTERM ends a command as Ctrl-C does: with a line that says how to go on, and nothing half done."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from dlt.common.exceptions import SignalReceivedException


@contextmanager
def stop_on_sigterm() -> Iterator[None]:
    """While the block runs, SIGTERM raises KeyboardInterrupt in it (dlt's own kind, which knows its signal)."""
    previous = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _raise(number: int, _: FrameType | None) -> None:
    raise SignalReceivedException(number)


def find_exit_status(interrupt: KeyboardInterrupt) -> int:
    """What a shell gives for a program that this signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
    number = interrupt.signal_code if isinstance(interrupt, SignalReceivedException) else signal.SIGINT
    return 128 + int(number)

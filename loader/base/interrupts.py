"""Ctrl-C and SIGTERM end a command within seconds, with a line that says how to continue, and nothing half done."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from dlt.common.exceptions import SignalReceivedException
from dlt.common.runtime import signals

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHELLS_STATUS = 128


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """While the block runs, either signal raises KeyboardInterrupt in it (dlt's kind, which knows its signal).

    An exception can be lost where no code of ours runs, such as in a destructor. So dlt gets the signal as
    well, and checks for it between its steps; so does the end of the block.
    """
    previous = {number: signal.signal(number, _stop) for number in _SIGNALS}
    try:
        yield
        signals.raise_if_signalled()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signals.set_received_signal(0)


def _stop(number: int, _: FrameType | None) -> None:
    signals.set_received_signal(number)
    raise SignalReceivedException(number)


@contextmanager
def postpone_signals() -> Iterator[None]:
    """A signal that comes while the block runs acts after it: whatever the block starts is known then."""
    received: list[int] = []
    previous = {number: signal.signal(number, lambda number, _: received.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if received:
        signal.raise_signal(received[0])


def find_exit_status(interrupt: KeyboardInterrupt) -> int:
    """What a shell gives for a program that this signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
    number = interrupt.signal_code if isinstance(interrupt, SignalReceivedException) else signal.SIGINT
    return _SHELLS_STATUS + int(number)


def is_from_keyboard(status: int) -> bool:
    """Whether this is the exit status after Ctrl-C."""
    return status == _SHELLS_STATUS + signal.SIGINT


def exit_process(status: int) -> NoReturn:
    """Ends the command with that exit status; after a signal at once, without waiting for its threads.

    An exception between two steps of Python's can leave a lock taken: Python would wait without end for dlt's threads
    that want it.
    """
    if status - _SHELLS_STATUS in _SIGNALS:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)

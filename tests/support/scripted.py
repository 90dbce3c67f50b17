"""A real HTTP server on the loopback address that gives the answers of a test."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Self

import orjson

from loader.samples.faults import Answer, Fault, Request
from loader.samples.listener import Listener


class ScriptedServer:
    """Gives one answer to every request but those that a fault is ordered for, one each.

    `requests` holds every request, `arrivals` when each came, by the monotonic clock.
    """

    def __init__(self, answer: Callable[[Request], Answer], *faults: Fault) -> None:
        self.requests: list[Request] = []
        self.arrivals: list[float] = []
        self._answer = answer
        self._faults = list(faults)
        self._lock = Lock()
        self._listener = Listener(self._respond)
        self.url = self._listener.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.stop()

    def _respond(self, request: Request) -> Answer:
        with self._lock:
            self.requests.append(request)
            self.arrivals.append(time.monotonic())
            fault = self._faults.pop(0) if self._faults else None
        answer = self._answer(request)
        return fault(request, answer) if fault else answer


def give(body: object, status: int = 200, **headers: str) -> Callable[[Request], Answer]:
    """The same JSON answer to every request."""
    return lambda _: Answer(
        status, orjson.dumps(body), {name.replace("_", "-"): text for name, text in headers.items()}
    )

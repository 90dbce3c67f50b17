"""What every stand-in server has: an address, the requests that came, and faults that a test orders."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from http import HTTPStatus
from threading import Lock
from types import TracebackType
from typing import Any, Self

import orjson

from loader.samples.faults import Answer, Fault, Request
from loader.samples.listener import Listener


class StandInServer(ABC):
    """A real HTTP server on a free port of 127.0.0.1 until it is stopped; a context manager.

    A stand-in for an API is this class with `answer`. It sets its own fields before it calls `__init__` of this class,
    which begins to listen. `requests` holds every request in order of arrival, `arrivals` when each came, by the
    monotonic clock.
    """

    def __init__(self) -> None:
        """Start to listen."""
        self.requests: list[Request] = []
        self.arrivals: list[float] = []
        self._lock = Lock()
        self._faults: list[tuple[str, Fault]] = []
        self._listener = Listener(self._respond)
        self.url = self._listener.url

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """Give the true answer to a request; called in a thread for each connection."""

    def __enter__(self) -> Self:
        """Return the running server."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def stop(self) -> None:
        """Stop listening, close every connection and end every delayed answer; harmless when repeated."""
        self._listener.stop()

    def fail_next(self, *faults: Fault, path: str = "/") -> None:
        """Give the next answers to paths that begin with `path` these faults, one each, in this order."""
        with self._lock:
            self._faults.extend((path, fault) for fault in faults)

    def _respond(self, request: Request) -> Answer:
        fault = self._record(request)
        answer = self.answer(request)
        return fault(request, answer) if fault else answer

    def _record(self, request: Request) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            self.arrivals.append(time.monotonic())
            for entry in self._faults:
                if request.path.startswith(entry[0]):
                    self._faults.remove(entry)
                    return entry[1]
        return None


def answer_json(body: Any, status: int = HTTPStatus.OK, **headers: str) -> Answer:
    """Answer with a body as JSON; `Retry_After="1"` is a header."""
    return Answer(status, orjson.dumps(body), {name.replace("_", "-"): text for name, text in headers.items()})

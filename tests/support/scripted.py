"""A real HTTP server on the loopback address that gives the answers of a test."""

from collections.abc import Callable

from loader.samples.faults import Answer, Fault, Request
from loader.samples.server import StandInServer, answer_json


class ScriptedServer(StandInServer):
    """Gives one answer to every request but those that a fault is ordered for, one each."""

    def __init__(self, answer: Callable[[Request], Answer], *faults: Fault) -> None:
        self._script = answer
        super().__init__()
        self.fail_next(*faults)

    def answer(self, request: Request) -> Answer:
        return self._script(request)


def give(body: object, status: int = 200, **headers: str) -> Callable[[Request], Answer]:
    """The same JSON answer to every request."""
    return lambda _: answer_json(body, status, **headers)

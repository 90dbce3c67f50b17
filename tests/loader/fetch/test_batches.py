"""Many ids are looked up in few requests, and what cannot be answered costs no other answer."""

from collections.abc import Callable, Sequence

import pytest

from loader.base.errors import HeadwaterError, StopLoadingError
from loader.fetch.batches import AnswerTooLargeError, look_up, split
from loader.fetch.failures import Failures
from loader.fetch.refusals import UnavailableError

IDS = [f"{number:03}" for number in range(100)]


class Server:
    """Knows every id but those that end in 9; an answer has room for so much, and `fail` may raise first."""

    def __init__(
        self, most: int = 100, large: Sequence[str] = (), fail: Callable[[Sequence[str]], None] = lambda _: None
    ) -> None:
        self.batches: list[Sequence[str]] = []
        self._most = most
        self._large = set(large)
        self._fail = fail

    def ask(self, ids: Sequence[str]) -> list[bytes | None]:
        self.batches.append(ids)
        self._fail(ids)
        if len(ids) > self._most or self._large & set(ids):
            raise AnswerTooLargeError("too large")
        return [None if each.endswith("9") else each.encode() for each in ids]

    @property
    def lengths(self) -> list[int]:
        return [len(batch) for batch in self.batches]


def read(server: Server, failures: Failures) -> dict[str, bytes | None]:
    """The records by id."""
    answers = look_up(IDS, server.ask, most_ids=40, failures=failures)
    return {each: record for answer in answers for each, record in zip(answer.ids, answer.records, strict=True)}


def fail_from(start: str, error: HeadwaterError) -> Callable[[Sequence[str]], None]:
    def fail(ids: Sequence[str]) -> None:
        if ids[0] >= start:
            raise error

    return fail


EXPECTED = {each: None if each.endswith("9") else each.encode() for each in IDS}


@pytest.mark.parametrize(
    ("count", "parts"), [(0, []), (1, [[0]]), (2, [[0, 1]]), (3, [[0, 1], [2]]), (4, [[0, 1], [2, 3]])]
)
def test_a_list_is_split_in_order(count: int, parts: list[list[int]]) -> None:
    assert [list(part) for part in split(range(count), 2)] == parts


def test_every_id_is_requested_once_and_answered_by_its_position() -> None:
    server, failures = Server(), Failures(2)
    assert read(server, failures) == EXPECTED
    assert server.lengths == [40, 40, 20]
    assert failures.last_error is None


def test_what_was_too_large_once_is_not_tried_again() -> None:
    server, failures = Server(most=15), Failures(2)
    assert read(server, failures) == EXPECTED
    assert server.lengths == [40, 20, *[10] * 10]
    assert failures.errors == []


def test_an_id_too_large_by_itself_fails_alone_and_batches_grow_again() -> None:
    server, failures = Server(large=["013"]), Failures(2)
    assert read(server, failures).keys() == EXPECTED.keys() - {"013"}
    assert len(failures.errors) == 1
    assert max(server.lengths[-3:]) > 20


def test_ids_that_are_all_too_large_cost_two_requests_each_at_most() -> None:
    server, failures = Server(most=0), Failures(2, counted=UnavailableError)
    assert read(server, failures) == {}
    assert len(failures.errors) == len(IDS)
    assert len(server.batches) <= 2 * len(IDS) + 10


def test_a_server_that_does_not_answer_is_not_sent_every_batch() -> None:
    server = Server(fail=fail_from("000", UnavailableError("down")))
    failures = Failures(2, counted=UnavailableError)
    assert read(server, failures) == {}
    assert (len(server.batches), failures.has_too_many, str(failures.last_error)) == (2, True, "down")


def test_failures_that_are_not_counted_end_nothing() -> None:
    server = Server(fail=fail_from("000", HeadwaterError("refused")))
    failures = Failures(2, counted=UnavailableError)
    assert read(server, failures) == {}
    assert (len(server.batches), failures.has_ended) == (3, False)


def test_nothing_is_requested_after_the_source_said_that_it_answers_no_more() -> None:
    server, failures = Server(fail=fail_from("040", StopLoadingError("no key"))), Failures(2)
    assert read(server, failures).keys() == set(IDS[:40])
    assert (len(server.batches), failures.has_too_many, str(failures.last_error)) == (2, False, "no key")


def test_only_failures_in_a_row_are_too_many() -> None:
    failures = Failures(2)
    for errors in ([HeadwaterError("1")], [], [HeadwaterError("2")]):
        with failures.catch():
            for error in errors:
                raise error
    assert (len(failures.errors), failures.has_ended) == (2, False)
    with failures.catch():
        raise HeadwaterError("3")
    assert (failures.has_too_many, failures.has_ended) == (True, True)


def test_a_mistake_in_the_code_is_no_failure_of_a_request() -> None:
    with pytest.raises(ZeroDivisionError), Failures(2).catch():
        raise ZeroDivisionError

"""Many values in as few requests as a server allows: lists in parts, and ids looked up in batches."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from loader.base.errors import HeadwaterError
from loader.fetch.failures import Failures

T = TypeVar("T")


class AnswerTooLargeError(HeadwaterError):
    """The answer to a batch would be larger than the server sends."""


@dataclass(frozen=True)
class BatchAnswer:
    """The answer to a batch: the record of each id, at its position; None if there is none. `asked_at` is in UTC."""

    ids: Sequence[str]
    records: Sequence[bytes | None]
    asked_at: datetime


def split(values: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """The values in order, at most so many at a time."""
    return (values[start : start + most] for start in range(0, len(values), most))


def look_up(
    ids: Sequence[str], ask: Callable[[Sequence[str]], Sequence[bytes | None]], *, most_ids: int, failures: Failures
) -> Iterator[BatchAnswer]:
    """The answers to ids, at most `most_ids` in a batch; those that were not answered are left out.

    `ask` requests one batch. If it raises AnswerTooLargeError, this batch and those after it are made smaller; an id
    whose answer is too large by itself fails alone. `failures` notes what else it raises, and ends the requests.
    """
    start, length, most = 0, most_ids, most_ids
    while start < len(ids) and not failures.has_ended:
        batch = ids[start : start + length]
        asked_at = datetime.now(UTC)
        with failures.catch():
            try:
                yield BatchAnswer(batch, ask(batch), asked_at)
            except AnswerTooLargeError:
                if len(batch) > 1:
                    length = most = len(batch) // 2
                    continue
                # This says nothing about how many other ids fit into an answer: batches grow again.
                most = most_ids
                raise
        start += len(batch)
        length = min(2 * length, most)

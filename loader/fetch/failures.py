"""Many requests for one thing each: one that fails does not hold up the others, several in a row end them."""

from collections.abc import Iterator
from contextlib import contextmanager

from loader.base.errors import HeadwaterError, StopLoadingError


class Failures:
    """What failed in a run, and whether to send further requests.

    `errors` has the errors of the requests that failed, in order. `stopped_by` is set if the source answers nothing
    more in this run. Errors that are not `counted` do not count towards `most_in_a_row`: the server does answer.
    """

    def __init__(self, most_in_a_row: int, counted: type[HeadwaterError] = HeadwaterError) -> None:
        self.errors: list[HeadwaterError] = []
        self.stopped_by: StopLoadingError | None = None
        self._most_in_a_row = most_in_a_row
        self._counted = counted
        self._in_a_row = 0

    @contextmanager
    def catch(self) -> Iterator[None]:
        """Around one request: notes the HeadwaterError that it raises, and goes on after it."""
        try:
            yield
        except StopLoadingError as error:
            self.stopped_by = error
        except HeadwaterError as error:
            self.errors.append(error)
            self._in_a_row = self._in_a_row + 1 if isinstance(error, self._counted) else 0
        else:
            self._in_a_row = 0

    @property
    def last_error(self) -> HeadwaterError | None:
        """The error of the request that failed last, if any did."""
        return self.stopped_by or (self.errors[-1] if self.errors else None)

    @property
    def has_too_many(self) -> bool:
        """Whether `most_in_a_row` requests failed one after another."""
        return self._in_a_row >= self._most_in_a_row

    @property
    def has_ended(self) -> bool:
        """Whether to send no further requests in this run."""
        return self.stopped_by is not None or self.has_too_many

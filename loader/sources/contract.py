"""What a user may ask of one run of a source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LoadOptions:
    """`authors`: whose works alone to ask for (ids as they were typed), or of everybody; `is_full_refresh`: ask for
    everything again, changed or not.
    """

    authors: tuple[str, ...] = ()
    is_full_refresh: bool = False


@dataclass(frozen=True)
class Estimate:
    """What a part of a run would cost, in requests that count against the source's budget."""

    what: str
    credits: int
    note: str

"""Lists in parts: what an API takes in one request, or a load in one go."""

from collections.abc import Sequence
from typing import TypeVar

_Value = TypeVar("_Value")


def cut(values: Sequence[_Value], most: int) -> list[Sequence[_Value]]:
    """The values in order, in parts of at most `most`."""
    return [values[start : start + most] for start in range(0, len(values), most)]

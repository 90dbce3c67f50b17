"""Strict JSON: Python and DuckDB read it alike, and Postgres can store it."""

import json
import re
from typing import Any

import msgspec
import orjson

# A string, a quotation mark that begins no string, or a structural character.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["\[\]{},]', re.DOTALL)
_CONSTANT = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(NaN|-?Infinity)', re.DOTALL)
# An even number of backslashes before it are escaped backslashes.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CLOSING = {b"[": b"]", b"{": b"}"}


def parse_strict(text: bytes) -> Any:
    """Reads a JSON text. Raises ValueError with the reason if it is not JSON or if engines would read it differently.

    They differ on a key that an object has twice (Python takes the last, DuckDB the first), on NaN and on numbers
    beyond a double's range; and Postgres cannot store U+0000.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(_explain(text, error)) from error
    if b"\\u0000" in text and _ESCAPED_NUL.search(text):
        raise ValueError("U+0000 (NUL) cannot be stored in Postgres")
    try:
        written = orjson.dumps(value)
    except TypeError as error:
        raise ValueError("nested deeper than 254 levels") from error
    # Each key has a colon: a key that came twice loses one when the value is written back.
    if written != text and (written.count(b":") != text.count(b":") or b"\\u003" in text):
        json.loads(text, object_pairs_hook=_refuse_repeated_keys)
    return value


def _explain(text: bytes, error: orjson.JSONDecodeError) -> str:
    constants = (match.group(1) for match in _CONSTANT.finditer(text))
    if constant := next(filter(None, constants), None):
        return f"{constant.decode()} is not JSON"
    return f"not JSON: {error}"


def _refuse_repeated_keys(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise ValueError(f"the key {key[:100]!r} occurs twice in one object")
        seen.add(key)


def cut_out_elements(text: bytes, depth: int = 1) -> tuple[bytes, list[bytes]]:
    """The text with each element of the lists at this depth replaced by its index, and the elements.

    `depth` counts the objects around a list: 0 is a text that is the list itself, 1 a list in the root object.
    Only brackets and quotation marks are read, so an element need not be JSON. Raises msgspec.DecodeError if they
    do not match: such a text was cut short, or was never JSON.
    """
    way_to_list = [b"{"] * depth + [b"["]
    open_brackets: list[bytes] = []
    pieces: list[bytes] = []
    elements: list[bytes] = []
    end_of_piece = start = 0

    def cut(end: int) -> None:
        nonlocal end_of_piece
        if element := text[start:end].strip():
            pieces.extend((text[end_of_piece:start], str(len(elements)).encode()))
            elements.append(element)
            end_of_piece = end

    for match in _TOKEN.finditer(text):
        token = match.group()
        is_in_list = open_brackets == way_to_list
        if token in _CLOSING:
            open_brackets.append(token)
            if open_brackets == way_to_list:
                start = match.end()
        elif token == b"," and is_in_list:
            cut(match.start())
            start = match.end()
        elif token in (b"]", b"}"):
            if not open_brackets or _CLOSING[open_brackets.pop()] != token:
                raise msgspec.DecodeError("a bracket is closed that was not opened")
            if is_in_list:
                cut(match.start())
        elif token == b'"':
            raise msgspec.DecodeError("a string does not end")
    if open_brackets:
        raise msgspec.DecodeError("a bracket is not closed")
    return b"".join((*pieces, text[end_of_piece:])), elements

"""Cuts an answer into its records, in whichever format the server sends them.

JSON records keep their bytes. A record that is not valid costs itself alone: it comes out as it is and is rejected
where records are checked.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Protocol

import msgspec

from loader.fetch.json_text import cut_out_elements

Scalar = str | int | float | bool | None
_Count = Annotated[int, msgspec.Meta(ge=0)] | Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]
_BLANK = b" \t\r\n"


@dataclass(frozen=True)
class Cut:
    """The records of an answer, and the values beside them that the decoder was asked to read, by their paths."""

    records: list[bytes]
    values: Mapping[str, Scalar] = field(default_factory=dict)


class CutDecoder(Protocol):
    """Reads a body; raises msgspec.DecodeError for what is not a whole answer."""

    def decode(self, body: bytes, /) -> Cut:
        """The records and the values."""


class Format(Protocol):
    """How a server writes a list of records."""

    def build_decoder(self, values: Sequence[str], counts: Sequence[str], /) -> CutDecoder:
        """A decoder that reads these values as well; an answer without one of the `counts` is not whole."""


@dataclass(frozen=True)
class Json:
    """One JSON text, with the records in the list at `path`: `results`, `data.children`; "" is the text itself.

    An answer that has something at the path `errors` (a list with an entry, a text, an object) is not data, whatever
    its status: it is explained or retried like any other failure.
    """

    path: str
    errors: str | None = None

    def build_decoder(self, values: Sequence[str] = (), counts: Sequence[str] = ()) -> CutDecoder:
        """Raises ValueError for values beside a list that is the whole text: there is no place for them."""
        return _build_json_decoder(self, tuple(values), tuple(counts))


class JsonLines:
    """One record a line. Such an answer says nothing beside its records."""

    def build_decoder(self, values: Sequence[str] = (), counts: Sequence[str] = ()) -> CutDecoder:
        """Raises ValueError for values: there is no place for them."""
        if values or counts:
            raise ValueError("JSON lines hold records alone; read the total and the cursor from a Header")
        return _LinesDecoder()


class _JsonDecoder:
    def __init__(self, layout: Json, values: Sequence[str], counts: Sequence[str]) -> None:
        types: dict[str, Any] = dict.fromkeys(values, (Scalar, None))
        types |= dict.fromkeys(counts, (_Count, msgspec.NODEFAULT))
        types[layout.path] = (list[msgspec.Raw], msgspec.NODEFAULT)
        if layout.errors:
            types[layout.errors] = (Any, None)
        self._decoder = msgspec.json.Decoder(_build_struct(types) if layout.path else list[msgspec.Raw])
        self._layout = layout
        self._values = [*values, *counts]

    def decode(self, body: bytes) -> Cut:
        try:
            found = self._decoder.decode(body)
            cut_out: list[bytes] | None = None
        except (msgspec.DecodeError, RecursionError):
            skeleton, cut_out = cut_out_elements(body, len(self._layout.path.split(".")) if self._layout.path else 0)
            found = self._decoder.decode(skeleton)
        if self._layout.errors and _build_reader(self._layout.errors)(found):
            raise msgspec.ValidationError("the answer reports an error")
        values = {path: _build_reader(path)(found) for path in self._values}
        listed: Any = _build_reader(self._layout.path)(found) if self._layout.path else found
        records = [bytes(record) for record in listed]
        return Cut(records if cut_out is None else [cut_out[int(index)] for index in records], values)


@cache
def _build_json_decoder(layout: Json, values: tuple[str, ...], counts: tuple[str, ...]) -> CutDecoder:
    if not layout.path and (values or counts or layout.errors):
        raise ValueError("an answer that is a list holds records alone; read the total and the cursor from a Header")
    return _JsonDecoder(layout, values, counts)


class _LinesDecoder:
    def decode(self, body: bytes) -> Cut:
        lines = [line.strip(_BLANK) for line in body.split(b"\n")]
        records = [line for line in lines if line]
        if records and not records[0].startswith((b"{", b"[")):
            raise msgspec.DecodeError("the first line is not a record")
        # Only the line that an answer was cut in has no end of line. It is whole if its brackets match.
        cut_out_elements(lines[-1])
        return Cut(records)


class MatchedRecords:
    """Reads the answer to a batch of ids: a list of records, each at the position of its id; `null` is no record."""

    _decoder = Json("").build_decoder()

    def __init__(self, id_count: int) -> None:
        self._id_count = id_count

    def decode(self, body: bytes) -> list[bytes | None]:
        """Raises msgspec.DecodeError for what is not such a list, or has a record more or less than there are ids."""
        records = self._decoder.decode(body).records
        if len(records) != self._id_count:
            raise msgspec.ValidationError(f"{len(records)} records instead of {self._id_count}")
        return [None if record == b"null" else record for record in records]


def read_id(record: bytes, path: str = "id") -> str | None:
    """The id at this path of a record, if it can be read at all, also of a record that is not valid."""
    decoder, read, beginning = _prepare_to_read(path)
    # Most records begin with their id, also one that is not JSON as a whole. The others are read to their end.
    if found := beginning.match(record):
        return found.group(1).decode()
    try:
        value = read(decoder.decode(record))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if value is None else str(value)


@cache
def _prepare_to_read(path: str) -> tuple[msgspec.json.Decoder[Any], Callable[[Any], Any], re.Pattern[bytes]]:
    struct = _build_struct({path: (Any, msgspec.NODEFAULT)})
    beginning = re.compile(rb'\s*\{\s*"%b"\s*:\s*"([!#-\[\]-~]+)"' % path.encode())
    return msgspec.json.Decoder(struct), _build_reader(path), beginning


@cache
def _build_reader(path: str) -> Callable[[Any], Any]:
    """Reads the value at a dotted path of nested structs; None if an object on the way is missing."""
    names = [_name_attribute(name) for name in path.split(".")]
    if len(names) == 1:
        return attrgetter(names[0])

    def read(found: Any) -> Any:
        for name in names:
            found = None if found is None else getattr(found, name)
        return found

    return read


def _build_struct(types: Mapping[str, tuple[Any, Any]]) -> type[msgspec.Struct]:
    """A struct, nested as the dotted paths are, that reads their values; each path has its type and its default.

    An object on the way to a path without a default must be there as well.
    """
    fields: list[Any] = []
    for name in dict.fromkeys(path.partition(".")[0] for path in types):
        below = {path.partition(".")[2]: kind for path, kind in types.items() if path.partition(".")[0] == name}
        if "" in below:
            type_, default = below[""]
        else:
            is_required = any(default is msgspec.NODEFAULT for _, default in below.values())
            nested = _build_struct(below)
            type_, default = (nested, msgspec.NODEFAULT) if is_required else (nested | None, None)
        fields.append((_name_attribute(name), type_, msgspec.field(default=default, name=name)))
    return msgspec.defstruct("Selected", fields, kw_only=True)


@cache
def _name_attribute(name: str) -> str:
    """A Python name for a field of any name."""
    return "field_" + name.encode().hex()

"""Cuts an Atom feed into its entries, each of which becomes a JSON record.

Source: RFC 4287, and arXiv's answers recorded in 2026.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import msgspec

from loader.fetch.records import Cut, CutDecoder, Scalar

_ATOM = "http://www.w3.org/2005/Atom"
_XML = "http://www.w3.org/XML/1998/namespace"
_FEED = f"{{{_ATOM}}}feed"
_ENTRY = f"{{{_ATOM}}}entry"
# By the RFC an entry may have several of these. So each is a list, also of none or one.
_REPEATABLE = ("author", "category", "contributor", "link")
_START_OF_FEED = re.compile(rb"<(?:[\w.-]+:)?feed\b[^>]*>")
_ENTRIES = re.compile(rb"<((?:[\w.-]+:)?entry)\b.*?</\1\s*>", re.DOTALL)
_END_OF_FEED = re.compile(rb"</(?:[\w.-]+:)?feed\s*>\s*\Z")


@dataclass(frozen=True)
class Atom:
    """An Atom feed. Values of the feed are read by the names that their elements have as fields.

    An entry becomes a JSON object with a field for each of its elements, named as the element (`title`); elements of
    another namespace with the prefix that the feed gives it (`arxiv:comment`, `opensearch:totalResults`).
    - `author`, `category`, `contributor` and `link` are lists, also of one or none. Any other element is a list only
      where it comes more than once.
    - An element with text alone is a string, without its outer blanks, or null if it is empty.
    - An element with attributes or elements inside is an object of these; its text, if any, is its field `text`.
      XHTML is reduced to its text.

    An entry that is not XML comes out as it is. A feed with a document type, which could define entities, is refused.
    """

    def build_decoder(self, values: Sequence[str] = (), counts: Sequence[str] = ()) -> CutDecoder:
        """A decoder that reads these values of the feed as well."""
        return _AtomDecoder(values, counts)


class _AtomDecoder:
    def __init__(self, values: Sequence[str], counts: Sequence[str]) -> None:
        self._values = [*values, *counts]
        self._counts = counts

    def decode(self, body: bytes) -> Cut:
        bad: list[bytes] = []
        try:
            feed = _Feed(body)
        except ElementTree.ParseError:
            body, bad = _take_out_bad_entries(body)
            try:
                feed = _Feed(body)
            except ElementTree.ParseError as error:
                raise msgspec.DecodeError("not XML") from error
        values = feed.read_values(self._values)
        if not all(str(values[name]).isdigit() for name in self._counts):
            raise msgspec.ValidationError("a count is missing")
        return Cut([*feed.list_records(), *bad], values)


class _Feed:
    """Raises ElementTree.ParseError for what is not XML, msgspec.ValidationError for XML that is no feed."""

    def __init__(self, body: bytes) -> None:
        builder = _Builder()
        parser = ElementTree.XMLParser(target=builder)
        parser.feed(body)
        self._root = parser.close()
        self._prefixes = builder.prefixes
        if self._root.tag != _FEED:
            raise msgspec.ValidationError("not an Atom feed")

    def read_values(self, names: Sequence[str]) -> dict[str, Scalar]:
        found = {self._name(element.tag): element.text for element in self._root if element.tag != _ENTRY}
        return {name: (found.get(name) or "").strip() or None for name in names}

    def list_records(self) -> list[bytes]:
        entries = self._root.iterfind(_ENTRY)
        return [msgspec.json.encode({**{name: [] for name in _REPEATABLE}, **self._read(entry)}) for entry in entries]

    def _read(self, element: ElementTree.Element) -> dict[str, Any]:
        fields: dict[str, Any] = {self._name(name): text for name, text in element.attrib.items()}
        for child in element:
            name, value = self._name(child.tag), self._read_value(child)
            if name in _REPEATABLE:
                fields.setdefault(name, []).append(value)
            elif name in fields:
                earlier = fields[name]
                fields[name] = [*earlier, value] if isinstance(earlier, list) else [earlier, value]
            else:
                fields[name] = value
        return fields

    def _read_value(self, element: ElementTree.Element) -> Any:
        is_xhtml = element.get("type") == "xhtml"
        text = ("".join(element.itertext()) if is_xhtml else element.text or "").strip() or None
        fields = dict(element.attrib) if is_xhtml else self._read(element)
        if not fields:
            return text
        return fields if text is None else {**fields, "text": text}

    def _name(self, tag: str) -> str:
        namespace, _, name = tag.rpartition("}")
        prefix = self._prefixes.get(namespace[1:])
        return f"{prefix}:{name}" if prefix and namespace[1:] != _ATOM else name


class _Builder(ElementTree.TreeBuilder):
    """Builds the tree and remembers the prefixes; ends at a document type, before an entity could be defined."""

    def __init__(self) -> None:
        super().__init__()
        self.prefixes = {_XML: "xml"}

    def start_ns(self, prefix: str | None, uri: str) -> None:
        if prefix:
            self.prefixes.setdefault(uri, prefix)

    def doctype(self, *_: Any) -> None:
        raise msgspec.ValidationError("a feed with a document type is refused")


def _take_out_bad_entries(body: bytes) -> tuple[bytes, list[bytes]]:
    """The feed without the entries that are not XML, and these. Raises msgspec.DecodeError for half a feed."""
    start = _START_OF_FEED.search(body)
    end = _END_OF_FEED.search(body)
    if not start or not end:
        raise msgspec.DecodeError("not a whole feed")
    bad: list[bytes] = []

    def keep_good(found: re.Match[bytes]) -> bytes:
        entry = found.group()
        try:
            _Feed(start.group() + entry + end.group())
        except ElementTree.ParseError:
            bad.append(entry)
            return b""
        return entry

    return _ENTRIES.sub(keep_good, body), bad

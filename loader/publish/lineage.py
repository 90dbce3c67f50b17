"""The lineage of a table as a picture (SVG), from dbt's manifest: the same manifest makes the same bytes.

Columns are ranks: the table is on the right, and everything stands directly left of the first that reads it. A line
that passes a rank bends around its boxes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from math import fsum
from typing import Any

from loader.base.errors import HeadwaterError

_BOX, _BEND, _GAP = 24, 6, 9
_COLUMN_GAP, _MARGIN, _LEGEND = 32, 12, 36
_CHARACTER = 6.3  # of 12 pixels, on average
_SWEEPS = 24
_COLOURS = {"source": "#5a9e1e", "seed": "#0d8291", "snapshot": "#8a6d1f", "model": "#7a8b99"}


@dataclass
class _Node:
    """A box, or a bend of a line that passes the rank: then its label is empty. Lengths are pixels."""

    label: str = ""
    colour: str = ""
    kind: str = ""
    rank: int = 0
    middle: float = 0.0
    parents: list["_Node"] = field(default_factory=list)
    children: list["_Node"] = field(default_factory=list)

    @property
    def height(self) -> int:
        return _BOX if self.label else _BEND

    @property
    def width(self) -> int:
        return round(len(self.label) * _CHARACTER) + 16 if self.label else 0


def draw_lineage(manifest: Mapping[str, Any], name: str) -> str:
    """The picture of everything that the model reads, directly or not. Raises HeadwaterError if there is no such model.

    `manifest` is dbt's manifest.json.
    """
    target = next(
        (key for key, node in manifest["nodes"].items() if node["name"] == name and key.startswith("model.")), None
    )
    if target is None:
        raise HeadwaterError(f"There is no enabled model {name!r}. `dbt ls --resource-type model` lists them.")
    columns = _rank(_read_nodes(manifest, target), target)
    for sweep in range(_SWEEPS):
        _sort(columns, by_parents=sweep % 2 == 0)
    for sweep in range(_SWEEPS):
        _align(columns, by_parents=sweep % 2 == 1)
    return _render(columns, name)


def _read_nodes(manifest: Mapping[str, Any], target: str) -> dict[str, _Node]:
    """The target and its ancestors by their ids, in alphabetical order, joined to each other."""
    found, pending = {target}, [target]
    while pending:
        parents = {parent for parent in manifest["parent_map"][pending.pop()] if not parent.startswith("macro.")}
        pending += sorted(parents - found)
        found |= parents
    nodes = {key: _read_node(manifest, key) for key in sorted(found)}
    for key, node in nodes.items():
        for parent in sorted(set(manifest["parent_map"][key]) & found):
            node.parents.append(nodes[parent])
            nodes[parent].children.append(node)
    return nodes


def _read_node(manifest: Mapping[str, Any], key: str) -> _Node:
    kind = key.partition(".")[0]
    if kind == "source":
        source = manifest["sources"][key]
        return _Node(f"{source['source_name']}.{source['name']}", _COLOURS[kind], kind)
    node = manifest["nodes"][key]
    colour = (node["config"].get("docs") or {}).get("node_color") or _COLOURS[kind]
    return _Node(node["name"], colour, node["fqn"][1] if kind == "model" else kind)


def _rank(nodes: Mapping[str, _Node], target: str) -> list[list[_Node]]:
    """The nodes by rank, from left to right, with a bend in each rank that a line passes."""
    distances: dict[int, int] = {}

    def measure(node: _Node) -> int:
        if id(node) not in distances:
            distances[id(node)] = max((measure(child) + 1 for child in node.children), default=0)
        return distances[id(node)]

    deepest = max(measure(node) for node in nodes.values())
    columns: list[list[_Node]] = [[] for _ in range(deepest + 1)]
    for node in nodes.values():
        node.rank = deepest - measure(node)
        columns[node.rank].append(node)
    for node in nodes.values():
        node.parents = [_bend(parent, node, columns) for parent in node.parents]
    return columns


def _bend(parent: _Node, child: _Node, columns: list[list[_Node]]) -> _Node:
    """Leads the line through the ranks between; returns its last bend, or the parent if there is none."""
    last = parent
    for rank in range(parent.rank + 1, child.rank):
        bend = _Node(rank=rank, parents=[last])
        last.children = [bend if node is child else node for node in last.children]
        bend.children = [child]
        columns[rank].append(bend)
        last = bend
    return last


def _sort(columns: Sequence[list[_Node]], *, by_parents: bool) -> None:
    """Sorts each column by where its neighbours stand, which takes away crossings."""
    for column in columns if by_parents else columns[::-1]:
        places = {id(node): place / len(column) for place, node in enumerate(column)}
        for node in column:
            neighbours = node.parents if by_parents else node.children
            node.middle = _mean([other.middle for other in neighbours]) if neighbours else places[id(node)]
        column.sort(key=lambda node: node.middle)
        for place, node in enumerate(column):
            node.middle = (place + 0.5) / len(column)


def _align(columns: Sequence[list[_Node]], *, by_parents: bool) -> None:
    """Moves each column's nodes towards their neighbours, in their order and with gaps between them."""
    for column in columns if by_parents else columns[::-1]:
        neighbours = [node.parents if by_parents else node.children for node in column]
        wanted = [
            _mean([other.middle for other in others]) if others else node.middle
            for node, others in zip(column, neighbours, strict=True)
        ]
        edge = float("-inf")
        for node, place in zip(column, wanted, strict=True):
            node.middle = max(place, edge + node.height / 2)
            edge = node.middle + node.height / 2 + _GAP
        shift = _mean([place - node.middle for node, place in zip(column, wanted, strict=True)])
        for node in column:
            node.middle += shift


def _render(columns: Sequence[Sequence[_Node]], name: str) -> str:
    top = min(node.middle - node.height / 2 for column in columns for node in column) - _MARGIN - _LEGEND
    bottom = max(node.middle + node.height / 2 for column in columns for node in column) + _MARGIN
    widths = [max(node.width for node in column) for column in columns]
    lefts = [_MARGIN + sum(widths[:rank]) + rank * _COLUMN_GAP for rank in range(len(columns))]
    width, height = lefts[-1] + widths[-1] + _MARGIN, round(bottom - top)
    lines, boxes = [], []
    for left, room, column in zip(lefts, widths, columns, strict=True):
        for node in column:
            middle = round(node.middle - top)
            if not node.label:
                lines.append(f'<path d="M{left} {middle}H{left + room}"/>')
            else:
                boxes.append(_render_box(node, left, room, middle))
            for parent in node.parents:
                start = lefts[parent.rank] + widths[parent.rank]
                half, origin = (start + left) // 2, round(parent.middle - top)
                lines.append(f'<path d="M{start} {origin}C{half} {origin} {half} {middle} {left} {middle}"/>')
    label = f"What {name} is made of: " + ", ".join(node.label for column in columns for node in column if node.label)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="Helvetica, Arial,'
            f' sans-serif" font-size="12" role="img" aria-label="{escape(label)}">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *_render_legend(columns),
            '<g fill="none" stroke="#b4bec7" stroke-width="1.2">',
            *lines,
            "</g>",
            '<g fill="#ffffff" text-anchor="middle">',
            *boxes,
            "</g>",
            "</svg>\n",
        ]
    )


def _render_box(node: _Node, left: int, room: int, middle: int) -> str:
    top = middle - _BOX // 2
    return (
        f'<rect x="{left}" y="{top}" width="{room}" height="{_BOX}" rx="4" fill="{escape(node.colour)}"/>'
        f'<text x="{left + room // 2}" y="{middle + 4}">{escape(node.label)}</text>'
    )


def _render_legend(columns: Sequence[Sequence[_Node]]) -> Iterator[str]:
    kinds = {node.kind: node.colour for column in columns for node in column if node.label}
    lefts = [_MARGIN]
    for kind in kinds:
        lefts.append(lefts[-1] + round(len(kind) * _CHARACTER) + 40)
    for (kind, colour), (left, _) in zip(kinds.items(), pairwise(lefts), strict=True):
        yield f'<rect x="{left}" y="{_MARGIN}" width="12" height="12" rx="2" fill="{escape(colour)}"/>'
        yield f'<text x="{left + 18}" y="{_MARGIN + 10}" fill="#4a5560">{escape(kind)}</text>'


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)  # the same on every version of Python

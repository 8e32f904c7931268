"""What a picture of a graph consists of, whatever it is written in."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from netbuilder.graph.blocks import USES
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.layout import Flow
from netbuilder.graph.model import Node
from netbuilder.graph.places import Box as Place
from netbuilder.graph.places import Places
from netbuilder.graph.routing import Course, course
from netbuilder.layers import catalogue

WIDTH, HEIGHT = 192.0, 48.0
"""Of a node in scene units."""
PADDING = 10.0
"""Between the sides of a node and its texts."""
MOST_TEXT = 40
_NARROW, _BROAD = frozenset("iljftIr1.,:;'!|()[] "), frozenset("mwMW@%…")


@dataclass(frozen=True, slots=True)
class Box:
    """A node: its name, what it is, its top left corner in scene units (y points down)."""

    name: str
    title: str
    x: float
    y: float
    family: str
    width: float = WIDTH


@dataclass(frozen=True, slots=True)
class Figure:
    """Boxes by key (`n1`, `n2`, …: safe in any language), and wires between them."""

    title: str
    boxes: Mapping[str, Box]
    wires: tuple[tuple[str, str], ...]
    flow: Flow

    @property
    def area(self) -> tuple[float, float, float, float]:
        """Left, top, width and height around all boxes."""
        left = min((box.x for box in self.boxes.values()), default=0.0)
        top = min((box.y for box in self.boxes.values()), default=0.0)
        width = max((box.x + box.width for box in self.boxes.values()), default=0.0) - left
        height = max((box.y + HEIGHT for box in self.boxes.values()), default=0.0) - top
        return left, top, width, height

    def courses(self) -> Iterator[Course]:
        """The course of each wire: around the nodes that are in its way, as on the canvas."""
        places, flow = Places(), self.flow
        for key, box in self.boxes.items():
            places.put(key, Place(box.x, box.y, box.x + box.width, box.y + HEIGHT))
        for ends in self.wires:
            a, b = (places.box(key) for key in ends)

            def others(area: Place, ends: tuple[str, str] = ends) -> list[Place]:
                return [place for key, place in places.near(area).items() if key not in ends]

            if self.flow == "right":
                start, end = (a.right, a.top + HEIGHT / 2), (b.left, b.top + HEIGHT / 2)
            else:
                start, end = ((a.left + a.right) / 2, a.bottom), ((b.left + b.right) / 2, b.top)
            yield course(start, end, flow, others)


def figure(document: Document, graph: Graph, only: Collection[str] = ()) -> Figure:
    """The picture of a graph as it is laid out, or of some of its nodes by their ids."""
    nodes = [node for node in graph.ordered() if not only or node.id in only]
    keys = {node.id: f"n{at}" for at, node in enumerate(nodes, 1)}
    boxes = {keys[node.id]: _box(node) for node in nodes}
    wires = dict.fromkeys(
        (keys[wire.source], keys[wire.target])
        for wire in graph.wires.values()
        if wire.source in keys and wire.target in keys
    )
    return Figure(short(graph.name), boxes, tuple(wires), document.project.flow)


def short(text: str, most: int = MOST_TEXT) -> str:
    """One printable line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def text_width(text: str, size: float) -> float:
    """About how wide a text is in a usual typeface without serifs, at this size; rather more."""
    return size * sum(map(_width, text))


def _width(letter: str) -> float:
    if letter in _NARROW:
        return 0.4
    if letter in _BROAD or unicodedata.east_asian_width(letter) in "WF":
        return 1.05
    return 0.65 if letter.islower() or letter.isdigit() or letter == "_" else 0.8


def _box(node: Node) -> Box:
    kind = catalogue.available().get(node.layer)
    title = kind.title if kind is not None else node.layer.rpartition(".")[2]
    if node.layer in USES:
        title = str(node.params.get("block", title))
    return Box(
        short(node.name), short(title), node.x, node.y, str(kind.family) if kind else "unknown"
    )


def chosen(document: Document, names: Iterable[str] = ()) -> list[Graph]:
    """The graphs with these names; without any all that have nodes, networks first."""
    kinds = ("network", "block", "step")
    graphs = [graph for kind in kinds for graph in document.of_kind(kind)]  # type: ignore[arg-type]
    wanted = set(names)
    return [graph for graph in graphs if (graph.name in wanted if wanted else graph.nodes)]

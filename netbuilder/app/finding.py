"""Find nodes, frames and notes of a project by a few letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import nsmallest

from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Frame, Node
from netbuilder.layers import catalogue
from netbuilder.layers.base import Family

MOST = 60
"""More results than these help nobody: a letter more does."""
_TEXT = 160
"""So much of a note is searched and shown."""

_KINDS = {"network": "network", "block": "block", "step": "training step"}


@dataclass(frozen=True, slots=True)
class Found:
    """A node or frame, what it is called, what it is and where."""

    graph: str
    id: str
    title: str
    help: str
    family: str
    """That of the layer; `frame` or `note` for these."""
    layer: str = ""


def find(
    document: Document, query: str, here: str = "", most: int = MOST
) -> tuple[list[Found], int]:
    """What fits best, and how many fit. Each word of the query must fit somewhere.

    A name counts more than a layer's title, that more than a graph's or a note; among equals
    those of the graph `here` come first. Without a query all of that graph are found.
    """
    words = query.lower().split()
    kinds = {id: kind.title for id, kind in catalogue.available().items()}
    ranked: list[tuple[float, int, Graph, Node | Frame]] = []
    for graph in _graphs(document, here):
        if not words and graph.id != here:
            continue
        for item in _items(graph):
            points = _points(words, item, graph, kinds)
            if points is not None:
                ranked.append((-points, len(ranked), graph, item))
    best = nsmallest(most, ranked, key=lambda entry: entry[:2])
    return [_found(graph, item) for _, _, graph, item in best], len(ranked)


def _graphs(document: Document, here: str) -> list[Graph]:
    kinds = ("network", "block", "step")
    graphs = [graph for kind in kinds for graph in document.of_kind(kind)]  # type: ignore[arg-type]
    return sorted(graphs, key=lambda graph: graph.id != here)


def _items(graph: Graph) -> Iterator[Node | Frame]:
    yield from graph.ordered()
    yield from graph.frames.values()


def _points(
    words: list[str], item: Node | Frame, graph: Graph, kinds: dict[str, str]
) -> float | None:
    if isinstance(item, Node):
        name, title = item.name.lower(), kinds.get(item.layer, item.layer).lower()
    else:
        name, title = item.title.lower(), "frame" if item.title else "note"
    total = 0.0
    for word in words:
        points = _fit(word, name)
        if points < 100:
            other = max(_fit(word, title) - 25, _within(word, graph.name.lower(), 30))
            points = max(points, other, _within(word, item.note[:_TEXT].lower(), 25))
        if points <= 0:
            return None
        total += points
    return total / len(words) - min(len(name), 40) * 0.05 if words else 0.0


def _fit(word: str, text: str) -> float:
    """120 for equal, less for a beginning, a part, scattered letters; 0 for no fit."""
    if text == word:
        return 120.0
    at = text.find(word)
    if at == 0:
        return 100.0
    if at > 0:
        return 80.0 if not text[at - 1].isalnum() else 60.0
    points, position = 40.0, -1
    for letter in word:
        found = text.find(letter, position + 1)
        if found < 0:
            return 0.0
        points -= min(found - position - 1, 8)
        position = found
    return max(points, 0.0) if points > 12 else 0.0


def _within(word: str, text: str, points: float) -> float:
    return points if word in text else 0.0


def _found(graph: Graph, item: Node | Frame) -> Found:
    where = f"in {_KINDS[graph.kind]} {graph.name}"
    if isinstance(item, Frame):
        title = item.title or " ".join(item.note[:_TEXT].split()) or "Frame"
        what = "note" if item.note and not item.title else "frame"
        return Found(graph.id, item.id, title, f"{what.capitalize()} {where}", what)
    kind = catalogue.find(item.layer)
    family = kind.family.value if kind is not None else Family.UNKNOWN.value
    what = kind.title if kind is not None else item.layer
    return Found(graph.id, item.id, item.name, f"{what} {where}", family, item.layer)

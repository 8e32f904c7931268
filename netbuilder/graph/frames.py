"""Frames and what stands in them: a node belongs to a frame that holds its middle.

`sizes` are widths and heights by node id, in scene units; nodes that it lacks have the usual
size.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from netbuilder.graph import edits
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.layout import NODE_SIZE, Place, Size
from netbuilder.graph.model import Frame, Node, new_id

Rect = tuple[float, float, float, float]
"""Left, top, right, bottom."""

TITLE = 28.0
"""Height of the part of a frame that holds its title."""
PADDING = 24.0
"""The room between a new frame's sides and what it was put around."""
BELOW = 16.0
"""The same under it."""
LEAST: Size = (96.0, 64.0)
"""A frame can't be made smaller."""


@dataclass(frozen=True, slots=True)
class Held:
    """The nodes in a frame and the room between them and its sides: left, top, right, bottom."""

    nodes: tuple[str, ...]
    room: Rect


def rect_of(frame: Frame) -> Rect:
    """The sides of a frame."""
    return frame.x, frame.y, frame.x + frame.width, frame.y + frame.height


def nodes_in(graph: Graph, sizes: Mapping[str, Size], frame: str) -> list[str]:
    """The nodes whose middle lies in a frame."""
    return _nodes_in(graph.frames[frame], _middles(graph, sizes))


_Middles = list[tuple[float, float, int, str]]
"""The middles of nodes from left to right, with their number in the graph and their id."""


def _middles(graph: Graph, sizes: Mapping[str, Size]) -> _Middles:
    found = []
    for number, node in enumerate(graph.nodes.values()):
        width, height = sizes.get(node.id, NODE_SIZE)
        found.append((node.x + width / 2, node.y + height / 2, number, node.id))
    return sorted(found)


def _nodes_in(frame: Frame, middles: _Middles) -> list[str]:
    """In the order of the graph."""
    left, top, right, bottom = rect_of(frame)
    first, end = bisect_left(middles, (left,)), bisect_right(middles, (right, math.inf))
    inside = [(number, id) for _, y, number, id in middles[first:end] if top <= y <= bottom]
    return [id for _, id in sorted(inside)]


def held_by_frames(graph: Graph, sizes: Mapping[str, Size]) -> dict[str, Held]:
    """What each frame holds now; empty frames are left out."""
    result = {}
    middles = _middles(graph, sizes) if graph.frames else []
    for frame in graph.frames.values():
        nodes = _nodes_in(frame, middles)
        if nodes:
            left, top, right, bottom = _around(graph, sizes, nodes)
            ends = frame.x + frame.width - right, frame.y + frame.height - bottom
            room = (left - frame.x, top - frame.y, *ends)
            result[frame.id] = Held(tuple(nodes), room)
    return result


def fit_frames(
    history: History, graph: Graph, sizes: Mapping[str, Size], held: Mapping[str, Held]
) -> None:
    """Put frames around the nodes that they held, with the room that they had, in this step."""
    for id, inside in held.items():
        nodes = [node for node in inside.nodes if node in graph.nodes]
        if id in graph.frames and nodes:
            left, top, right, bottom = _around(graph, sizes, nodes)
            x, y = left - inside.room[0], top - inside.room[1]
            width, height = right + inside.room[2] - x, bottom + inside.room[3] - y
            edits.set_frame(history, graph, id, x=x, y=y, width=width, height=height)


def _around(graph: Graph, sizes: Mapping[str, Size], nodes: Collection[str]) -> Rect:
    boxes = [(graph.nodes[id].x, graph.nodes[id].y, *sizes.get(id, NODE_SIZE)) for id in nodes]
    return (
        min(x for x, _, _, _ in boxes),
        min(y for _, y, _, _ in boxes),
        max(x + width for x, _, width, _ in boxes),
        max(y + height for _, y, _, height in boxes),
    )


def with_contents(graph: Graph, sizes: Mapping[str, Size], ids: Iterable[str]) -> list[str]:
    """Nodes and frames, and all that goes along when these frames move: nodes and frames in them.

    Each id comes once; those of other things are left out.
    """
    found = dict.fromkeys(id for id in ids if id in graph.nodes or id in graph.frames)
    framed = [id for id in found if id in graph.frames]
    middles = _middles(graph, sizes) if framed else []
    for id in framed:
        found.update(dict.fromkeys(_nodes_in(graph.frames[id], middles)))
        outer = rect_of(graph.frames[id])
        for other in graph.frames.values():
            if other.id != id and _within(rect_of(other), outer):
                found[other.id] = None
    return list(found)


def _within(inner: Rect, outer: Rect) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
        and inner != outer
    )


def carry(graph: Graph, sizes: Mapping[str, Size], places: Mapping[str, Place]) -> dict[str, Place]:
    """New places of nodes and frames, with those of what stands in the moved frames.

    What has a place of its own keeps it.
    """
    result: dict[str, Place] = {}
    for id in places:
        if id not in graph.frames:
            continue
        before = graph.frames[id]
        dx, dy = places[id][0] - before.x, places[id][1] - before.y
        for inner in with_contents(graph, sizes, [id]):
            item: Node | Frame = graph.nodes.get(inner) or graph.frames[inner]
            result[inner] = (item.x + dx, item.y + dy)
    return {**result, **places}


def fit(history: History, graph: Graph, sizes: Mapping[str, Size], frame: str) -> None:
    """Let a frame stand close around the nodes that it holds; an empty one stays."""
    nodes = nodes_in(graph, sizes, frame)
    if nodes:
        x, y, right, bottom = _wide(_around(graph, sizes, nodes))
        edits.set_frame(history, graph, frame, x=x, y=y, width=right - x, height=bottom - y)


def _wide(rect: Rect) -> Rect:
    """The sides of a frame around a rectangle."""
    # In a chain, two frames one after the other must find room between the nodes.
    top = edits.snap(rect[1] - TITLE - 4)
    return rect[0] - PADDING, top, rect[2] + PADDING, rect[3] + BELOW


def add_around(
    history: History, graph: Graph, sizes: Mapping[str, Size], ids: Iterable[str], title: str
) -> Frame | None:
    """A frame with a title around nodes and frames; None if there are none of them."""
    chosen = list(ids)
    rects = [rect_of(graph.frames[id]) for id in chosen if id in graph.frames]
    nodes = [id for id in chosen if id in graph.nodes]
    if nodes:
        rects.append(_around(graph, sizes, nodes))
    if not rects:
        return None
    left, top = min(rect[0] for rect in rects), min(rect[1] for rect in rects)
    x, y, right, bottom = _wide(
        (left, top, max(rect[2] for rect in rects), max(rect[3] for rect in rects))
    )
    frame = Frame(id=new_id("f"), title=title, x=x, y=y, width=right - x, height=bottom - y)
    return edits.add_frame(history, graph, frame)

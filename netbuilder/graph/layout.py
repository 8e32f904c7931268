"""Layered layout (Sugiyama): every wire flows one way, chains are straight, crossings few.

Longest-path layers, barycentre ordering that starts from where the nodes stand (so that a
small edit moves little), and coordinates by isotonic regression: each node goes as near to
its neighbours as the order in its layer and the sizes allow. Wires that skip layers get a
lane of their own beside the nodes.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from netbuilder.graph import edits
from netbuilder.graph.document import Graph
from netbuilder.graph.edits import snap
from netbuilder.graph.history import History

Flow = Literal["down", "right"]
Size = tuple[float, float]
Place = tuple[float, float]

NODE_SIZE: Size = (192.0, 48.0)
"""Width and height of a usual node in scene units, for those who can't measure texts."""
ALONG: Mapping[Flow, float] = {"down": 48.0, "right": 112.0}
"""The gap between layers: there is room for a shape in it."""
BESIDE, LANE = 32.0, 24.0
"""The gap between the nodes of a layer, and the width of a lane."""
SWEEPS = 8

_Lane = tuple[str, str, int]
_Key = str | _Lane


def tidy(
    history: History, graph: Graph, sizes: Mapping[str, Size], only: Collection[str] = ()
) -> None:
    """Lay out the whole graph, or the nodes `only`, as one step to undo.

    `sizes` are widths and heights by node id; nodes that it lacks have the usual size. The
    first of the nodes keeps its place.
    """
    chosen = set(only) & set(graph.nodes) or set(graph.nodes)
    if not chosen:
        return
    flow = history.document.project.flow
    nodes = [node for node in graph.ordered() if node.id in chosen]
    boxes = {node.id: sizes.get(node.id, NODE_SIZE) for node in nodes}
    middles = {
        node.id: (node.x + boxes[node.id][0] / 2, node.y + boxes[node.id][1] / 2) for node in nodes
    }
    pairs = [(wire.source, wire.target) for wire in graph.wires.values()]
    held = held_by_frames(graph, sizes)
    side = 1 if flow == "down" else 0
    groups = [(inside.nodes, inside.room[side], inside.room[side + 2]) for inside in held.values()]
    places = layered(boxes, pairs, flow, near=middles, groups=groups)
    anchor = nodes[0]
    dx, dy = anchor.x - places[anchor.id][0], anchor.y - places[anchor.id][1]
    moved = {id: (snap(x + dx), snap(y + dy)) for id, (x, y) in places.items()}
    with history.step("Tidy up"):
        edits.move(history, graph, moved)
        fit_frames(history, graph, sizes, held)


@dataclass(frozen=True, slots=True)
class Held:
    """The nodes in a frame and the room between them and its sides: left, top, right, bottom."""

    nodes: tuple[str, ...]
    room: tuple[float, float, float, float]


def held_by_frames(graph: Graph, sizes: Mapping[str, Size]) -> dict[str, Held]:
    """What each frame holds now: the nodes whose middle lies in it; empty frames are left out."""
    result = {}
    for frame in graph.frames.values():
        nodes = []
        for node in graph.nodes.values():
            width, height = sizes.get(node.id, NODE_SIZE)
            x, y = node.x + width / 2 - frame.x, node.y + height / 2 - frame.y
            if 0 <= x <= frame.width and 0 <= y <= frame.height:
                nodes.append(node.id)
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


def _around(
    graph: Graph, sizes: Mapping[str, Size], nodes: Sequence[str]
) -> tuple[float, float, float, float]:
    boxes = [(graph.nodes[id].x, graph.nodes[id].y, *sizes.get(id, NODE_SIZE)) for id in nodes]
    return (
        min(x for x, _, _, _ in boxes),
        min(y for _, y, _, _ in boxes),
        max(x + width for x, _, width, _ in boxes),
        max(y + height for _, y, _, height in boxes),
    )


def layered(
    sizes: Mapping[str, Size],
    pairs: Iterable[tuple[str, str]],
    flow: Flow = "down",
    near: Mapping[str, Place] | None = None,
    groups: Collection[tuple[Collection[str], float, float]] = (),
) -> dict[str, Place]:
    """Top left corners by id. `pairs` are (source, target); ends that `sizes` lacks are ignored.

    `near` holds present centres, from which the first order within a layer is taken;
    without it the order of `sizes` counts. `groups` are nodes that something stands around:
    it needs that much room before the first and after the last of them.
    """
    across = 0 if flow == "down" else 1
    edges = sorted({(a, b) for a, b in pairs if a in sizes and b in sizes and a != b})
    layer = _layers(list(sizes), edges)
    edges = [(a, b) for a, b in edges if layer[a] < layer[b]]
    rank = {id: number for number, id in enumerate(sizes)}
    order = _Order(layer, edges, rank, {id: at[across] for id, at in (near or {}).items()})
    order.reduce_crossings()
    widths = {id: size[across] for id, size in sizes.items()}
    middle = order.coordinates(widths)
    lengths = {id: size[1 - across] for id, size in sizes.items()}
    gaps = _gaps(layer, len(order.rows), ALONG[flow], groups)
    starts = _starts(order.rows, lengths, gaps)
    places = {}
    for id, (width, height) in sizes.items():
        size = (width, height)
        beside = snap(middle[id] - size[across] / 2)
        along, thickness = starts[layer[id]]
        ahead = snap(along + (thickness - size[1 - across]) / 2)
        places[id] = (beside, ahead) if flow == "down" else (ahead, beside)
    return places


def _layers(ids: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way from a source; sources themselves stand right before what they feed."""
    outgoing, incoming = _neighbours(edges)
    waiting = {id: len(incoming[id]) for id in ids}
    ready = [id for id in reversed(ids) if not waiting[id]]
    layer: dict[str, int] = {}
    left = dict.fromkeys(ids)
    while left:
        # On a cycle nobody is ready: the first node that is left breaks it.
        id = ready.pop() if ready else next(iter(left))
        if id not in left:
            continue
        del left[id]
        layer[id] = 1 + max(
            (layer[source] for source in incoming[id] if source in layer), default=-1
        )
        for target in outgoing[id]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for id in ids:
        if not incoming[id] and outgoing[id]:
            layer[id] = max(0, min(layer[target] for target in outgoing[id]) - 1)
    return layer


def _neighbours(
    edges: Iterable[tuple[str, str]],
) -> tuple[defaultdict[str, list[str]], defaultdict[str, list[str]]]:
    outgoing: defaultdict[str, list[str]] = defaultdict(list)
    incoming: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        outgoing[source].append(target)
        incoming[target].append(source)
    return outgoing, incoming


def _gaps(
    layer: Mapping[str, int],
    count: int,
    usual: float,
    groups: Collection[tuple[Collection[str], float, float]],
) -> list[float]:
    """The gap after each layer: wider where a group ends or the next one begins."""
    before, after = [0.0] * (count + 1), [0.0] * (count + 1)
    for nodes, ahead, behind in groups:
        levels = [layer[id] for id in nodes if id in layer]
        if levels:
            first, last = min(levels), max(levels)
            before[first] = max(before[first], ahead)
            after[last] = max(after[last], behind)
    spare = usual / 3
    return [max(usual, sum(parts) + spare) for parts in zip(after[:count], before[1:], strict=True)]


def _starts(
    rows: Sequence[Sequence[_Key]], lengths: Mapping[str, float], gaps: Sequence[float]
) -> list[tuple[float, float]]:
    """Where each layer begins along the flow, and how thick it is."""
    result = []
    at = 0.0
    for row, gap in zip(rows, gaps, strict=True):
        thickness = max((lengths[key] for key in row if isinstance(key, str)), default=0.0)
        result.append((at, thickness))
        at = snap(at + thickness + gap)
    return result


class _Order:
    """Rows of nodes and of lanes that stand for wires which skip layers."""

    def __init__(
        self,
        layer: Mapping[str, int],
        edges: Sequence[tuple[str, str]],
        rank: Mapping[str, int],
        near: Mapping[str, float],
    ) -> None:
        self.rows: list[list[_Key]] = [[] for _ in range(1 + max(layer.values(), default=-1))]
        self.links: list[tuple[_Key, _Key, float]] = []
        spine = _spine(layer, edges)
        start: dict[_Key, tuple[float, int]] = {}
        for id in sorted(layer, key=lambda id: (near.get(id, 0.0), rank[id])):
            self.rows[layer[id]].append(id)
            start[id] = (near.get(id, 0.0), rank[id])
        for source, target in edges:
            previous: _Key = source
            for level in range(layer[source] + 1, layer[target]):
                lane = (source, target, level)
                self.rows[level].append(lane)
                # Beside both of its ends, on the outer side.
                start[lane] = (max(start[source][0], start[target][0]) + 1.0, rank[source])
                self.links.append((previous, lane, 2.0 if previous == source else 6.0))
                previous = lane
            weight = 1e4 if (source, target) in spine else 1.0
            self.links.append((previous, target, 2.0 if previous != source else weight))
        for row in self.rows:
            row.sort(key=lambda key: start[key])
        self.above: defaultdict[_Key, list[tuple[_Key, float]]] = defaultdict(list)
        self.below: defaultdict[_Key, list[tuple[_Key, float]]] = defaultdict(list)
        for one, other, weight in self.links:
            self.below[one].append((other, weight))
            self.above[other].append((one, weight))

    def reduce_crossings(self) -> None:
        """Barycentre sweeps down and up; the best order that was seen stays."""
        best, fewest = [list(row) for row in self.rows], self._crossings()
        for sweep in range(SWEEPS):
            if not fewest:
                break
            down = sweep % 2 == 0
            rows = self.rows if down else self.rows[::-1]
            side = self.above if down else self.below
            for fixed, row in pairwise(rows):
                at = {key: number for number, key in enumerate(fixed)}
                centre = {}
                for number, key in enumerate(row):
                    ends = [at[other] for other, _ in side[key]]
                    centre[key] = sum(ends) / len(ends) if ends else float(number)
                row.sort(key=centre.__getitem__)
            count = self._crossings()
            if count < fewest:
                best, fewest = [list(row) for row in self.rows], count
        self.rows = best

    def _crossings(self) -> int:
        total = 0
        for row, under in pairwise(self.rows):
            at = {key: number for number, key in enumerate(under)}
            seen: list[int] = []
            for key in row:
                ends = sorted(at[other] for other, _ in self.below[key])
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return total

    def coordinates(self, widths: Mapping[str, float]) -> dict[_Key, float]:
        """The middle of each node and lane across the flow."""
        middle: dict[_Key, float] = {}
        gaps: list[list[float]] = []
        for row in self.rows:
            need = [_half(key, widths) for key in row]
            gap = [0.0, *(a + b for a, b in pairwise(need))]
            gaps.append(gap)
            total = 0.0
            for key, step in zip(row, gap, strict=True):
                total += step
                middle[key] = total
            for key in row:
                middle[key] -= total / 2
        for sweep in range(SWEEPS):
            numbers = range(len(self.rows))
            for number in numbers if sweep % 2 == 0 else reversed(numbers):
                self._settle(self.rows[number], gaps[number], middle, sweep)
        return middle

    def _settle(
        self, row: list[_Key], gap: list[float], middle: dict[_Key, float], sweep: int
    ) -> None:
        """Move a row's nodes as near to their neighbours as their order and sizes allow."""
        wanted, weights = [], []
        for key in row:
            # The last two sweeps look at both sides, so that forks end up centred.
            links = self.above[key] if sweep % 2 == 0 else self.below[key]
            if sweep >= SWEEPS - 2 or not links:
                links = self.above[key] + self.below[key]
            total = sum(weight for _, weight in links)
            mean = sum(middle[other] * weight for other, weight in links) / total if links else None
            wanted.append(middle[key] if mean is None else mean)
            weights.append(total or 0.1)
        for key, place in zip(row, _spread(wanted, weights, gap), strict=True):
            middle[key] = place


def _half(key: _Key, widths: Mapping[str, float]) -> float:
    return (widths[key] + BESIDE) / 2 if isinstance(key, str) else LANE / 2


def _spread(
    wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]
) -> list[float]:
    """The places nearest to the wanted ones with these gaps between neighbours.

    Weighted least squares under an order: isotonic regression by pooling adjacent violators.
    """
    blocks: list[tuple[float, float, int]] = []
    offsets: list[float] = []
    offset = 0.0
    for place, weight, gap in zip(wanted, weights, gaps, strict=True):
        offset += gap
        offsets.append(offset)
        mean, mass, count = place - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, other, more = blocks.pop()
            mean = (before * other + mean * mass) / (other + mass)
            mass, count = mass + other, count + more
        blocks.append((mean, mass, count))
    flat = [mean for mean, _, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def _spine(layer: Mapping[str, int], edges: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Wires between neighbouring layers that lie on the longest chains: these stay straight."""
    outgoing, incoming = _neighbours((a, b) for a, b in edges if layer[b] == layer[a] + 1)
    below: dict[str, int] = {}
    for id in sorted(layer, key=lambda id: -layer[id]):
        below[id] = 1 + max((below[target] for target in outgoing[id]), default=-1)
    above: dict[str, int] = {}
    for id in sorted(layer, key=lambda id: layer[id]):
        above[id] = 1 + max((above[source] for source in incoming[id]), default=-1)
    result = set()
    for source, targets in list(outgoing.items()):
        if not targets:
            continue
        target = max(targets, key=lambda id: below[id])
        if max(incoming[target], key=lambda id: above[id]) == source:
            result.add((source, target))
    return result

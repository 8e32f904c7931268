"""Layered layout (Sugiyama): every wire flows one way, chains are straight, crossings few.

Longest-path layers, barycentre ordering that starts from where the nodes stand (so that a
small edit moves little), and coordinates as near to the neighbours as sizes allow. Wires that
skip layers get a lane of their own beside the nodes. `tidying` applies it to a graph.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import floor
from typing import Literal

from netbuilder.graph.edits import GRID
from netbuilder.graph.ordering import Edge, Rows, neighbours

Flow = Literal["down", "right"]
Size = tuple[float, float]
Place = tuple[float, float]

NODE_SIZE: Size = (192.0, 48.0)
"""Width and height of a usual node in scene units, for those who can't measure texts."""
ALONG: Mapping[Flow, float] = {"down": 48.0, "right": 112.0}
"""The gap between layers: there is room for a shape in it."""
BESIDE = 32.0
"""The gap between the nodes of a layer."""


def on_grid(value: float) -> float:
    """The nearest point of the grid; what lies between two goes to the same side everywhere.

    So nodes in line stay in line, whatever their sizes.
    """
    return floor(value / GRID + 0.5) * GRID


Group = tuple[Collection[str], float, float]


def layered(
    sizes: Mapping[str, Size],
    pairs: Iterable[Edge],
    flow: Flow = "down",
    near: Mapping[str, Place] | None = None,
    groups: Collection[Group] = (),
    lines: Mapping[str, float] | None = None,
) -> dict[str, Place]:
    """Top left corners by id. `pairs` are (source, target); ends that `sizes` lacks are ignored.

    `near` holds present centres, from which the first order within a layer is taken;
    without it the order of `sizes` counts. `groups` are nodes that something stands around:
    it needs that much room before the first and after the last of them. `lines` tells for some
    how far across from their corner the line is that should run straight; it is the middle.
    """
    across = 0 if flow == "down" else 1
    lines = lines or {}
    edges = sorted({(a, b) for a, b in pairs if a in sizes and b in sizes and a != b})
    layer = _layers(list(sizes), edges)
    edges = [(a, b) for a, b in edges if layer[a] < layer[b]]
    rank = {id: number for number, id in enumerate(sizes)}
    rows = Rows(layer, edges, rank, {id: at[across] for id, at in (near or {}).items()})
    rows.reduce_crossings()
    line = {id: lines.get(id, size[across] / 2) for id, size in sizes.items()}
    half = BESIDE / 2
    extents = {id: (line[id] + half, size[across] - line[id] + half) for id, size in sizes.items()}
    middle = rows.coordinates(extents)
    starts = _starts(layer, {id: size[1 - across] for id, size in sizes.items()}, flow, groups)
    places = {}
    for id, size in sizes.items():
        beside = on_grid(middle[id] - line[id])
        along, thickness = starts[layer[id]]
        ahead = on_grid(along + (thickness - size[1 - across]) / 2)
        places[id] = (beside, ahead) if flow == "down" else (ahead, beside)
    return places


def _layers(ids: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """The longest way from a source; sources themselves stand right before what they feed."""
    outgoing, incoming = neighbours(edges)
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


def _gaps(
    layer: Mapping[str, int], count: int, usual: float, groups: Collection[Group]
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
    layer: Mapping[str, int], lengths: Mapping[str, float], flow: Flow, groups: Collection[Group]
) -> list[tuple[float, float]]:
    """Where each layer begins along the flow, and how thick it is."""
    thickness = [0.0] * (1 + max(layer.values(), default=-1))
    for id, number in layer.items():
        thickness[number] = max(thickness[number], lengths[id])
    result = []
    at = 0.0
    for thick, gap in zip(
        thickness, _gaps(layer, len(thickness), ALONG[flow], groups), strict=True
    ):
        result.append((at, thick))
        at = on_grid(at + thick + gap)
    return result

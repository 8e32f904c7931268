"""Tidy up a graph: a layered layout in which frames keep what they hold together.

`snapshot` takes what is needed as plain values, `planned` works on those alone (on any
thread), `tidy` does all of it at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from netbuilder.graph import edits, frames
from netbuilder.graph.document import Graph
from netbuilder.graph.frames import Held
from netbuilder.graph.history import History
from netbuilder.graph.layout import BESIDE, NODE_SIZE, Flow, Group, Place, Size, layered, on_grid
from netbuilder.graph.model import Frame
from netbuilder.graph.ordering import Edge, neighbours

SIDE, TOP = 16.0, frames.TITLE + 8.0
"""The least room that a frame keeps around its nodes, and over them."""
NEAR = 400.0
"""So far away, in scene units, a note still belongs to a node."""
MOST_FRAMES = 200
"""More frames than these are put around their nodes only after those have their places."""


@dataclass(frozen=True, slots=True)
class Note:
    """A frame that holds nothing, and the node that it stands beside."""

    place: Place
    size: Size
    beside: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a layout depends on: boxes in the order of the graph, wires, what frames hold."""

    nodes: tuple[str, ...]
    sizes: Mapping[str, Size]
    places: Mapping[str, Place]
    pairs: tuple[Edge, ...]
    held: Mapping[str, Held]
    notes: Mapping[str, Note]
    flow: Flow


def snapshot(
    graph: Graph, sizes: Mapping[str, Size], flow: Flow, only: Collection[str] = ()
) -> Snapshot:
    """Of the nodes `only`, or of all. `sizes` are widths and heights by node id."""
    chosen = set(only) & set(graph.nodes) or set(graph.nodes)
    nodes = [node for node in graph.ordered() if node.id in chosen]
    held = {id: _with_room(held) for id, held in frames.held_by_frames(graph, sizes).items()}
    measured = {node.id: sizes.get(node.id, NODE_SIZE) for node in nodes}
    places = {node.id: (node.x, node.y) for node in nodes}
    free = [frame for frame in graph.frames.values() if frame.id not in held]
    return Snapshot(
        tuple(node.id for node in nodes),
        measured,
        places,
        tuple(
            (wire.source, wire.target)
            for wire in graph.wires.values()
            if wire.source in chosen and wire.target in chosen
        ),
        held,
        {
            frame.id: Note((frame.x, frame.y), (frame.width, frame.height), near)
            for frame in free
            if (near := _nearest(frame, places, measured))
        },
        flow,
    )


def _nearest(frame: Frame, places: Mapping[str, Place], sizes: Mapping[str, Size]) -> str:
    """The node that a frame stands beside; empty if there is none near it."""
    best, least = "", NEAR
    for id, (x, y) in places.items():
        width, height = sizes[id]
        dx = max(frame.x - x - width, x - frame.x - frame.width, 0.0)
        dy = max(frame.y - y - height, y - frame.y - frame.height, 0.0)
        if dx + dy < least:
            best, least = id, dx + dy
    return best


def _with_room(held: Held) -> Held:
    left, top, right, bottom = held.room
    return Held(held.nodes, (max(left, SIDE), max(top, TOP), max(right, SIDE), max(bottom, SIDE)))


def tidy(
    history: History, graph: Graph, sizes: Mapping[str, Size], only: Collection[str] = ()
) -> None:
    """Lay out the whole graph, or the nodes `only`, as one step to undo.

    `sizes` are widths and heights by node id; nodes that it lacks have the usual size. The
    first of the nodes keeps its place.
    """
    shot = snapshot(graph, sizes, history.document.project.flow, only)
    if shot.nodes:
        apply(history, graph, sizes, shot, planned(shot))


def apply(
    history: History,
    graph: Graph,
    sizes: Mapping[str, Size],
    shot: Snapshot,
    places: Mapping[str, Place],
) -> None:
    """Put the nodes at these places and the frames around them; what has gone is left out."""
    with history.step("Tidy up"):
        here = {id: at for id, at in places.items() if id in graph.nodes or id in graph.frames}
        edits.move(history, graph, here)
        frames.fit_frames(history, graph, sizes, shot.held)


def planned(shot: Snapshot) -> dict[str, Place]:
    """The new places of nodes and of notes beside them; the first of the nodes keeps its own."""
    if not shot.nodes:
        return {}
    closed, loose = _closed(shot)
    laid = _lay_out(shot, list(shot.nodes), closed, loose)
    anchor = shot.nodes[0]
    dx = shot.places[anchor][0] - laid.places[anchor][0]
    dy = shot.places[anchor][1] - laid.places[anchor][1]
    places = {id: (on_grid(x + dx), on_grid(y + dy)) for id, (x, y) in laid.places.items()}
    return {**places, **_with_notes(shot, places)}


def _with_notes(shot: Snapshot, places: Mapping[str, Place]) -> dict[str, Place]:
    """Notes go with their nodes, and to the side of what they would cover."""
    result = {}
    for id, note in shot.notes.items():
        before, after = shot.places[note.beside], places[note.beside]
        x, y = note.place[0] + after[0] - before[0], note.place[1] + after[1] - before[1]
        if (x, y) != note.place:
            x = _beside_all(shot, places, (x, y), note.size)
        result[id] = (x, y)
    return result


def _beside_all(shot: Snapshot, places: Mapping[str, Place], at: Place, size: Size) -> float:
    """The first place to the right where a box covers no node."""
    x, y = at
    rows = [
        (left, left + shot.sizes[id][0])
        for id, (left, top) in places.items()
        if top < y + size[1] and y < top + shot.sizes[id][1]
    ]
    for left, right in sorted(rows):
        if left < x + size[0] and x < right:
            x = right + BESIDE
    return x


# -- frames within a layout ----------------------------------------------------------------


def _closed(shot: Snapshot) -> tuple[list[Held], list[Held]]:
    """The frames that are laid out as boxes of their own, the largest first, and the others.

    A frame is a box if all that it holds is laid out, no wire leaves it and comes back by
    nodes outside, and it shares its nodes only with frames inside of it or around it.
    """
    chosen = set(shot.nodes)
    order = sorted(shot.held.values(), key=lambda held: -len(held.nodes))
    closed: list[Held] = []
    loose: list[Held] = []
    outgoing, _ = neighbours(shot.pairs)
    for held in order:
        inside = set(held.nodes)
        nested = all(inside < set(other.nodes) or not inside & set(other.nodes) for other in closed)
        whole = inside <= chosen and len(closed) < MOST_FRAMES
        if nested and whole and not _comes_back(inside, outgoing):
            closed.append(held)
        else:
            loose.append(held)
    return closed, loose


def _comes_back(inside: set[str], outgoing: Mapping[str, list[str]]) -> bool:
    """Whether a path leaves these nodes and enters them again."""
    waiting = [end for id in inside for end in outgoing.get(id, ()) if end not in inside]
    seen = set(waiting)
    while waiting:
        for end in outgoing.get(waiting.pop(), ()):
            if end in inside:
                return True
            if end not in seen:
                seen.add(end)
                waiting.append(end)
    return False


@dataclass(frozen=True, slots=True)
class _Laid:
    """Places by node from the corner of the box around all of them, and its size."""

    places: dict[str, Place]
    size: Size


def _lay_out(shot: Snapshot, nodes: list[str], closed: list[Held], loose: list[Held]) -> _Laid:
    """These nodes with the closed frames among them, each laid out before as a box."""
    inside = set(nodes)
    within = [held for held in closed if inside > set(held.nodes)]
    outer: list[Held] = []
    for held in within:
        if not any(set(held.nodes) < set(other.nodes) for other in outer):
            outer.append(held)
    boxes: dict[str, tuple[Held, _Laid]] = {}
    unit = {id: id for id in nodes}
    for number, held in enumerate(outer):
        # An id of no node: those never begin with a space.
        key = f" {number}"
        inner = [id for id in nodes if id in set(held.nodes)]
        boxes[key] = (held, _lay_out(shot, inner, within, loose))
        unit.update(dict.fromkeys(inner, key))
    sizes: dict[str, Size] = {}
    near: dict[str, Place] = {}
    lines: dict[str, float] = {}
    for id in nodes:
        key = unit[id]
        if key in sizes:
            continue
        if key in boxes:
            sizes[key], near[key], lines[key] = _box(shot, *boxes[key])
        else:
            (x, y), (width, height) = shot.places[id], shot.sizes[id]
            sizes[key], near[key] = (width, height), (x + width / 2, y + height / 2)
    pairs = [(unit[a], unit[b]) for a, b in shot.pairs if a in unit and b in unit]
    at = layered(sizes, pairs, shot.flow, near, _groups(shot, unit, loose), lines)
    return _opened(at, sizes, boxes)


def _box(shot: Snapshot, held: Held, laid: _Laid) -> tuple[Size, Place, float]:
    """Size of a frame, where it is now, and where the line lies that goes straight into it."""
    left, top, right, bottom = held.room
    size = laid.size[0] + left + right, laid.size[1] + top + bottom
    across = 0 if shot.flow == "down" else 1
    members = set(held.nodes)
    entries = [b for a, b in shot.pairs if b in members and a not in members]
    exits = [a for a, b in shot.pairs if a in members and b not in members]
    first = next(iter(entries or exits or held.nodes))
    line = held.room[across] + laid.places[first][across] + shot.sizes[first][across] / 2
    now = shot.places[first]
    middle = now[0] + shot.sizes[first][0] / 2, now[1] + shot.sizes[first][1] / 2
    return size, middle, line


def _groups(shot: Snapshot, unit: Mapping[str, str], loose: list[Held]) -> list[Group]:
    """The room that frames need which are put around their nodes afterwards."""
    side = 1 if shot.flow == "down" else 0
    return [
        ({unit[id] for id in held.nodes if id in unit}, held.room[side], held.room[side + 2])
        for held in loose
    ]


def _opened(
    at: Mapping[str, Place], sizes: Mapping[str, Size], boxes: Mapping[str, tuple[Held, _Laid]]
) -> _Laid:
    """The places of all nodes, also of those in boxes."""
    x0, y0 = min(x for x, _ in at.values()), min(y for _, y in at.values())
    places: dict[str, Place] = {}
    for key, (x, y) in at.items():
        if key not in boxes:
            places[key] = (x - x0, y - y0)
            continue
        held, laid = boxes[key]
        left, top = held.room[:2]
        for id, (inner_x, inner_y) in laid.places.items():
            places[id] = (x - x0 + left + inner_x, y - y0 + top + inner_y)
    width = max(at[key][0] + sizes[key][0] for key in at) - x0
    height = max(at[key][1] + sizes[key][1] for key in at) - y0
    return _Laid(places, (width, height))

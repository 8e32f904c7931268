"""Order on the canvas: align, spread, tidy, mute, collapse. Each is one step to undo."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from netbuilder.graph import arrange, edits, frames, tidying
from netbuilder.graph.arrange import Axis, Box, Side
from netbuilder.graph.layout import Place, Size
from netbuilder.graph.model import Mute
from netbuilder.graph.quiet import quiet
from netbuilder.gui.background import in_background
from netbuilder.gui.canvas.face import face_of
from netbuilder.gui.canvas.node_item import NodeItem

AT_ONCE = 400
"""A layout of so many nodes takes a moment that nobody notices."""

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView


def sizes(view: EditingView) -> dict[str, Size]:
    """Width and height of every node that is shown."""
    view.canvas.settle()
    return {id: (item.width, item.height) for id, item in view.canvas.nodes.items()}


def align(view: EditingView, side: Side) -> None:
    """Let the selected nodes and frames share a side or a middle line."""
    _rearrange(view, 2, lambda boxes: arrange.aligned(boxes, side))


def spread(view: EditingView, axis: Axis) -> None:
    """Equal gaps between the selected nodes and frames."""
    _rearrange(view, 3, lambda boxes: arrange.spread(boxes, axis))


def tidy(view: EditingView) -> None:
    """Lay out the selected nodes and those in selected frames if there are several, else all.

    A large layout is worked out on another thread, while the window goes on painting.
    """
    if not view.editable:
        return
    graph, history, measured = view.shown, view.past, sizes(view)
    chosen = frames.with_contents(graph, measured, view.canvas.selection)
    only = [id for id in chosen if id in graph.nodes]
    only = only if len(only) > 1 else []
    shot = tidying.snapshot(graph, measured, history.document.project.flow, only)
    if not shot.nodes:
        return
    many = len(shot.nodes) > AT_ONCE
    places = in_background(lambda: tidying.planned(shot)) if many else tidying.planned(shot)
    if view.canvas.graph is not graph:
        return
    with quiet():
        view.edit(lambda: tidying.apply(history, graph, measured, shot, places))
    if not only:
        view.frame_all()


def _rearrange(
    view: EditingView, least: int, places: Callable[[Mapping[str, Box]], dict[str, Place]]
) -> None:
    if not view.editable:
        return
    boxes = _boxes(view)
    if len(boxes) < least:
        view.message.emit(f"Select at least {least} nodes or frames first.")
        return
    moved = frames.carry(view.shown, sizes(view), places(boxes))
    view.edit(lambda: edits.move(view.past, view.shown, moved))


def _boxes(view: EditingView) -> dict[str, Box]:
    """Of the selected nodes and frames; what stands in a selected frame goes with it."""
    graph, measured = view.shown, sizes(view)
    chosen = {id for id in view.canvas.selection if id in graph.nodes or id in graph.frames}
    inner: set[str] = set()
    for id in chosen & set(graph.frames):
        inner |= set(frames.with_contents(graph, measured, [id])) - {id}
    boxes: dict[str, Box] = {}
    for id in sorted(chosen - inner):
        if id in graph.nodes:
            boxes[id] = (graph.nodes[id].x, graph.nodes[id].y, *measured[id])
        else:
            frame = graph.frames[id]
            boxes[id] = (frame.x, frame.y, frame.width, frame.height)
    return boxes


def mute(view: EditingView, how: Mute) -> None:
    """Mute or bypass the selected nodes; if all of them are so, let them run again."""
    chosen = view.selection()
    if not chosen or not view.editable:
        return
    nodes = view.shown.nodes
    after: Mute = "" if all(nodes[id].mute == how for id in chosen) else how
    view.edit(lambda: edits.set_mute(view.past, view.shown, chosen, after))


def collapse(view: EditingView) -> None:
    """Make the selected nodes small; if all of them are, large again."""
    chosen = view.selection()
    if not chosen or not view.editable:
        return
    nodes = view.shown.nodes
    small = not all(nodes[id].collapsed for id in chosen)

    places = {id: _kept_middle(view, id, small) for id in chosen}

    def change() -> None:
        with view.past.step("Collapse" if small else "Expand"):
            for id in chosen:
                edits.set_node(view.past, view.shown, id, collapsed=small)
            edits.move(view.past, view.shown, places)

    view.edit(change)


def _kept_middle(view: EditingView, id: str, small: bool) -> Place:
    """Where a node goes that gets small or large, so that the wires through it stay straight."""
    graph, before = view.shown, view.canvas.nodes[id]
    node = replace(graph.nodes[id], collapsed=small)
    report = view.canvas.node_report(id)
    face = face_of(view.past.document, graph, node, report, view.canvas.problems_of(id))
    after = NodeItem(id, face, view.canvas.flow)
    if view.canvas.flow == "down":
        return edits.snap(node.x + (before.width - after.width) / 2), node.y
    return node.x, edits.snap(node.y + (before.height - after.height) / 2)

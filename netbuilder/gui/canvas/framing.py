"""Frames and notes: add them, write into them, colour them. Each is one step to undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRect

from netbuilder.graph import edits, frames
from netbuilder.graph.layout import Place, Size
from netbuilder.graph.model import Frame, new_id
from netbuilder.graph.places import Box
from netbuilder.gui.canvas import arrange, placing
from netbuilder.gui.canvas.frame_item import NOTE_COLOR, NOTE_SIZE, TITLE

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView

EMPTY = (320.0, 208.0)
"""The size of a frame around nothing, in scene units."""


def frame_selection(view: EditingView) -> None:
    """A frame around what is selected, or an empty one; its title is asked for at once."""
    if not view.editable:
        return
    chosen = [id for id in view.canvas.selection if id not in view.canvas.wires]
    sizes = arrange.sizes(view)

    def add() -> Frame:
        around = frames.add_around(view.past, view.shown, sizes, chosen, "Frame")
        return around or edits.add_frame(view.past, view.shown, _empty(view))

    frame = view.edit(add)
    if frame is not None:
        view.select([frame.id])
        edit_title(view, frame.id)


def _empty(view: EditingView) -> Frame:
    width, height = EMPTY
    x, y = placing.corner(_free_spot(view, EMPTY), EMPTY)
    return Frame(id=new_id("f"), title="Frame", x=x, y=y, width=width, height=height)


def _free_spot(view: EditingView, size: Size) -> Place:
    """Where the mouse is, else the place nearest to the middle that covers no node."""
    at = view.mouse_in_scene()
    if at is not None:
        return at.x(), at.y()
    middle = view.mapToScene(view.viewport().rect().center())
    return placing.free_place(view, (middle.x(), middle.y()), size)


def edit_title(view: EditingView, frame: str) -> None:
    """Write a frame's title where it stands."""
    box = view.canvas.frames[frame].box
    corner = view.mapFromScene(QPointF(box.left + 8, box.top + 1))
    width = max(180, min(round((box.right - box.left - 16) * view.zoom), 480))
    view.renamer.open_at(
        _inside(view, QRect(corner, QPoint(corner.x() + width, corner.y() + 26))),
        view.shown.frames[frame].title,
        lambda title: None,
        lambda title: _set(view, frame, title=title),
        lambda reason: None,
        label="Title of the frame",
    )


def edit_text(view: EditingView, id: str) -> None:
    """Write into what was meant: the note of a note, the title of another frame."""
    frame = view.shown.frames[id]
    if is_note(frame):
        edit_note(view, id)
    else:
        edit_title(view, id)


def is_note(frame: Frame) -> bool:
    """Whether a frame is a note: a text without a title."""
    return bool(frame.note) and not frame.title


def edit_note(view: EditingView, id: str) -> None:
    """Write the note of a frame or of a node; an empty one is none."""
    graph, item = view.shown, view.canvas.frames.get(id)
    if item is not None:
        box, text = item.box, graph.frames[id].note
        top = box.top + (0 if is_note(graph.frames[id]) else TITLE)
        box = Box(box.left, top, box.right, max(box.bottom, top + 96))
        label = "Note"
    else:
        card, text = view.canvas.nodes[id].box, graph.nodes[id].note
        box = Box(card.left, card.bottom + 8, card.right, card.bottom + 104)
        label = f"Note on {graph.nodes[id].name}"
    view.noter.open_at(_place(view, box), label, text, lambda note: _set(view, id, note=note))


def note(view: EditingView) -> None:
    """A note on the selected node or frame, else a free one on the canvas."""
    if not view.editable:
        return
    graph = view.shown
    chosen = [id for id in view.canvas.selection if id in graph.nodes or id in graph.frames]
    if len(chosen) == 1:
        view.show_selected()
        edit_note(view, chosen[0])
        return
    width, height = NOTE_SIZE
    x, y = placing.corner(_free_spot(view, NOTE_SIZE), NOTE_SIZE)
    box = Box(x, y, x + width, y + height)
    view.noter.open_at(
        _place(view, box), "Note", "", lambda text: _add_note(view, graph.id, box, text)
    )


def _add_note(view: EditingView, graph: str, box: Box, text: str) -> None:
    if not text or not view.editable or view.shown.id != graph:
        return
    width, height = NOTE_SIZE
    frame = Frame(
        id=new_id("f"),
        x=box.left,
        y=box.top,
        width=width,
        height=height,
        color=NOTE_COLOR,
        note=text,
    )
    if view.edit(lambda: edits.add_frame(view.past, view.shown, frame)) is not None:
        view.select([frame.id])


def _set(view: EditingView, id: str, **fields: str) -> None:
    """Change fields of a frame or a node, if it is there still."""
    if not view.editable:
        return
    graph, history = view.shown, view.past
    history.seal()
    if id in graph.frames:
        before = graph.frames[id]
        if fields.get("note") == "" and is_note(before):
            # A note without a text is nothing that one could see.
            view.edit(lambda: edits.delete(history, graph, [id]))
        else:
            view.edit(lambda: edits.set_frame(history, graph, id, **fields))
    elif id in graph.nodes and graph.nodes[id].note != fields.get("note"):
        view.edit(lambda: edits.set_node(history, graph, id, **fields))


def colour(view: EditingView, color: str) -> None:
    """Give the selected frames a colour ("#rrggbb"); empty for none."""
    chosen = [id for id in view.canvas.selection if id in view.canvas.frames]
    if not chosen or not view.editable:
        return
    history, graph = view.past, view.shown

    def change() -> None:
        with history.step("Colour frame"):
            for id in chosen:
                edits.set_frame(history, graph, id, color=color)

    view.edit(change)


def fit(view: EditingView) -> None:
    """Let the selected frames stand close around their nodes."""
    chosen = [id for id in view.canvas.selection if id in view.canvas.frames]
    if not chosen or not view.editable:
        view.message.emit("Select a frame first.")
        return
    sizes = arrange.sizes(view)

    def change() -> None:
        with view.past.step("Fit frame"):
            for id in chosen:
                frames.fit(view.past, view.shown, sizes, id)

    view.edit(change)


def choose_colour(view: EditingView) -> None:
    """Offer the colours for the selected frames beside the first of them."""
    chosen = [id for id in view.canvas.selection if id in view.canvas.frames]
    if not chosen or not view.editable:
        view.message.emit("Select a frame or a note first.")
        return
    box = view.canvas.frames[chosen[0]].box
    now = view.shown.frames[chosen[0]].color
    view.swatches.open_at(view.mapFromScene(QPointF(box.left, box.top)), now)


def _place(view: EditingView, box: Box) -> QRect:
    """A box of the scene in pixels, large enough to write in and wholly in sight."""
    corner = view.mapFromScene(QPointF(box.left, box.top))
    width = max(220, round((box.right - box.left) * view.zoom))
    height = max(84, round((box.bottom - box.top) * view.zoom))
    return _inside(view, QRect(corner.x(), corner.y(), min(width, 480), min(height, 320)))


def _inside(view: EditingView, place: QRect) -> QRect:
    room = view.viewport().rect().adjusted(8, 8, -8, -8)
    x = max(room.left(), min(place.x(), room.right() - place.width()))
    y = max(room.top(), min(place.y(), room.bottom() - place.height()))
    return QRect(x, y, min(place.width(), room.width()), place.height())

"""Drag nodes and frames; a lone node that is dropped on a wire goes into it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt

from netbuilder.errors import ChangeError
from netbuilder.graph import edits, frames
from netbuilder.graph.places import Box
from netbuilder.gui.canvas.arrange import sizes
from netbuilder.gui.canvas.edit import insert_and_make_room
from netbuilder.gui.canvas.gestures.base import Gesture, Modifiers, Mouse
from netbuilder.gui.canvas.gestures.select import combined
from netbuilder.gui.canvas.guides import Guides
from netbuilder.gui.canvas.hits import wire_at

WIRE_REACH = 16.0
"""How near to a wire, in scene units, a node's middle must come to go into it."""


class Move(Gesture):
    """All selected nodes and frames go with the one that was grabbed, by the grid.

    Items move at once; the document learns of it when the button is released, as one step.
    """

    cursor = Qt.CursorShape.SizeAllCursor

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._was_selected = self.hit.id in self.scene.selection
        keys = Modifiers.ControlModifier | Modifiers.ShiftModifier
        if not self._was_selected or self.press.modifiers & keys:
            chosen = combined(self.scene.selection, {self.hit.id}, self.press.modifiers)
            self.scene.select(chosen)

    def begin(self) -> None:
        scene = self.scene
        if self.hit.id not in scene.selection:
            scene.select({*scene.selection, self.hit.id})
        chosen = [id for id in scene.selection if id in scene.nodes]
        framed = [id for id in scene.selection if id in scene.frames]
        if framed:
            chosen = frames.with_contents(self.view.shown, sizes(self.view), [*chosen, *framed])
        self._starts: dict[str, QPointF] = {
            id: (scene.nodes.get(id) or scene.frames[id]).pos() for id in chosen
        }
        nodes = [id for id in self._starts if id in scene.nodes]
        wires = self.view.shown.wires_at(nodes)
        inside = set(nodes)
        self._carried = [w.id for w in wires if w.source in inside and w.target in inside]
        self._stretched = [w.id for w in wires if not (w.source in inside and w.target in inside)]
        self._guides = Guides(scene, self._starts)
        scene.lift([*self._starts, *self._carried, *self._stretched])
        self._target: str | None = None
        self._lone = nodes[0] if len(nodes) == 1 and self._may_go_in(nodes[0]) else None

    def _may_go_in(self, node: str) -> bool:
        """Whether a node feeds nothing yet and has an input to spare."""
        face = self.scene.nodes[node].face
        spare = any(not port.wired for port in face.inputs)
        return spare and bool(face.outputs) and not self.view.shown.wires_out_of(node)

    def drag(self, mouse: Mouse) -> None:
        way = self._way(mouse)
        for id, start in self._starts.items():
            item = self.scene.nodes.get(id) or self.scene.frames.get(id)
            if item is not None:
                item.setPos(start + way)
        for id in self._carried:
            if id in self.scene.wires:
                self.scene.wires[id].setPos(way)
        for id in self._stretched:
            if id in self.scene.wires:
                self.scene.route(self.scene.wires[id], quick=True)
        self._aim(mouse)
        self.view.refresh()

    def _way(self, mouse: Mouse) -> QPointF:
        """How far to go, so that the grabbed item lands in line with others or on the grid.

        With Ctrl only the grid counts.
        """
        start = self._starts[self.hit.id]
        end = start + mouse.at - self.press.at
        x, y = edits.snap(end.x()), edits.snap(end.y())
        item = self.scene.nodes.get(self.hit.id) or self.scene.frames.get(self.hit.id)
        free = self.view.far or mouse.holds(Modifiers.ControlModifier)
        if item is None or free or not self.view.snapping:
            self._guides.hide()
        else:
            box = item.box
            size = box.right - box.left, box.bottom - box.top
            wish = Box(end.x(), end.y(), end.x() + size[0], end.y() + size[1])
            snap = self._guides.aim(wish, self.view.zoom)
            x = x if snap.dx is None else end.x() + snap.dx
            y = y if snap.dy is None else end.y() + snap.dy
        return QPointF(x, y) - start

    def _aim(self, mouse: Mouse) -> None:
        """Mark the wire that the lone node would go into; Alt: none."""
        target = None
        if self._lone in self.scene.nodes and not mouse.holds(Modifiers.AltModifier):
            node = self.scene.nodes[self._lone] if self._lone else None
            if node is not None:
                box = node.box
                x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
                target = wire_at(self.scene, x, y, WIRE_REACH, frozenset({node.id}))
        if target != self._target:
            self.scene.mark_wire(target)
            self._target = target

    def drop(self, mouse: Mouse) -> None:
        way = self._way(mouse)
        places = {}
        for id, start in self._starts.items():
            if id in self.scene.nodes or id in self.scene.frames:
                end = start + way
                places[id] = (end.x(), end.y())
        target, self._target = self._target, None
        self.scene.mark_wire(None)
        if not way.isNull() and places:
            self.view.edit(lambda: self._commit(places, target))
        self._settle()

    def _commit(self, places: dict[str, tuple[float, float]], target: str | None) -> None:
        history, graph = self.view.past, self.view.shown
        if target is None or self._lone is None or target not in graph.wires:
            edits.move(history, graph, places)
            return
        try:
            with history.step(f"Insert {graph.nodes[self._lone].name}"):
                edits.move(history, graph, places)
                insert_and_make_room(self.view, target, self._lone)
        except ChangeError:
            edits.move(history, graph, places)
            raise

    def click(self, mouse: Mouse) -> None:
        keys = Modifiers.ControlModifier | Modifiers.ShiftModifier
        if self._was_selected and not mouse.modifiers & keys:
            self.scene.select({self.hit.id})

    def cancel(self) -> None:
        if self.dragged:
            self.scene.mark_wire(None)
            self._settle()

    def _settle(self) -> None:
        self._guides.hide()
        self.scene.settle_down()
        self.view.refresh()

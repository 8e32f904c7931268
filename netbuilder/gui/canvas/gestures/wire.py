"""Draw a wire from a port, or take the end of one that is there somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGraphicsPathItem

from netbuilder.graph import edits, rules, topology
from netbuilder.graph.changes import Removed
from netbuilder.graph.model import Wire
from netbuilder.graph.rules import End
from netbuilder.gui import theme
from netbuilder.gui.canvas.edit import LooseEnd
from netbuilder.gui.canvas.gestures.base import Gesture, Mouse
from netbuilder.gui.canvas.hits import Hit, port_reach
from netbuilder.gui.canvas.places import Box
from netbuilder.gui.canvas.routing import course
from netbuilder.gui.canvas.wire_item import painter_path, pen
from netbuilder.layers.catalogue import ports_of

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


class DrawWire(Gesture):
    """A preview from `fixed` to the mouse; ports that refuse are dimmed and say why.

    With `moved`, that wire is hidden meanwhile and replaced, or in empty space removed.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(
        self, view: CanvasView, press: Mouse, hit: Hit, fixed: LooseEnd, moved: Wire | None = None
    ) -> None:
        super().__init__(view, press, hit)
        self.fixed = fixed
        self.moved = moved
        self.target: End | None = None
        self.refusal: str | None = None
        self._same_side = False

    def begin(self) -> None:
        graph, fixed = self.view.shown, self.fixed
        self._preview = QGraphicsPathItem()
        self._preview.setZValue(5)
        self.scene.add_overlay(self._preview)
        # Whatever feeds an output can't be fed by it; the rule itself answers at the port.
        reach = topology.ancestors if fixed.output else topology.descendants
        blocked = reach(graph, [fixed.node])
        for id, item in self.scene.nodes.items():
            fits = bool(item.face.ports(not fixed.output)) and id not in blocked
            item.set_state(dimmed=not fits and id != fixed.node)
            item.set_offered(not fixed.output if fits else None)
        self.scene.nodes[fixed.node].set_hot((fixed.output, fixed.port))
        if self.moved is not None:
            self.scene.wires[self.moved.id].setVisible(False)
            self.scene.revision += 1

    def drag(self, mouse: Mouse) -> None:
        fixed = self.scene.nodes.get(self.fixed.node)
        start = fixed.port(self.fixed.output, self.fixed.port) if fixed else None
        if start is None:
            self.view.cancel_gesture()
            return
        self._aim(mouse)
        end = (mouse.at.x(), mouse.at.y())
        if self.target is not None:
            item = self.scene.nodes[self.target.node]
            end = item.port(not self.fixed.output, self.target.port) or end
        ends = (start, end) if self.fixed.output else (end, start)
        self._preview.setPath(painter_path(course(*ends, self.scene.flow)))
        tokens = theme.current()
        color = tokens.error if self.refusal else tokens.accent
        line = pen(color, 2.0)
        if self.refusal:
            line.setStyle(Qt.PenStyle.DashLine)
        self._preview.setPen(line)
        self.view.refresh()

    def _aim(self, mouse: Mouse) -> None:
        target = self._port_at(mouse)
        if target != self.target:
            self._unmark()
            self.target = target
            self.refusal = None if target is None else self._refusal(target)
            if target is not None and self.refusal is None:
                item = self.scene.nodes[target.node]
                item.set_hot((not self.fixed.output, target.port))
        if self.refusal:
            self.view.hint.show_at(mouse.pixel, self.refusal, "error")
        elif self.target is not None:
            name = self.view.shown.nodes[self.target.node].name
            self.view.hint.show_at(mouse.pixel, f"{name} · {self.target.port}")
        else:
            self.view.hint.hide()

    def _port_at(self, mouse: Mouse) -> End | None:
        """The port under the mouse, or the one that a node under the mouse would use."""
        x, y = mouse.at.x(), mouse.at.y()
        reach = port_reach(self.view.zoom) * 1.6
        spot = Box(x, y, x + 0.01, y + 0.01)
        wanted = not self.fixed.output
        for id in self.scene.places.near(spot.grown(reach)):
            key = self.scene.nodes[id].port_near(x, y, reach)
            if key is not None and (id, *key) != self._own_port():
                self._same_side = key[0] != wanted
                return End(id, key[1])
        self._same_side = False
        for id in self.scene.places.near(spot):
            ports = self.scene.nodes[id].face.ports(wanted)
            if ports and id != self.fixed.node:
                free = [p for p in ports if wanted or not p.wired] or list(ports)
                return End(id, free[0].name)
        return None

    def _own_port(self) -> tuple[str, bool, str]:
        return self.fixed.node, self.fixed.output, self.fixed.port

    def _refusal(self, target: End) -> str | None:
        """Why not, in the words of the rules."""
        if self._same_side:
            side = "outputs" if self.fixed.output else "inputs"
            return f"Both ends are {side}: a wire goes from an output to an input."
        if self._same_as_moved(target):
            return None
        source, end = self._ends(target)
        document = self.view.past.document
        return rules.may_connect(document, self.view.shown, source, end, ports_of)

    def _ends(self, target: End) -> tuple[End, End]:
        fixed = End(self.fixed.node, self.fixed.port)
        return (fixed, target) if self.fixed.output else (target, fixed)

    def _same_as_moved(self, target: End) -> bool:
        wire = self.moved
        if wire is None:
            return False
        source, end = self._ends(target)
        ends = (End(wire.source, wire.source_port), End(wire.target, wire.target_port))
        return (source, end) == ends

    def drop(self, mouse: Mouse) -> None:
        target, refusal, moved = self.target, self.refusal, self.moved
        self.cancel()
        if target is None:
            if moved is not None:
                self.view.edit(lambda: edits.delete(self.view.past, self.view.shown, [moved.id]))
            else:
                self.view.start_add(mouse.at, self.fixed)
        elif refusal:
            self.view.message.emit(refusal)
        elif not self._same_as_moved(target):
            self.view.edit(lambda: self._connect(target))

    def _connect(self, target: End) -> None:
        history, graph = self.view.past, self.view.shown
        source, end = self._ends(target)
        if self.moved is None:
            edits.connect(history, graph, source, end, ports_of)
            return
        with history.step("Move wire"):
            history.document.apply(Removed(graph.id, self.moved))
            edits.connect(history, graph, source, end, ports_of)

    def cancel(self) -> None:
        if not self.dragged:
            return
        self._unmark()
        self.scene.drop_overlay(self._preview)
        for item in self.scene.nodes.values():
            item.set_state(dimmed=False)
            item.set_offered(None)
            item.set_hot(None)
        if self.moved is not None and self.moved.id in self.scene.wires:
            self.scene.wires[self.moved.id].setVisible(True)
            self.scene.revision += 1
        self.view.hint.hide()
        self.view.refresh()

    def _unmark(self) -> None:
        if self.target is not None and self.target.node in self.scene.nodes:
            self.scene.nodes[self.target.node].set_hot(None)

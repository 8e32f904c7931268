"""What menus and keys can do with wires: dots, cuts, breaking and joining."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QWidget

from netbuilder.graph import edits, wiring
from netbuilder.graph.layout import ALONG
from netbuilder.gui.canvas import edit
from netbuilder.gui.canvas.adding import AddingView
from netbuilder.gui.canvas.edit import LooseEnd, Spot
from netbuilder.gui.canvas.hits import Hit
from netbuilder.gui.canvas.placing import Point
from netbuilder.layers.catalogue import ports_of


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a menu is about: the thing under the mouse, and where that was in the scene."""

    hit: Hit
    at: QPointF


class WiringView(AddingView):
    """Commands about wires. They are about what a menu points at, else about the selection."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.pointed: Pointed | None = None
        """Set while a menu is open."""
        self.cutting = False
        """Whether the next drag cuts wires."""

    def point_at(self, hit: Hit, at: QPointF) -> None:
        """A menu is about to open for this; what it is about is selected."""
        if hit.kind == "nothing":
            self.select(())
        elif hit.id not in self.canvas.selection:
            self.select([hit.id])
        self.pointed = Pointed(hit, at)

    def place_meant(self) -> QPointF | None:
        """Where a menu points at, else where the mouse is."""
        return self.pointed.at if self.pointed is not None else super().place_meant()

    def pixel_of_selection(self) -> QPoint | None:
        """A place of the viewport on the first selected thing, for a menu asked for by key."""
        box = self.canvas.box_of(self.canvas.selection)
        if box is None:
            return None
        chosen = self.canvas.selected_nodes()
        if chosen:
            box = self.canvas.nodes[chosen[0]].box
            return self.mapFromScene(QPointF(box.left + 24, (box.top + box.bottom) / 2))
        return self.mapFromScene(QPointF(box.left + 12, box.top + 12))

    def spot_meant(self) -> Spot | None:
        """At the port or wire that a menu points at, else after the selection."""
        hit = self.pointed.hit if self.pointed else None
        if hit is not None and hit.kind == "port":
            end = LooseEnd(hit.id, hit.port, hit.output)
            return Spot(None if hit.output else self._before(end), (end,), drawn=not hit.output)
        wire = self.meant_wire()
        if wire is not None and not self.selection():
            place = self._wire_place(wire)
            return Spot((place.x(), place.y()), wire=wire)
        return super().spot_meant()

    def _before(self, end: LooseEnd) -> Point:
        """Where a wire into an input would come from, with room for a shape."""
        x, y = self.canvas.nodes[end.node].port(False, end.port) or (0.0, 0.0)
        gap = ALONG[self.canvas.flow]
        return (x, y - gap) if self.canvas.flow == "down" else (x - gap, y)

    # -- which wires ---------------------------------------------------------------------

    def meant_wires(self) -> list[str]:
        """The wires that a command is about: of the port pointed at, selected, or at nodes."""
        graph = self.canvas.graph
        if graph is None:
            return []
        hit = self.pointed.hit if self.pointed else None
        if hit is not None and hit.kind == "port":
            found = wiring.wires_at_port(graph, hit.id, hit.port, output=hit.output)
            return [wire.id for wire in found]
        wires = [id for id in sorted(self.canvas.selection) if id in graph.wires]
        chosen = self.selection()
        if chosen:
            wires += [wire.id for wire in wiring.crossing(graph, chosen)]
        return list(dict.fromkeys(wires))

    def meant_wire(self) -> str | None:
        """The one wire that a command is about, if it is about one."""
        hit = self.pointed.hit if self.pointed else None
        if hit is not None and hit.kind == "wire":
            return hit.id
        wires = [id for id in self.canvas.selection if id in self.canvas.wires]
        return wires[0] if len(wires) == 1 else None

    def _wire_place(self, wire: str) -> QPointF:
        """Where on a wire: under the mouse of the menu, else its middle."""
        if self.pointed is not None and self.pointed.hit.id == wire:
            return self.pointed.at
        course = self.canvas.wires[wire].course
        points = course.points if course is not None else ((0.0, 0.0),)
        first, last = points[(len(points) - 1) // 2], points[len(points) // 2]
        return QPointF((first[0] + last[0]) / 2, (first[1] + last[1]) / 2)

    # -- what can be done ----------------------------------------------------------------

    def add_dot(self, wire: str | None = None, at: QPointF | None = None) -> None:
        """A reroute dot on a wire, the one that is meant if none is named."""
        wire = wire or self.meant_wire()
        if wire is None or not self.editable or wire not in self.shown.wires:
            return
        place = at or self._wire_place(wire)
        dot = self.edit(lambda: edit.add_dot(self, wire, (place.x(), place.y())))
        if dot is not None:
            self.select([dot.id])

    def disconnect_wires(self) -> None:
        """Break the wires that are meant."""
        wires = self.meant_wires()
        if self.editable and wires:
            self.edit(lambda: self._break(wires))

    def _break(self, wires: list[str]) -> None:
        with self.past.step("Break 1 wire" if len(wires) == 1 else f"Break {len(wires)} wires"):
            edits.delete(self.past, self.shown, wires)

    def take_out(self) -> None:
        """Take the selected nodes out of their wires; what fed them feeds what they fed."""
        chosen = self.selection()
        if self.editable and chosen and wiring.crossing(self.shown, chosen):
            self.edit(lambda: wiring.take_out(self.past, self.shown, chosen, ports_of))

    def start_cutting(self) -> None:
        """The next drag with the left button cuts the wires that it crosses."""
        if self.editable:
            self.cutting = True
            self.viewport().setCursor(Qt.CursorShape.CrossCursor)
            room = self.viewport().rect()
            self.hint.show_at(
                QPoint(room.width() // 2 - 160, 8), "Drag across the wires to cut. Esc stops."
            )

    def stop_cutting(self) -> None:
        """No cut after all."""
        if self.cutting:
            self.cutting = False
            self.hint.hide()
            self.viewport().unsetCursor()

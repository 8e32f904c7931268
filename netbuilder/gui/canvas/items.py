"""The items of the canvas, how they stand out, and the selection."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QGraphicsItem, QGraphicsScene

from netbuilder.graph.document import Document, Graph
from netbuilder.graph.layout import Flow
from netbuilder.graph.model import Wire
from netbuilder.graph.places import Box, Places, around
from netbuilder.graph.routing import course
from netbuilder.gui.canvas.frame_item import FrameItem
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.gui.canvas.wire_item import Look, WireItem


class ItemScene(QGraphicsScene):
    """Nodes, wires and frames by id; what is selected, marked or lifted by a drag."""

    selection_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document: Document | None = None
        self.graph: Graph | None = None
        self.nodes: dict[str, NodeItem] = {}
        self.wires: dict[str, WireItem] = {}
        self.frames: dict[str, FrameItem] = {}
        self.places = Places()
        """The cards of the nodes."""
        self.wire_places = Places()
        """The boxes around the courses of wires."""
        self.loose: set[str] = set()
        """Wires whose ends have moved since they were given their course."""
        self.accented: set[str] = set()
        """Wires that stand out: selected, meant by the mouse or at a selected node."""
        self.selection: set[str] = set()
        self._marked_selection: set[str] = set()
        self.overlays: list[QGraphicsItem] = []
        self.lifted: frozenset[str] = frozenset()
        """Nodes and wires that a drag moves; their places are not the document's."""
        self.revision = 0
        """Rises with every change of what is not lifted, for views that keep a copy."""
        self.touched: set[str] = set()
        """Nodes and wires that look or stand otherwise than when the view from afar last looked."""
        self._marked: str | None = None

    @property
    def flow(self) -> Flow:
        return self.document.project.flow if self.document else "down"

    def clear_items(self) -> None:
        """Take everything away."""
        self.touched.update(self.nodes, self.wires)
        self._remove_all(self.nodes)
        self._remove_all(self.wires)
        self._remove_all(self.frames)
        self.places, self.wire_places = Places(), Places()
        self.selection.clear()
        self._marked_selection.clear()
        self.loose.clear()
        self.accented.clear()
        self._marked = None
        self.lifted = frozenset()
        self.revision += 1

    def _remove_all(
        self, table: dict[str, NodeItem] | dict[str, WireItem] | dict[str, FrameItem]
    ) -> None:
        for item in table.values():
            self.removeItem(item)
        table.clear()

    # -- wires ---------------------------------------------------------------------------

    def ends(self, wire: Wire) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where a wire begins and ends: its ports, or the sides where they are gone."""
        source, target = self.nodes[wire.source], self.nodes[wire.target]
        start = source.port(True, wire.source_port) or _edge(source, True)
        return start, target.port(False, wire.target_port) or _edge(target, False)

    def route(self, item: WireItem, *, quick: bool = False) -> None:
        """Give a wire its course; `quick` (while dragging) ignores what is in its way."""
        wire = item.wire
        start, end = self.ends(wire)
        if quick:
            item.set_course(course(start, end, self.flow))
            return
        self.touched.add(wire.id)
        ends = (wire.source, wire.target)

        def obstacles(box: Box) -> list[Box]:
            return [other for id, other in self.places.near(box).items() if id not in ends]

        item.set_course(course(start, end, self.flow, obstacles))
        self.wire_places.put(wire.id, item.box)

    def mark_wire(self, id: str | None) -> None:
        """Show one wire as the one that the mouse means; None for none."""
        if id == self._marked:
            return
        before, self._marked = self._marked, id
        for other in (before, id):
            if other in self.wires:
                self.restyle_wire(self.wires[other], hovered=other == id)

    # -- what gestures show --------------------------------------------------------------

    def add_overlay(self, item: QGraphicsItem) -> None:
        """Show something of a gesture over the graph."""
        self.overlays.append(item)
        self.addItem(item)

    def drop_overlay(self, item: QGraphicsItem) -> None:
        """Take it away again."""
        self.overlays.remove(item)
        self.removeItem(item)

    def lift(self, ids: Iterable[str]) -> None:
        """A drag begins to move these nodes, frames and wires without the document."""
        self.lifted = frozenset(ids)
        self.touched |= self.lifted
        self.revision += 1

    def set_shown(self, wire: str, shown: bool) -> None:
        """Hide a wire while a gesture shows something in its place, or show it again."""
        self.wires[wire].setVisible(shown)
        self.touched.add(wire)
        self.revision += 1

    # -- selection -----------------------------------------------------------------------

    def select(self, ids: Iterable[str]) -> None:
        """Make this the selection: ids of nodes, wires and frames; others are ignored."""
        wanted = {id for id in ids if self._is_here(id)}
        if wanted != self.selection:
            self.selection = wanted
            self._mark_selection()
            self.selection_changed.emit()

    def _is_here(self, id: str) -> bool:
        return id in self.nodes or id in self.wires or id in self.frames

    def selected_nodes(self) -> list[str]:
        """The selected nodes, in the order of the graph."""
        chosen = [id for id in self.selection if id in self.nodes]
        graph = self.graph
        return sorted(chosen, key=lambda id: (graph.nodes[id].order, id)) if graph else []

    def _mark_selection(self) -> None:
        """Let what is selected now stand out, and what no longer is step back."""
        changed = self.selection ^ self._marked_selection
        self._marked_selection = set(self.selection)
        wires = {id for id in changed if id in self.wires}
        for id in changed:
            if id in self.nodes:
                self.nodes[id].set_state(selected=id in self.selection)
            elif id in self.frames:
                self.frames[id].set_selected(id in self.selection)
        if self.graph is not None:
            wires.update(wire.id for wire in self.graph.wires_at(changed))
        for id in wires:
            if id in self.wires:
                self.restyle_wire(self.wires[id])

    def restyle_wire(self, item: WireItem, hovered: bool = False) -> None:
        """Show whether a wire is selected, meant by the mouse, or at a selected node."""
        wire = item.wire
        if wire.id in self.selection:
            look = Look.SELECTED
        elif hovered:
            look = Look.HOVERED
        elif wire.source in self.selection or wire.target in self.selection:
            look = Look.NEAR
        else:
            look = Look.PLAIN
        item.set_look(look)
        if look is Look.PLAIN:
            self.accented.discard(wire.id)
        else:
            self.accented.add(wire.id)

    def box_of(self, ids: Collection[str]) -> Box | None:
        """The box around these nodes and frames; None if there are none."""
        boxes = [self.nodes[id].box for id in ids if id in self.nodes]
        boxes += [self.frames[id].box for id in ids if id in self.frames]
        return around(boxes)


def _edge(node: NodeItem, output: bool) -> tuple[float, float]:
    """Where a wire ends whose port has gone: the middle of the side."""
    box = node.box
    if node.flow == "down":
        return (box.left + box.right) / 2, box.bottom if output else box.top
    return box.right if output else box.left, (box.top + box.bottom) / 2

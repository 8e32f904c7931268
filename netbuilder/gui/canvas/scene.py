"""The scene: items that follow the document."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QRectF, QTimer, Signal

from netbuilder.compiler.report import NodeReport, Report
from netbuilder.errors import Problem
from netbuilder.graph.changes import Added, Change, Changed, Removed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Frame, GraphInfo, Node, ProjectInfo, Wire
from netbuilder.gui.canvas.face import Face, face_of
from netbuilder.gui.canvas.frame_item import FrameItem
from netbuilder.gui.canvas.items import ItemScene
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.gui.canvas.places import Box
from netbuilder.gui.canvas.wire_item import WireItem
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role

MARGIN = 2000.0
MANY = 200
"""So many moved nodes, and all wires are routed anew instead of those nearby."""


class CanvasScene(ItemScene):
    """Follows one graph of a document. It reads the document and never writes to it.

    Items come and go with each change; texts, ports and the courses of wires follow once
    in `settle`, which the event loop calls after a batch of changes.
    """

    changed_graph = Signal()
    """The shown graph has changed; once for a batch of changes."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.report: Report | None = None
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._stale_nodes: set[str] = set()
        self._stale_wires: set[str] = set()
        self._moved: set[str] = set()
        self._edited = False
        self._lost_selected = False
        self._unsubscribe: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.settle)

    # -- what is shown -------------------------------------------------------------------

    def show_graph(self, document: Document | None, graph: Graph | None) -> None:
        """Show another graph, or nothing."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        had_selection = bool(self.selection)
        self._clear()
        self.document, self.graph = document, graph
        if document is not None and graph is not None:
            self._unsubscribe = document.subscribe(self._on_change)
            self._index_problems()
            for item in graph.contents():
                self._add(item)
            # The first faces and courses were made with everything there.
            self._stale_nodes.clear()
            self.settle()
        if had_selection:
            self.selection_changed.emit()

    def _clear(self) -> None:
        self.clear_items()
        self._stale_nodes.clear()
        self._stale_wires.clear()
        self._moved.clear()
        self._edited = self._lost_selected = False

    def set_report(self, report: Report | None) -> None:
        """Show other shapes, counts and problems."""
        before, problems = self._node_reports(), self._problems
        self.report = report
        self._index_problems()
        after = self._node_reports()
        for id in self.nodes:
            if before.get(id) != after.get(id) or problems.get(id) != self._problems.get(id):
                self._stale_nodes.add(id)
        self.settle()

    def _node_reports(self) -> dict[str, NodeReport]:
        if self.report is None or self.graph is None:
            return {}
        found = self.report.graphs.get(self.graph.id)
        return dict(found.nodes) if found else {}

    def _index_problems(self) -> None:
        found: dict[str, list[Problem]] = {}
        if self.report is not None and self.graph is not None:
            for problem in self.report.problems:
                if problem.graph == self.graph.id and problem.node:
                    found.setdefault(problem.node, []).append(problem)
        self._problems = {id: tuple(problems) for id, problems in found.items()}

    def problems_of(self, node: str) -> tuple[Problem, ...]:
        """What is wrong with a node of this graph."""
        return self._problems.get(node, ())

    def restyle(self) -> None:
        """Paint everything in the theme that is in use now."""
        for item in self.nodes.values():
            item.restyle()
        for wire in self.wires.values():
            wire.restyle()
        self._stale_wires.update(self.wires)
        self.revision += 1
        self._later()
        self.update()

    # -- following the document ----------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        if self.graph is None:
            return
        if change.graph != self.graph.id:
            self._elsewhere(change)
            return
        match change:
            case Added(item=GraphInfo()):
                # Undone and redone, the graph with this id is another object.
                assert self.document is not None
                self.graph = self.document.graph(change.graph)
            case Added(item=item):
                self._add(item)
            case Removed(item=item):
                self._remove(item)
            case Changed(before=Node() as before, after=Node() as node):
                self._change_node(before, node)
            case Changed(before=Wire(), after=Wire() as wire):
                self._remove(change.before)
                self._add(wire)
            case Changed(after=Frame() as frame):
                self.frames[frame.id].set_frame(frame)
            case _:
                pass
        self._edited = True
        self.revision += 1
        self._later()

    def _elsewhere(self, change: Change) -> None:
        """A network that is called here may have other ports now; the flow may have turned."""
        if isinstance(change, Changed) and isinstance(change.after, ProjectInfo):
            assert isinstance(change.before, ProjectInfo)
            if change.before.flow != change.after.flow:
                self._stale_nodes.update(self.nodes)
                self._stale_wires.update(self.wires)
                self._later()
            return
        assert self.graph is not None
        for node in self.graph.nodes.values():
            kind = catalogue.find(node.layer)
            if kind is not None and kind.role is Role.CALL:
                self._stale_nodes.add(node.id)
                self._later()

    def _later(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _add(self, item: object) -> None:
        match item:
            case Node():
                face = self._face(item)
                node = self.nodes[item.id] = NodeItem(item.id, face, self.flow)
                node.setPos(item.x, item.y)
                self.addItem(node)
                self.places.put(item.id, node.box)
                self._moved.add(item.id)
            case Wire():
                wire = self.wires[item.id] = WireItem(item)
                self.addItem(wire)
                self._touch_ends(item)
                self._stale_wires.add(item.id)
            case Frame():
                frame = self.frames[item.id] = FrameItem(item)
                self.addItem(frame)

    def _remove(self, item: object) -> None:
        match item:
            case Node():
                self.removeItem(self.nodes.pop(item.id))
                self._near_box(self.places.box(item.id))
                self.places.drop(item.id)
                self._stale_nodes.discard(item.id)
                self._moved.discard(item.id)
            case Wire():
                self.removeItem(self.wires.pop(item.id))
                self._touch_ends(item)
                self._stale_wires.discard(item.id)
            case Frame():
                self.removeItem(self.frames.pop(item.id))
        id = getattr(item, "id", "")
        if id in self.selection:
            self.selection.discard(id)
            self._lost_selected = True

    def _change_node(self, before: Node, node: Node) -> None:
        item = self.nodes[node.id]
        if (before.x, before.y) != (node.x, node.y) or (item.x(), item.y()) != (node.x, node.y):
            self._near_box(self.places.box(node.id))
            item.setPos(node.x, node.y)
            self.places.put(node.id, item.box)
            self._moved.add(node.id)
        self._stale_nodes.add(node.id)

    def _touch_ends(self, wire: Wire) -> None:
        self._stale_nodes.update((wire.source, wire.target))

    def _near_box(self, box: Box) -> None:
        """Wires that pass here may take another course now."""
        if len(self._moved) < MANY:
            grown = box.grown(32)
            self._stale_wires.update(id for id, wire in self.wires.items() if wire.box.meets(grown))

    # -- settling ------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring texts, ports and courses up to date with the document."""
        self._timer.stop()
        if self.graph is None:
            return
        self._settle_nodes(self.graph)
        self._settle_wires(self.graph)
        self._grow()
        if self._lost_selected:
            self._lost_selected = False
            self._mark_selection()
            self.selection_changed.emit()
        if self._edited:
            self._edited = False
            self.changed_graph.emit()

    def _settle_nodes(self, graph: Graph) -> None:
        stale = [id for id in self._stale_nodes if id in self.nodes]
        self._stale_nodes.clear()
        for id in stale:
            item = self.nodes[id]
            if item.set_face(self._face(graph.nodes[id]), self.flow):
                self.places.put(id, item.box)
                self._stale_wires.update(wire.id for wire in graph.wires_at([id]))
                self._near_box(item.box)
                self.revision += 1

    def _settle_wires(self, graph: Graph) -> None:
        if len(self._moved) >= MANY:
            self._stale_wires.update(self.wires)
        else:
            for id in self._moved:
                if id in self.nodes:
                    self._near_box(self.nodes[id].box)
        self._moved.clear()
        if self._stale_wires:
            self.revision += 1
        for id in self._stale_wires:
            if id in self.wires:
                self.route(self.wires[id])
        self._stale_wires.clear()

    def _grow(self) -> None:
        """Keep the index of Qt over all items."""
        bounds = self.places.bounds()
        if bounds is None:
            return
        rect = QRectF(
            bounds.left, bounds.top, bounds.right - bounds.left, bounds.bottom - bounds.top
        )
        if not self.sceneRect().contains(rect):
            self.setSceneRect(rect.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))

    def _face(self, node: Node) -> Face:
        assert self.document is not None
        assert self.graph is not None
        found = self.report.graphs.get(self.graph.id) if self.report else None
        report = found.nodes.get(node.id) if found else None
        return face_of(self.document, self.graph, node, report, self.problems_of(node.id))

    def settle_down(self) -> None:
        """The drag is over: put everything where the document says."""
        graph = self.graph
        if graph is None:
            return
        for id in self.lifted:
            if id in graph.nodes:
                self.nodes[id].setPos(graph.nodes[id].x, graph.nodes[id].y)
            elif id in graph.frames:
                self.frames[id].setPos(graph.frames[id].x, graph.frames[id].y)
        self._stale_wires.update(self.lifted & set(self.wires))
        self.lifted = frozenset()
        self.revision += 1
        self.settle()

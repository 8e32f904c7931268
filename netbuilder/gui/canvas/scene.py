"""The scene: items that follow the document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from PySide6.QtCore import QObject

from netbuilder.compiler.report import NodeReport, Report
from netbuilder.errors import Problem
from netbuilder.graph.changes import Added, Change, Changed, Removed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Frame, GraphInfo, Json, Node, ProjectInfo, Wire
from netbuilder.gui.canvas.face import Face, face_of
from netbuilder.gui.canvas.frame_item import FrameItem
from netbuilder.gui.canvas.node_item import NodeItem
from netbuilder.gui.canvas.settling import MANY, SettlingScene
from netbuilder.gui.canvas.wire_item import WireItem
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role


class CanvasScene(SettlingScene):
    """Follows one graph of a document. It reads the document and never writes to it.

    Items come and go with each change; texts, ports and the courses of wires follow once
    in `settle`, which the event loop calls after a batch of changes.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.report: Report | None = None
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self.values: Callable[[], Mapping[str, Json]] = dict
        """What the use that is shown gives a block's parameters."""
        self.running = False
        """Whether a training is under way: nodes with weights show it."""
        self._sharers: dict[str, set[str]] = {}
        """Nodes by the node whose weights they use: they tell its name."""
        self._unsubscribe: Callable[[], None] | None = None

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
            self._fill(graph)
            # The first faces were made with everything there.
            self._stale_nodes.clear()
            self.settle()
        if had_selection:
            self.selection_changed.emit()

    def _clear(self) -> None:
        self.clear_items()
        self._sharers.clear()
        self._forget_stale()

    def select(self, ids: Iterable[str]) -> None:
        """Make this the selection: ids of nodes, wires and frames; others are ignored."""
        wanted = set(ids)
        if wanted:
            self.fill_up()
        super().select(wanted)

    def set_report(self, report: Report | None) -> None:
        """Show other shapes, counts and problems."""
        before, problems = self._node_reports(), self._problems
        self.report = report
        self._index_problems()
        after = self._node_reports()
        for id in self.nodes:
            if before.get(id) != after.get(id) or problems.get(id) != self._problems.get(id):
                self._stale_nodes.add(id)
        if self.graph is not None and self.graph.kind == "block":
            # Another use may give other values.
            self._stale_nodes.update(self.nodes)
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

    def node_report(self, node: str) -> NodeReport | None:
        """What is known of a node of this graph."""
        found = self.report.graphs.get(self.graph.id) if self.report and self.graph else None
        return found.nodes.get(node) if found else None

    def set_running(self, running: bool) -> None:
        """A training has begun or ended."""
        if running != self.running:
            self.running = running
            for item in self.nodes.values():
                item.set_state(running=running and bool(item.face.count))

    def problems_of(self, node: str) -> tuple[Problem, ...]:
        """What is wrong with a node of this graph."""
        return self._problems.get(node, ())

    def restyle(self) -> None:
        """Paint everything in the theme that is in use now."""
        for id, item in self.nodes.items():
            item.restyle()
            self._place(id, item.box)
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
        if self._waiting:
            # Rare, as a graph that is still coming can't be edited on the canvas: begin anew.
            self._clear()
            for entry in self.graph.contents():
                self._add(entry)
            self._edited = True
            self._later()
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
            case Changed(after=GraphInfo()):
                # A block's declared parameters are shown on its nodes.
                self._stale_nodes.update(self.nodes)
            case _:
                pass
        if self.graph.kind == "block":
            # A broken file's block may stand in itself.
            self._callers_stale()
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
        self._callers_stale()

    def _callers_stale(self) -> None:
        assert self.graph is not None
        for node in self.graph.nodes.values():
            kind = catalogue.find(node.layer)
            if kind is not None and kind.role in (Role.CALL, Role.BLOCK):
                self._stale_nodes.add(node.id)
                self._later()

    def _add(self, item: object) -> None:
        match item:
            case Node():
                face = self._face(item)
                node = self.nodes[item.id] = NodeItem(item.id, face, self.flow)
                node.setPos(item.x, item.y)
                node.running = self.running and bool(face.count)
                self.addItem(node)
                self._place(item.id, node.box)
                self._note_sharing(item)
                if not self._waiting:
                    self._moved.add(item.id)
            case Wire():
                wire = self.wires[item.id] = WireItem(item)
                self.addItem(wire)
                self.loose.add(item.id)
                self.touched.add(item.id)
                self._stale_wires.add(item.id)
                if not self._waiting:
                    self._touch_ends(item)
                    self.restyle_wire(wire)
            case Frame():
                frame = self.frames[item.id] = FrameItem(item)
                self.addItem(frame)

    def _remove(self, item: object) -> None:
        match item:
            case Node():
                self.removeItem(self.nodes.pop(item.id))
                self._near_box(self.places.box(item.id))
                self.places.drop(item.id)
                self._stale_nodes.update(self._sharers.get(item.id, ()))
                self._stale_nodes.discard(item.id)
                self._moved.discard(item.id)
            case Wire():
                self.removeItem(self.wires.pop(item.id))
                self._touch_ends(item)
                self._stale_wires.discard(item.id)
                self.loose.discard(item.id)
                self.accented.discard(item.id)
                if item.id in self.wire_places:
                    self.wire_places.drop(item.id)
            case Frame():
                self.removeItem(self.frames.pop(item.id))
        id = getattr(item, "id", "")
        self.touched.add(id)
        if id in self.selection:
            self.selection.discard(id)
            self._lost_selected = True

    def _change_node(self, before: Node, node: Node) -> None:
        item = self.nodes[node.id]
        if (before.x, before.y) != (node.x, node.y) or (item.x(), item.y()) != (node.x, node.y):
            # Of many that move, the wires are seen to once, when all have moved.
            if len(self._moved) < MANY:
                self._near_box(self.places.box(node.id))
                self._loosen((node.id,))
            item.setPos(node.x, node.y)
            self._place(node.id, item.box)
            self._moved.add(node.id)
        if not _looks_alike(before, node):
            self._note_sharing(node)
            self._stale_nodes.add(node.id)

    def _note_sharing(self, node: Node) -> None:
        """Who uses whose weights; those that use this node's tell its name."""
        if node.shares:
            self._sharers.setdefault(node.shares, set()).add(node.id)
        self._stale_nodes.update(self._sharers.get(node.id, ()))

    def _touch_ends(self, wire: Wire) -> None:
        self._stale_nodes.update((wire.source, wire.target))

    # -- settling ------------------------------------------------------------------------

    def _settle_node(self, graph: Graph, id: str) -> None:
        self._stale_nodes.discard(id)
        item = self.nodes.get(id)
        if item is None:
            return
        self.touched.add(id)
        face = self._face(graph.nodes[id])
        item.set_state(running=self.running and bool(face.count))
        if item.set_face(face, self.flow):
            self._place(id, item.box)
            self._loosen((id,))
            self._near_box(item.box)
            self.revision += 1

    def _face(self, node: Node) -> Face:
        assert self.document is not None
        assert self.graph is not None
        report = self.node_report(node.id)
        problems = self.problems_of(node.id)
        return face_of(self.document, self.graph, node, report, problems, self.values())

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
        self.touched |= self.lifted
        self.lifted = frozenset()
        self.revision += 1
        self.settle()


def _looks_alike(one: Node, other: Node) -> bool:
    """Whether two states of a node differ in nothing but the place."""
    return (
        one.name == other.name
        and one.params == other.params
        and one.layer == other.layer
        and one.note == other.note
        and one.collapsed == other.collapsed
        and one.mute == other.mute
        and one.shares == other.shares
    )

"""The outline beside the canvas: what is chosen in one is chosen in the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QTreeView, QWidget

from netbuilder.app.events import GraphShown, HistoryMoved, ProjectOpened, ReportArrived
from netbuilder.app.events import SessionEvent as Event
from netbuilder.app.session import Session
from netbuilder.graph.changes import Added, Change, Changed, Removed
from netbuilder.graph.model import GraphInfo, Node, Wire
from netbuilder.gui.canvas import keys
from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import column
from netbuilder.gui.outlining.outline import Outline
from netbuilder.gui.outlining.outline_words import runs

_Flag = QItemSelectionModel.SelectionFlag


_TREES = (Qt.Key.Key_A, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down)
"""With Ctrl, these mark and move in every tree."""
_CANVAS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_F2)


class _Tree(QTreeView):
    """Enter goes to what is chosen; what the canvas would do with it is done from here too.

    Letters alone look for a row, as in every tree.
    """

    entered = Signal(QModelIndex)

    def __init__(self, canvas: CanvasView) -> None:
        super().__init__()
        self._canvas = canvas

    def _for_canvas(self, event: QKeyEvent) -> bool:
        held = event.modifiers()
        if held & Qt.KeyboardModifier.AltModifier:
            return True
        if held & Qt.KeyboardModifier.ControlModifier:
            return event.key() not in _TREES
        return event.key() in _CANVAS

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.entered.emit(self.currentIndex())
            return
        if self._for_canvas(event) and keys.press(self._canvas, event):
            return
        super().keyPressEvent(event)


class OutlinePanel(QWidget):
    """Follows a session while it is seen, and catches up when it is shown."""

    def __init__(self, session: Session, canvas: CanvasView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._canvas = session, canvas
        self._graphs: set[str] = set()
        self._nodes: set[tuple[str, str]] = set()
        self._renamed = False
        self._stale = True
        self._busy = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self.model = Outline(self)
        self.tree = _Tree(canvas)
        self.tree.setModel(self.model)
        self.tree.setHeaderHidden(True)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QTreeView.SelectionMode.ExtendedSelection)
        self.tree.setAccessibleName("Outline of the project")
        self.setMinimumHeight(200)
        self.tree.selectionModel().selectionChanged.connect(lambda *_: self._chosen_here())
        self.tree.entered.connect(self._go)
        self.tree.doubleClicked.connect(self._go)
        self.tree.setStyleSheet(
            "QTreeView { background: transparent; } QTreeView::item { padding: 3px 0; }"
        )
        self.setLayout(column(self.tree, gap=0))
        session.subscribe(self._hear)
        canvas.selection_changed.connect(lambda ids: self._chosen_there())
        theme.notifier.changed.connect(self.model.restyle)
        self._watch()

    # -- following ---------------------------------------------------------------------------

    def _watch(self) -> None:
        self._unsubscribe()
        self._unsubscribe = self._session.document.subscribe(self._note)
        self._stale = True

    def _note(self, change: Change) -> None:
        """What a step of the history touches; the tree follows when the step is over."""
        match change:
            case Added(item=GraphInfo()) | Removed(item=GraphInfo()) | Changed(before=GraphInfo()):
                self._renamed = True
            case Added(graph, Node()) | Removed(graph, Node()):
                self._graphs.add(graph)
            case Changed(graph, Node() as before, Node() as after):
                if (before.name, before.params, before.mute) != (
                    after.name,
                    after.params,
                    after.mute,
                ):
                    self._nodes.add((graph, after.id))
                    self._nodes.update(
                        (graph, other)
                        for wire in self._session.document.graphs[graph].wires_at([after.id])
                        for other in (wire.source, wire.target)
                    )
            case Added(graph, Wire() as wire) | Removed(graph, Wire() as wire):
                self._nodes.update({(graph, wire.source), (graph, wire.target)})
            case Changed(graph, Wire() as before, Wire() as after):
                self._nodes.update(
                    (graph, id) for id in (before.source, before.target, after.source, after.target)
                )

    def _hear(self, event: Event) -> None:
        match event:
            case ProjectOpened():
                self._watch()
                if self.isVisible():
                    self._catch_up()
            case HistoryMoved() if self.isVisible():
                self._catch_up()
                self._chosen_there()
            case ReportArrived() if self.isVisible():
                self._show_reports()
            case GraphShown() if self.isVisible():
                self._catch_up()
                self._chosen_there()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._catch_up()
        self._show_reports()
        self._chosen_there()

    def _catch_up(self) -> None:
        self._busy = True
        if self._stale:
            self.model.show_document(self._session.document)
            for row in range(self.model.rowCount()):
                self.tree.expand(self.model.index(row, 0))
        else:
            if self._renamed:
                self.model.graphs_changed()
            for graph in self._graphs:
                self.model.nodes_changed(graph)
            for graph, node in self._nodes:
                self.model.node_changed(graph, node)
        self._stale = self._renamed = False
        self._graphs.clear()
        self._nodes.clear()
        self._busy = False

    def _show_reports(self) -> None:
        report = self._session.report
        if report is not None:
            problems = Counter(problem.node for problem in report.problems if problem.node)
            self.model.set_reports(report.graphs, problems)

    # -- one selection ---------------------------------------------------------------------

    def _chosen_here(self) -> None:
        """The canvas selects the nodes that are chosen in the tree."""
        if self._busy:
            return
        rows = [self.model.row_at(index) for index in self.tree.selectedIndexes()]
        current = self.model.row_at(self.tree.currentIndex())
        if not rows or not current.graph:
            return
        self._busy = True
        self._show(current.graph)
        self._canvas.select({row.node for row in rows if row.graph == current.graph and row.node})
        if current.node:
            self._canvas.show_selected()
        self._busy = False

    def _show(self, graph: str) -> None:
        # To show a block anew would forget the use of it that one came from.
        if graph != self._session.graph.id:
            self._session.show(graph)

    def _chosen_there(self) -> None:
        """The tree marks the nodes that are selected on the canvas."""
        if self._busy or not self.isVisible() or self._stale:
            return
        graph = self._session.graph.id
        found = [self.model.index_of(graph, id) for id in self._canvas.selection()]
        above = self.model.index_of(graph)
        rows = sorted(index.row() for index in found if index.isValid())
        marks = QItemSelection()
        for first, last in runs(rows):
            marks.select(self.model.index(first, 0, above), self.model.index(last, 0, above))
        self._busy = True
        chooser = self.tree.selectionModel()
        chooser.select(marks, _Flag.ClearAndSelect)
        current = self.model.index(rows[0], 0, above) if rows else above
        if len(rows) < 2 and current.isValid():
            chooser.setCurrentIndex(current, _Flag.NoUpdate)
            self.tree.scrollTo(current)
        self._busy = False

    def _go(self, index: QModelIndex) -> None:
        """To the node, or the graph, on the canvas."""
        row = self.model.row_at(index)
        self._show(row.graph)
        if row.node:
            self._canvas.select([row.node])
            self._canvas.show_selected()
        self._canvas.setFocus()

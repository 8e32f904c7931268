"""The project's graphs as tabs over the canvas: networks, then training steps."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QInputDialog, QMenu, QTabBar, QToolButton, QWidget

from netbuilder.app import graphs
from netbuilder.errors import ChangeError
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.gui import icons, theme
from netbuilder.gui.widgets import row, set_tip

_ICONS = {"network": "block", "step": "training", "block": "block"}


class GraphTabs(QWidget):
    """`chosen(graph_id)`: the person wants to see another graph."""

    chosen = Signal(str)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("graphTabs")
        self._history: History | None = None
        self._shown: list[tuple[str, str, str]] = []
        self.bar = QTabBar()
        self.bar.setExpanding(False)
        self.bar.setDrawBase(False)
        self.bar.setAccessibleName("Graphs of the project")
        self.bar.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.bar.customContextMenuRequested.connect(self._menu)
        self.bar.tabBarClicked.connect(self._clicked)
        self.bar.tabBarDoubleClicked.connect(self._rename)
        self.more = QToolButton()
        self.more.setAccessibleName("Add a graph")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        set_tip(self.more, "Add a network or a training step")
        menu = QMenu(self.more)
        menu.addAction("Network", lambda: self.add("network"))
        menu.addAction("Training step", lambda: self.add("step"))
        self.more.setMenu(menu)
        self.setLayout(row(self.bar, self.more, None, gap=4, margins=(8, 0, 8, 0)))
        theme.notifier.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.more.setIcon(icons.icon("add", theme.current().muted, 16))
        for at in range(self.bar.count()):
            kind = str(self.bar.tabData(at)[1])
            self.bar.setTabIcon(at, icons.icon(_ICONS[kind], theme.current().muted, 16))

    def show_graphs(self, history: History, current: str) -> None:
        """The graphs of the document; only what differs is touched."""
        self._history = history
        wanted: list[tuple[str, str, str]] = [
            (graph.id, graph.kind, graph.name) for graph in _ordered(history.document)
        ]
        if self._shown != wanted:
            while self.bar.count():
                self.bar.removeTab(0)
            self._shown = wanted
            for id, kind, name in wanted:
                at = self.bar.addTab(name.replace("&", "&&"))
                self.bar.setTabData(at, (id, kind))
            self._dress()
        for at, (id, _, _) in enumerate(wanted):
            if id == current:
                self.bar.setCurrentIndex(at)

    def _graph(self, at: int) -> Graph | None:
        if self._history is None or not 0 <= at < self.bar.count():
            return None
        return self._history.document.graphs.get(self.bar.tabData(at)[0])

    def _clicked(self, at: int) -> None:
        graph = self._graph(at)
        if graph is not None:
            self.chosen.emit(graph.id)

    def add(self, kind: str) -> None:
        """A new network, or a step that trains the first network."""
        history = self._history
        if history is None:
            return
        if kind == "network":
            graph = edits.add_graph(history, "network", "network")
        else:
            graph = graphs.begin_step(history)
        self.chosen.emit(graph.id)

    def _menu(self, position: QPoint) -> None:
        at = self.bar.tabAt(position)
        graph = self._graph(at)
        if graph is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename…", lambda: self._rename(at))
        menu.addAction("Remove", lambda: self._remove(at))
        menu.popup(self.bar.mapToGlobal(position))

    def _rename(self, at: int) -> None:
        graph, history = self._graph(at), self._history
        if graph is None or history is None:
            return
        text, accepted = QInputDialog.getText(self, "Rename", "Name:", text=graph.name)
        if not accepted or not text.strip():
            return
        try:
            graphs.rename(history, graph, text)
        except ChangeError as error:
            self.refused.emit(str(error))

    def _remove(self, at: int) -> None:
        graph, history = self._graph(at), self._history
        if graph is None or history is None:
            return
        try:
            graphs.remove(history, graph)
        except ChangeError as error:
            self.refused.emit(str(error))


def _ordered(document: Document) -> list[Graph]:
    return [*document.of_kind("network"), *document.of_kind("block"), *document.of_kind("step")]

"""The project's graphs as tabs over the canvas: networks, blocks, then training steps."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtWidgets import QMenu, QTabBar, QToolButton, QWidget

from netbuilder.app import graph_list, graphs
from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.gui.canvas.rename import RenameField
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import plain_tip, row, set_tip

_ICONS = {"network": "block", "step": "training", "block": "block"}
_KINDS = {"network": "network", "step": "training step", "block": "block"}


class GraphTabs(QWidget):
    """`chosen(graph_id)`: the person wants to see another graph.

    Tabs are dragged to another place among those of their kind, renamed by a double click or
    F2, and have a menu.
    """

    chosen = Signal(str)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("graphTabs")
        self._history: History | None = None
        self._shown: list[tuple[str, str, str]] = []
        self._dragged = ""
        self.bar = QTabBar()
        self.bar.setExpanding(False)
        self.bar.setDrawBase(False)
        self.bar.setMovable(True)
        self.bar.setAccessibleName("Graphs of the project")
        self.bar.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.bar.customContextMenuRequested.connect(self._menu)
        self.bar.tabBarClicked.connect(self._clicked)
        self.bar.tabBarDoubleClicked.connect(self._rename_at)
        self.bar.tabMoved.connect(self._moved)
        self.bar.installEventFilter(self)
        self.renamer = RenameField(self)
        self._add_more()
        self.setLayout(row(self.bar, self.more, None, gap=4, margins=(8, 0, 8, 0)))
        theme.notifier.changed.connect(self._dress)
        self._dress()

    def _add_more(self) -> None:
        self.more = QToolButton()
        self.more.setAccessibleName("Add a graph")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        set_tip(self.more, "Add a network, a block or a training step")
        menu = QMenu(self.more)
        menu.addAction("Network", lambda: self.add("network"))
        menu.addAction("Block", lambda: self.add("block"))
        menu.addAction("Training step", lambda: self.add("step"))
        self.more.setMenu(menu)

    def _dress(self) -> None:
        self.more.setIcon(icons.icon("add", theme.current().muted, 16))
        for at in range(self.bar.count()):
            kind = str(self.bar.tabData(at)[1])
            self.bar.setTabIcon(at, icons.icon(_ICONS[kind], theme.current().muted, 16))

    # -- what is shown -------------------------------------------------------------------

    def show_graphs(self, history: History, current: str) -> None:
        """The graphs of the document; only what differs is touched."""
        self._history = history
        wanted: list[tuple[str, str, str]] = [
            (graph.id, graph.kind, graph.name) for graph in graph_list.ordered(history.document)
        ]
        if self._shown != wanted:
            while self.bar.count():
                self.bar.removeTab(0)
            self._shown = wanted
            for id, kind, name in wanted:
                at = self.bar.addTab(name.replace("&", "&&"))
                self.bar.setTabData(at, (id, kind))
                self.bar.setTabToolTip(at, plain_tip(f"{_KINDS[kind].capitalize()} {name}"))
            self._dress()
        for at, (id, _, _) in enumerate(wanted):
            if id == current:
                self.bar.setCurrentIndex(at)

    def current(self) -> Graph | None:
        """The graph whose tab is in front."""
        return self._graph(self.bar.currentIndex())

    def _graph(self, at: int) -> Graph | None:
        if self._history is None or not 0 <= at < self.bar.count():
            return None
        return self._history.document.graphs.get(self.bar.tabData(at)[0])

    def _clicked(self, at: int) -> None:
        graph = self._graph(at)
        if graph is not None:
            self.chosen.emit(graph.id)

    def go(self, way: int) -> None:
        """To the next tab (1) or the one before (-1), round about."""
        if self.bar.count():
            self._clicked((self.bar.currentIndex() + way) % self.bar.count())

    # -- edits ---------------------------------------------------------------------------

    def add(self, kind: str) -> None:
        """A new network, a new block, or a step that trains the first network."""
        history = self._history
        if history is None:
            return
        if kind == "network":
            graph = edits.add_graph(history, "network", "network")
        elif kind == "block":
            graph = blocks.begin(history)
        else:
            graph = graphs.begin_step(history)
        self.chosen.emit(graph.id)

    def _edit(self, change: Callable[[History, Graph], object], graph: Graph | None = None) -> None:
        """Change a graph, the present one if none is given; a refusal becomes a message."""
        graph, history = graph or self.current(), self._history
        if graph is None or history is None:
            return
        try:
            change(history, graph)
        except ChangeError as error:
            self.refused.emit(str(error))

    def duplicate(self, graph: Graph | None = None) -> None:
        """A copy of a graph, which is shown then."""

        def change(history: History, graph: Graph) -> None:
            self.chosen.emit(graph_list.duplicate(history, graph).id)

        self._edit(change, graph)

    def remove(self, graph: Graph | None = None) -> None:
        """Remove a graph; who still calls it is told."""

        def change(history: History, graph: Graph) -> None:
            callers = graph_list.calls(history.document, graph)
            name = graph.name
            graphs.remove(history, graph)
            if callers:
                self.refused.emit(f"{name} is gone and is still called in {', '.join(callers)}.")

        self._edit(change, graph)

    def shift(self, way: int, graph: Graph | None = None) -> None:
        """One place to the right (1) or left (-1) among the graphs of its kind."""

        def change(history: History, graph: Graph) -> None:
            ids = [other.id for other in history.document.of_kind(graph.kind)]
            graph_list.move_to(history, graph, ids.index(graph.id) + way)

        self._edit(change, graph)

    def rename(self) -> None:
        """Write the name of the graph that is shown into its tab."""
        self._rename_at(self.bar.currentIndex())

    def _rename_at(self, at: int) -> None:
        graph, history = self._graph(at), self._history
        if graph is None or history is None:
            return
        place = self.bar.tabRect(at)
        corner = self.bar.mapTo(self, place.topLeft())
        width = max(place.width(), 160)
        self.renamer.open_at(
            QRect(corner.x(), corner.y() + 2, width, place.height() - 4),
            graph.name,
            lambda name: graph_list.name_refusal(history.document, graph, name),
            lambda name: self._edit(lambda past, it: graphs.rename(past, it, name), graph),
            self._explain,
            label=f"Name of the {_KINDS[graph.kind]}",
        )

    def _explain(self, reason: str | None) -> None:
        if reason:
            self.refused.emit(reason)

    # -- mouse ---------------------------------------------------------------------------

    def _menu(self, position: QPoint) -> None:
        at = self.bar.tabAt(position)
        graph = self._graph(at)
        if graph is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename…", lambda: self._rename_at(at))
        menu.addAction("Duplicate", lambda: self.duplicate(graph))
        menu.addSeparator()
        menu.addAction("Move left", lambda: self.shift(-1, graph))
        menu.addAction("Move right", lambda: self.shift(1, graph))
        menu.addSeparator()
        menu.addAction("Remove", lambda: self.remove(graph))
        menu.popup(self.bar.mapToGlobal(position))

    def _moved(self, start: int, end: int) -> None:
        """A tab is being dragged; the document learns of it when the button is released."""
        if not self._dragged:
            # The dragged tab is the one in front.
            self._dragged = str(self.bar.tabData(self.bar.currentIndex())[0])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.bar and event.type() == QEvent.Type.MouseButtonRelease and self._dragged:
            # Only after the bar itself has put the tab down.
            self.bar.event(event)
            self._put_down()
            return True
        return super().eventFilter(watched, event)

    def _put_down(self) -> None:
        """Take over the order of the bar, as far as the kinds stay together."""
        history, id = self._history, self._dragged
        self._dragged = ""
        graph = history.document.graphs.get(id) if history is not None else None
        if history is None or graph is None:
            return
        ids = [self.bar.tabData(at) for at in range(self.bar.count())]
        same = [one for one, kind in ids if kind == graph.kind]
        self._shown = []
        graph_list.move_to(history, graph, same.index(id))
        self.show_graphs(history, id)

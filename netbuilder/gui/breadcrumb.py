"""Over the canvas while it shows a block: how one came here, and whose shapes are shown."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from netbuilder.app import trail as trails
from netbuilder.app.trail import Trail
from netbuilder.graph import blocks
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import clear, label, link, set_tip

ICON = 16
MOST, LONGEST = 3, 20
"""So many levels from the beginning, and so many letters of each, are shown."""


class Breadcrumb(QWidget):
    """`left(levels)`: back by so many levels. `use_chosen(path)`: show another use's shapes."""

    left = Signal(int)
    use_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("breadcrumb")
        self.setAccessibleName("Where you are")
        self._layout = QHBoxLayout(self)
        self._layout.setContentsMargins(12, 2, 8, 2)
        self._layout.setSpacing(2)
        self._state: object = None
        self.uses = QToolButton(self)
        self.uses.hide()
        # A long way is cut off rather than make the window wider.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_place(self, document: Document, graph: Graph, trail: Trail) -> None:
        """Show the way to a graph; hidden unless that is a block."""
        if graph.kind != "block":
            self._state = None
            self.hide()
            return
        names = [_step_name(document, step.graph, step.node) for step in trail]
        first = document.graphs[trail[0].graph].name if trail else ""
        users = blocks.uses(document, graph)
        state = (graph.name, first, tuple(names), len(users), theme.current().name)
        if state != self._state:
            self._state = state
            self._build(document, graph, first, names, len(users))
        self.show()

    def _build(
        self, document: Document, graph: Graph, first: str, names: list[str], users: int
    ) -> None:
        clear(self._layout)
        if not names:
            self._add_back(graph, users)
        way = [first, *names[:-1]] if names else []
        for at, name in enumerate(way):
            if MOST <= at < len(way) - 1:
                # A long way is shown by its beginning and its end.
                if at == MOST:
                    self._layout.addWidget(label("… ›", "muted"))
                continue
            back = link(short(name), partial(self.left.emit, len(names) - at))
            back.setAccessibleName(f"Back to {name}")
            set_tip(back, f"Back to {name}")
            self._layout.addWidget(back)
            self._layout.addWidget(label("›", "muted"))
        mark = label()
        color = theme.current().family("block")
        mark.setPixmap(icons.pixmap("block", color, ICON, self.devicePixelRatioF()))
        self._layout.addWidget(mark)
        self._layout.addSpacing(4)
        here = names[-1] if names else graph.name
        self.here = label(short(here), "heading")
        set_tip(self.here, here)
        self._layout.addWidget(self.here)
        if here != graph.name:
            self._layout.addWidget(label(f" block {short(graph.name)}", "muted"))
        self._layout.addStretch(1)
        self._add_uses(document, graph, users)

    def _add_back(self, graph: Graph, users: int) -> None:
        """Of a block that was shown directly: the way to where it is used."""
        if users:
            back = link("‹", lambda: self.left.emit(1))
            back.setAccessibleName(f"Back to where {graph.name} is used")
            set_tip(back, f"To where {graph.name} is used first")
            self._layout.addWidget(back)

    def _add_uses(self, document: Document, graph: Graph, users: int) -> None:
        self.uses = QToolButton()
        self.uses.setObjectName("breadcrumb.uses")
        times = {0: "not used yet", 1: "used once"}.get(users, f"used {users} times")
        # The little arrow that Qt draws of itself hangs over the edge.
        self.uses.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.uses.setText(f"{times} ▾" if users else times)
        self.uses.setAccessibleName(times)
        self.uses.setEnabled(users > 0)
        set_tip(self.uses, "An edit here changes all uses. Choose the one whose shapes are shown.")
        self.uses.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.uses)
        menu.setObjectName("breadcrumb.menu")
        menu.aboutToShow.connect(lambda: self._fill(menu, document, graph))
        self.uses.setMenu(menu)
        self._layout.addWidget(self.uses)

    def _fill(self, menu: QMenu, document: Document, graph: Graph) -> None:
        menu.clear()
        for path in trails.paths_to(document, graph):
            words = path_words(document, path).replace("&", "&&")
            menu.addAction(words, partial(self.use_chosen.emit, path))


def short(name: str) -> str:
    """A name with its end left out if it is long."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def path_words(document: Document, path: str) -> str:
    """A use's path by names: `main › stage1 › conv_block`."""
    trail = trails.trail_of(document, path)
    graph = document.graphs.get(path.partition("/")[0])
    names = [_step_name(document, step.graph, step.node) for step in trail]
    return " › ".join([graph.name if graph is not None else "", *names])


def _step_name(document: Document, graph: str, node: str) -> str:
    use: Node = document.graphs[graph].nodes[node]
    repeat = use.params.get("repeat", 1)
    return use.name if repeat == 1 else f"{use.name} ×{repeat}"

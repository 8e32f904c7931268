"""Whose weights a node uses: its own, or those of another node of the same layer."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFocusEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from netbuilder.graph import edits
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.gui.inspecting.field_row import LABEL_WIDTH
from netbuilder.gui.look.widgets import Choice, column, label, link, row


def owners(graph: Graph, node: Node) -> list[Node]:
    """The nodes whose weights `node` could use."""
    found = [
        other
        for other in graph.nodes.values()
        if other.layer == node.layer and other.id != node.id and not other.shares
    ]
    return sorted(found, key=lambda other: (other.order, other.id))


class _OwnerChoice(Choice):
    """Fills itself only when somebody wants to choose: there may be thousands of nodes."""

    wanted = Signal()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.wanted.emit()
        super().focusInEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.wanted.emit()
        super().mousePressEvent(event)


class WeightsLine(QWidget):
    """The choice, and a way to the node whose weights are used."""

    owner_wanted = Signal(str)

    def __init__(self, history: History, graph: Graph, node: str) -> None:
        super().__init__()
        self._history, self._graph, self._id = history, graph, node
        self.choice = _OwnerChoice()
        self.choice.setObjectName("node.shares")
        self.choice.setAccessibleName("Weights")
        self.choice.addItem("its own", "")
        self.choice.wanted.connect(self._fill)
        self.choice.activated.connect(self._share)
        self.owner = link("", lambda: self.owner_wanted.emit(self.shares()))
        self.owner.setObjectName("node.owner")
        name = label("weights", "field")
        name.setFixedWidth(LABEL_WIDTH)
        line = row(name, self.choice)
        line.setStretch(1, 1)
        holder = column(gap=4)
        holder.addLayout(line)
        holder.addLayout(row(self.owner, None))
        self.setLayout(holder)

    def shares(self) -> str:
        """The node whose weights are used; empty if it has its own."""
        node = self._graph.nodes.get(self._id)
        return node.shares if node is not None else ""

    def refresh(self) -> None:
        """Show what the document says."""
        owner = self._graph.nodes.get(self.shares())
        if self.choice.hasFocus():
            self._fill()
        elif owner is not None and self.choice.findData(owner.id) < 0:
            self.choice.addItem(f"those of {owner.name}", owner.id)
        self._choose(owner)
        self.owner.setVisible(owner is not None)
        if owner is not None:
            self.owner.setText(f"Parameters are changed at {owner.name}".replace("&", "&&"))

    def _choose(self, owner: Node | None) -> None:
        at = self.choice.findData(owner.id if owner is not None else "")
        if self.choice.currentIndex() != at:
            self.choice.setCurrentIndex(at)

    def _fill(self) -> None:
        node = self._graph.nodes.get(self._id)
        if node is None:
            return
        offered = [("its own", "")]
        offered += [(f"those of {other.name}", other.id) for other in owners(self._graph, node)]
        shown = [
            (self.choice.itemText(at), self.choice.itemData(at))
            for at in range(self.choice.count())
        ]
        if shown == offered:
            return
        self.choice.clear()
        for title, id in offered:
            self.choice.addItem(title, id)
        self._choose(self._graph.nodes.get(node.shares))

    def _share(self) -> None:
        chosen = self.choice.currentData()
        if chosen != self.shares():
            edits.set_node(self._history, self._graph, self._id, shares=chosen)
            self._history.seal()

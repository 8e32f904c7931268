"""The project as a tree of words: graphs, their nodes, the ports of those.

A screen reader gets from here all that the canvas draws. The tree follows the document step by
step: an edit of one node touches one row, ports are worked out when a node is opened.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

from netbuilder.compiler.report import GraphReport, NodeReport
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.gui.canvas.face import Face, face_of
from netbuilder.gui.look import icons, theme
from netbuilder.gui.outlining.outline_words import port_texts, spoken_node

_KINDS = {"network": "Network", "block": "Block", "step": "Training step"}
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_MANY = 64
"""More new rows than these are put in as a whole."""


@dataclass(eq=False, slots=True)
class Row:
    """A graph, a node (`node` set) or a port (`port` set)."""

    graph: str
    node: str = ""
    port: str = ""
    text: str = ""
    above: Row | None = None
    at: int = 0
    """Its place among its siblings."""
    below: list[Row] = field(default_factory=list)
    opened: bool = False
    """Whether its children are worked out."""

    def renumber(self) -> None:
        for at, row in enumerate(self.below):
            row.at = at


class Outline(QAbstractItemModel):
    """The tree of a document; `reports` are the compiler's by the id of the graph."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._reports: Mapping[str, GraphReport] = {}
        self._problems: dict[str, int] = {}
        """How many problems each node has."""
        self._top = Row("", opened=True)
        self._rows: dict[tuple[str, str], Row] = {}
        """The rows of graphs and nodes by the ids of both."""
        self._icons: dict[str, QIcon] = {}

    # -- following the document --------------------------------------------------------------

    def show_document(self, document: Document | None) -> None:
        """Another document."""
        self.beginResetModel()
        self._document = document
        self._reports, self._problems = {}, {}
        self._rows.clear()
        self._top = Row("", opened=True)
        for graph in document.graphs.values() if document is not None else ():
            row = self._new_graph(graph)
            row.below = [self._new_node(row, node) for node in graph.ordered()]
            row.renumber()
        self._top.renumber()
        self.endResetModel()

    def _new_graph(self, graph: Graph) -> Row:
        row = Row(graph.id, above=self._top, at=len(self._top.below), opened=True)
        row.text = f"{_KINDS[graph.kind]} {graph.name}"
        self._rows[graph.id, ""] = row
        self._top.below.append(row)
        return row

    def _new_node(self, above: Row, node: Node) -> Row:
        row = Row(above.graph, node.id, above=above, text=node.name)
        self._rows[above.graph, node.id] = row
        return row

    def graphs_changed(self) -> None:
        """Graphs came, went, or have other names."""
        document = self._document
        if document is None:
            return
        for row in list(reversed(self._top.below)):
            if row.graph not in document.graphs:
                self._remove(self._top, row.at, row.at)
        for graph in document.graphs.values():
            found = self._rows.get((graph.id, ""))
            if found is None:
                at = len(self._top.below)
                self.beginInsertRows(_NOWHERE, at, at)
                self._new_graph(graph)
                self.endInsertRows()
                self.nodes_changed(graph.id)
                continue
            text = f"{_KINDS[graph.kind]} {graph.name}"
            if found.text != text:
                found.text = text
                self._touch(found)

    def nodes_changed(self, graph_id: str) -> None:
        """Nodes of a graph came or went."""
        above, graph = self._rows.get((graph_id, "")), self._graph(graph_id)
        if above is None or graph is None:
            return
        at = len(above.below) - 1
        while at >= 0:
            last = at
            while at >= 0 and above.below[at].node not in graph.nodes:
                at -= 1
            if at < last:
                self._remove(above, at + 1, last)
            at -= 1
        new = [n for n in graph.ordered() if (graph_id, n.id) not in self._rows]
        if len(new) > _MANY:
            self._put_all(above, graph)
            return
        orders = [(graph.nodes[row.node].order, row.node) for row in above.below]
        for node in new:
            at = bisect_left(orders, (node.order, node.id))
            orders.insert(at, (node.order, node.id))
            self.beginInsertRows(self._index(above), at, at)
            above.below.insert(at, self._new_node(above, node))
            above.renumber()
            self.endInsertRows()

    def _put_all(self, above: Row, graph: Graph) -> None:
        """Many new nodes at once: one insertion instead of thousands."""
        if above.below:
            self._remove(above, 0, len(above.below) - 1)
        nodes = graph.ordered()
        self.beginInsertRows(self._index(above), 0, len(nodes) - 1)
        above.below = [self._new_node(above, node) for node in nodes]
        above.renumber()
        self.endInsertRows()

    def _remove(self, above: Row, first: int, last: int) -> None:
        self.beginRemoveRows(self._index(above), first, last)
        for row in above.below[first : last + 1]:
            self._forget(row)
        del above.below[first : last + 1]
        above.renumber()
        self.endRemoveRows()

    def _forget(self, row: Row) -> None:
        if not row.port:
            self._rows.pop((row.graph, row.node), None)
            for below in row.below:
                self._forget(below)

    def node_changed(self, graph_id: str, node_id: str) -> None:
        """A node has another name, parameters or wires."""
        row, graph = self._rows.get((graph_id, node_id)), self._graph(graph_id)
        if row is None or graph is None or node_id not in graph.nodes:
            return
        row.text = graph.nodes[node_id].name
        if row.opened:
            self._fill_ports(row)
        self._touch(row)

    def set_reports(self, reports: Mapping[str, GraphReport], problems: Mapping[str, int]) -> None:
        """Other shapes and problems. Rows ask for them when they are looked at."""
        self._reports, self._problems = reports, dict(problems)
        for row in self._top.below:
            for node in row.below:
                if node.opened:
                    self._fill_ports(node)
            if row.below:
                first = self.createIndex(0, 0, row.below[0])
                self.dataChanged.emit(first, self.createIndex(len(row.below) - 1, 0, row.below[-1]))

    def _touch(self, row: Row) -> None:
        index = self._index(row)
        self.dataChanged.emit(index, index)

    # -- ports -------------------------------------------------------------------------------

    def face(self, row: Row) -> Face | None:
        """What the canvas shows on a node."""
        graph = self._graph(row.graph)
        if graph is None or row.node not in graph.nodes or self._document is None:
            return None
        return face_of(self._document, graph, graph.nodes[row.node], self._report(row), ())

    def _report(self, row: Row) -> NodeReport | None:
        return self._reports.get(row.graph, GraphReport()).nodes.get(row.node)

    def _port_texts(self, row: Row) -> list[tuple[str, str]]:
        face, graph = self.face(row), self._graph(row.graph)
        if face is None or graph is None:
            return []
        return port_texts(graph, row.node, face, self._report(row) or NodeReport())

    def _fill_ports(self, row: Row) -> None:
        """Work out the ports of a node; rows that stay keep their place."""
        wanted = self._port_texts(row)
        if [name for name, _ in wanted] == [port.port for port in row.below]:
            for port, (_, text) in zip(row.below, wanted, strict=True):
                if port.text != text:
                    port.text = text
                    self._touch(port)
            return
        if row.below:
            self._remove(row, 0, len(row.below) - 1)
        if wanted:
            self.beginInsertRows(self._index(row), 0, len(wanted) - 1)
            row.below = [
                Row(row.graph, row.node, name, text, row, opened=True) for name, text in wanted
            ]
            row.renumber()
            self.endInsertRows()

    def canFetchMore(self, parent: _Index) -> bool:
        return parent.isValid() and not self.row_at(parent).opened

    def fetchMore(self, parent: _Index) -> None:
        row = self.row_at(parent)
        if not row.opened:
            row.opened = True
            self._fill_ports(row)

    def hasChildren(self, parent: _Index = _NOWHERE) -> bool:
        row = self.row_at(parent)
        return bool(row.below) or not row.opened

    # -- what a view asks ----------------------------------------------------------------------

    def row_at(self, index: _Index) -> Row:
        """The row of an index; the top for an invalid one."""
        row = index.internalPointer() if index.isValid() else None
        return row if isinstance(row, Row) else self._top

    def index_of(self, graph: str, node: str = "") -> QModelIndex:
        """The index of a graph or of a node in it; invalid if there is none."""
        row = self._rows.get((graph, node))
        return self._index(row) if row is not None else QModelIndex()

    def _index(self, row: Row) -> QModelIndex:
        return QModelIndex() if row is self._top else self.createIndex(row.at, 0, row)

    def _graph(self, id: str) -> Graph | None:
        return self._document.graphs.get(id) if self._document is not None else None

    def index(self, row: int, column: int, parent: _Index = _NOWHERE) -> QModelIndex:
        below = self.row_at(parent).below
        if column or not 0 <= row < len(below):
            return QModelIndex()
        return self.createIndex(row, 0, below[row])

    def parent(self, index: _Index = _NOWHERE) -> Any:
        above = self.row_at(index).above if index.isValid() else None
        return self._index(above) if above is not None else QModelIndex()

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        return len(self.row_at(parent).below)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        return 1

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return row.text
            case Qt.ItemDataRole.AccessibleTextRole | Qt.ItemDataRole.ToolTipRole:
                return self.spoken(row)
            case Qt.ItemDataRole.DecorationRole if row.node and not row.port:
                return self._icon(row)
            case Qt.ItemDataRole.ForegroundRole if row.port:
                return theme.current().muted
            case Qt.ItemDataRole.ForegroundRole if self._problems.get(row.node) and row.node:
                return theme.current().error
        return None

    def _icon(self, row: Row) -> QIcon:
        face = self.face(row)
        family = face.family if face is not None else "unknown"
        if family not in self._icons:
            self._icons[family] = icons.icon(family, theme.current().family(family), 16)
        return self._icons[family]

    def restyle(self) -> None:
        """Other colours."""
        self._icons.clear()
        self.layoutChanged.emit()

    def spoken(self, row: Row) -> str:
        """All there is to say of a row, for who can't see the canvas."""
        if row.port:
            return row.text
        if not row.node:
            count = len(row.below)
            return f"{row.text}, {count} node{'s' if count != 1 else ''}"
        face, graph = self.face(row), self._graph(row.graph)
        if face is None or graph is None:
            return row.text
        return spoken_node(graph.nodes[row.node], face, self._problems.get(row.node, 0))

"""What a project has otherwise than an earlier one, as a list in words."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QTreeWidget, QTreeWidgetItem, QWidget

from netbuilder.graph.difference import Row
from netbuilder.gui import style, theme
from netbuilder.gui.widgets import EmptyState, button, column, label, plain_tip, row

_MARKS = {"added": ("+", "success"), "removed": ("−", "error"), "changed": ("~", "text")}
_PLACE = int(Qt.ItemDataRole.UserRole)


class DifferenceDialog(QDialog):
    """Not modal: `place_wanted(graph, node)` shows where something is in the project as it is."""

    place_wanted = Signal(str, str)

    def __init__(
        self, title: str, about: str, rows: Sequence[Row], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setObjectName("differenceDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(620, 460)
        self._rows = list(rows)
        self.tree = QTreeWidget()
        self.tree.setHeaderHidden(True)
        self.tree.setRootIsDecorated(False)
        self.tree.setIndentation(16)
        self.tree.setStyleSheet("QTreeView::item { padding: 3px 0; }")
        self.tree.setAccessibleName("What differs")
        self.tree.itemActivated.connect(self._go)
        self.tree.itemClicked.connect(self._go)
        self._fill()
        copy = button("Copy as text", self._copy)
        close = button("Close", self.close, "primary")
        close.setDefault(True)
        layout = column(label(title, "title"), gap=8, margins=(24, 24, 24, 16))
        layout.addWidget(label(about, "muted", wrap=True))
        if rows:
            layout.addWidget(self.tree, 1)
        else:
            self.tree.hide()
            same = "Networks, steps and settings mean the same. Places and notes are left out."
            layout.addWidget(EmptyState("Nothing differs", same), 1)
        layout.addLayout(row(copy, None, close))
        copy.setVisible(bool(rows))
        self.setLayout(layout)

    def _fill(self) -> None:
        tokens = theme.current()
        groups: dict[str, QTreeWidgetItem] = {}
        for each in self._rows:
            group = groups.get(each.graph)
            if group is None:
                group = groups[each.graph] = QTreeWidgetItem([each.graph or "Project"])
                group.setForeground(0, tokens.muted)
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.tree.addTopLevelItem(group)
            sign, color = _MARKS[each.change]
            item = QTreeWidgetItem([f"{sign}   {each.words}"])
            item.setForeground(0, getattr(tokens, color))
            item.setData(0, _PLACE, (each.graph_id, each.node_id))
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{each.change}: {each.words}")
            item.setToolTip(0, plain_tip(each.words))
            group.addChild(item)
        self.tree.expandAll()

    def _go(self, item: QTreeWidgetItem, _: int = 0) -> None:
        place = item.data(0, _PLACE)
        if place and place[0]:
            self.place_wanted.emit(*place)

    def _copy(self) -> None:
        lines = [f"{each.graph or 'Project'}: {each.words}" for each in self._rows]
        QGuiApplication.clipboard().setText("\n".join(lines))

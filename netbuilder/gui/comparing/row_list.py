"""The list of what differs, graph by graph; the arrow keys go through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
)

from netbuilder.graph.difference import Row
from netbuilder.gui.comparing.marks import SIGNS, color
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import plain_tip

DONE = "✓"

_ROW = int(Qt.ItemDataRole.UserRole)


class _Wrapping(QStyledItemDelegate):
    """Rows as high as their text is when it is as wide as the list: a tree alone does not wrap."""

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        size = super().sizeHint(option, index)
        view = self.parent()
        assert isinstance(view, QTreeWidget)
        room = view.viewport().width() - view.indentation() - 6
        flags = int(Qt.TextFlag.TextWordWrap)
        words = str(index.data() or "")
        box = QFontMetrics(option.font).boundingRect(
            QRect(0, 0, max(80, room), 10_000), flags, words
        )
        return QSize(min(size.width(), room), max(size.height(), box.height() + 6))


class RowList(QTreeWidget):
    """`row_chosen(number)`: the one that the person is at now; `row_opened`: it was activated."""

    row_chosen = Signal(int)
    row_opened = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setIndentation(10)
        self.setWordWrap(True)
        self.setItemDelegate(_Wrapping(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setStyleSheet("QTreeView::item { padding: 3px 0; }")
        self.setAccessibleName("What differs")
        self.setMinimumWidth(160)
        self._items: list[QTreeWidgetItem] = []
        self.currentItemChanged.connect(self._moved)
        self.itemActivated.connect(self._opened)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def show_rows(
        self,
        rows: Sequence[Row],
        words: Callable[[Row], str] = lambda row: row.words,
        done: Callable[[Row], bool] = lambda row: False,
    ) -> None:
        """Show other rows; which one the person was at stays, as far as that can be.

        `words` is what a row says; those that are `done` are ticked off.
        """
        at = max(self.at, 0)
        blocked = self.blockSignals(True)
        self.clear()
        self._items = []
        groups: dict[str, QTreeWidgetItem] = {}
        for number, each in enumerate(rows):
            group = groups.get(each.graph)
            if group is None:
                group = groups[each.graph] = QTreeWidgetItem([each.graph or "Project"])
                group.setForeground(0, theme.current().muted)
                group.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.addTopLevelItem(group)
            text, ticked = words(each), done(each)
            item = QTreeWidgetItem([f"{DONE if ticked else SIGNS[each.change]}  {text}"])
            item.setForeground(0, theme.current().muted if ticked else color(each.change))
            item.setData(0, _ROW, number)
            spoken = "done" if ticked else each.change
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{spoken}: {text}")
            item.setToolTip(0, plain_tip(text))
            group.addChild(item)
            self._items.append(item)
        self.expandAll()
        self.blockSignals(blocked)
        if self._items:
            self.go_to(min(at, len(self._items) - 1))

    @property
    def at(self) -> int:
        """The number of the row that the person is at; -1 for none."""
        item = self.currentItem()
        number = item.data(0, _ROW) if item is not None else None
        return number if isinstance(number, int) else -1

    def rows_shown(self) -> list[QTreeWidgetItem]:
        """The items of the rows, in their order."""
        return list(self._items)

    def go_to(self, number: int) -> None:
        """Be at a row; past the last comes the first."""
        if self._items:
            self.setCurrentItem(self._items[number % len(self._items)])

    def _moved(self, item: QTreeWidgetItem | None, _: object = None) -> None:
        if self.at >= 0:
            self.row_chosen.emit(self.at)

    def _opened(self, item: QTreeWidgetItem, _: int = 0) -> None:
        if self.at >= 0:
            self.row_opened.emit(self.at)

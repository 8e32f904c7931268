"""The palette's list: entries to drag with the mouse, each with a star for favourites."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QMenu,
    QStyle,
    QStyleOptionViewItem,
    QWidget,
)

from netbuilder.gui.canvas.entries import ENTRY, EntryDelegate
from netbuilder.gui.canvas.gestures.base import DRAG_DISTANCE
from netbuilder.gui.canvas.search import Entry
from netbuilder.gui.look import icons, theme

STARRED = int(ENTRY) + 1
STAR = 16


def star_place(row: QRect) -> QRect:
    """Where the star of a row is painted and pressed."""
    return QRect(row.right() - STAR - 10, row.center().y() - STAR // 2, STAR, STAR)


class PaletteDelegate(EntryDelegate):
    """An entry, and a star: filled for a favourite, faint under the mouse."""

    def __init__(self) -> None:
        super().__init__(wide=False)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().paint(painter, option, index)
        entry = index.data(ENTRY)
        starred = bool(index.data(STARRED))
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if not isinstance(entry, Entry) or entry.refusal or not (starred or hovered):
            return
        tokens = theme.current()
        color = tokens.accent if starred else tokens.muted
        device = painter.device()
        ratio = device.devicePixelRatio() if device else 1.0
        name = "starred" if starred else "star"
        place = star_place(option.rect)
        painter.drawPixmap(place, icons.pixmap(name, color, STAR, ratio))


class PaletteList(QListView):
    """A list whose entries can be dragged with the mouse."""

    star_pressed = Signal(QModelIndex)
    drag_began = Signal(QModelIndex)
    drag_moved = Signal(QPoint, bool)
    drag_ended = Signal(QPoint, bool)
    drag_cancelled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers")
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setStyleSheet("QListView { background: transparent; }")
        self._pressed: tuple[QPoint, QModelIndex] | None = None
        self._dragging = False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and self._on_star(event, index):
            self.star_pressed.emit(index)
            return
        if event.button() == Qt.MouseButton.LeftButton and (
            index.flags() & Qt.ItemFlag.ItemIsEnabled
        ):
            self._pressed = (event.position().toPoint(), index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            super().mouseMoveEvent(event)
            return
        start, index = self._pressed
        if not self._dragging:
            way = event.position().toPoint() - start
            if way.manhattanLength() < 2 * DRAG_DISTANCE:
                return
            self._dragging = True
            self.grabKeyboard()
            self.drag_began.emit(index)
        self.drag_moved.emit(event.globalPosition().toPoint(), _alt(event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        dragging = self._dragging
        self._stop()
        super().mouseReleaseEvent(event)
        if dragging:
            self.drag_ended.emit(event.globalPosition().toPoint(), _alt(event))

    def _on_star(self, event: QMouseEvent, index: QModelIndex) -> bool:
        entry = index.data(ENTRY)
        place = star_place(self.visualRect(index)).adjusted(-3, -3, 3, 3)
        return (
            isinstance(entry, Entry)
            and not entry.refusal
            and place.contains(event.position().toPoint())
        )

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A fast second click on a star adds nothing."""
        if not self._on_star(event, self.indexAt(event.position().toPoint())):
            super().mouseDoubleClickEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """By the right button or the menu key: what can be done with an entry."""
        index = self.indexAt(event.pos())
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            index = self.currentIndex()
        entry = index.data(ENTRY)
        if not isinstance(entry, Entry) or entry.refusal:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Add to the canvas", lambda: self.activated.emit(index))
        starred = bool(index.data(STARRED))
        title = "Remove from favourites" if starred else "Add to favourites"
        menu.addAction(title, lambda: self.star_pressed.emit(index))
        menu.popup(self.viewport().mapToGlobal(self.visualRect(index).center()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._dragging:
            if event.key() == Qt.Key.Key_Escape:
                self._stop()
                self.drag_cancelled.emit()
            return
        super().keyPressEvent(event)

    def _stop(self) -> None:
        if self._dragging:
            self.releaseKeyboard()
        self._pressed, self._dragging = None, False
        self.viewport().unsetCursor()


def _alt(event: QMouseEvent) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)

"""How an entry of the add list or the palette is painted."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from netbuilder.gui.canvas.brushes import Type, brushes
from netbuilder.gui.canvas.search import FAMILY_TITLES, Entry
from netbuilder.gui.look import icons, theme

ENTRY = Qt.ItemDataRole.UserRole
"""An `Entry`; missing for the heading of a family."""
ICON = 18

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class EntryDelegate(QStyledItemDelegate):
    """Icon and title; with `wide` also the family and a second line of help."""

    def __init__(self, *, wide: bool) -> None:
        super().__init__()
        self._wide = wide

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        style = brushes()
        if not isinstance(index.data(ENTRY), Entry):
            return QSize(80, round(style.small.height) + theme.M)
        height = style.name.height + theme.S + 2
        if self._wide:
            height += style.small.height + 2
        return QSize(120, round(height))

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        style, tokens = brushes(), theme.current()
        rect: QRect = option.rect
        entry = index.data(ENTRY)
        painter.save()
        if not isinstance(entry, Entry):
            more = bool(index.flags() & Qt.ItemFlag.ItemIsEnabled)
            if more and option.state & (
                QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver
            ):
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(tokens.hover)
                inside = rect.adjusted(4, 1, -4, -1)
                painter.drawRoundedRect(inside, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
            # Under the names of the entries, and in the middle of its row.
            left, up = (26, theme.S) if more else (0, 0)
            self._heading(painter, style.small, rect.adjusted(left, -up, 0, 0), str(index.data()))
            painter.restore()
            return
        state = option.state
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        inner = rect.adjusted(4, 1, -4, -1)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(tokens.selection)
            painter.drawRoundedRect(inner, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
        elif state & QStyle.StateFlag.State_MouseOver and not entry.refusal:
            painter.setBrush(tokens.hover)
            painter.drawRoundedRect(inner, theme.RADIUS_SMALL, theme.RADIUS_SMALL)
        if entry.refusal:
            painter.setOpacity(0.4)
        elif entry.doubt and self._wide:
            painter.setOpacity(0.65)
        self._entry(painter, inner, entry)
        painter.restore()

    def _heading(self, painter: QPainter, type_: Type, rect: QRect, text: str) -> None:
        painter.setFont(type_.font)
        painter.setPen(theme.current().muted)
        painter.drawText(rect.adjusted(theme.M, theme.S, -theme.S, 0), _LEFT, text)

    def _entry(self, painter: QPainter, rect: QRect, entry: Entry) -> None:
        style, tokens = brushes(), theme.current()
        device = painter.device()
        ratio = device.devicePixelRatio() if device else 1.0
        picture = icons.pixmap(entry.family, tokens.family(entry.family), ICON, ratio)
        top = rect.top() + (rect.height() - ICON) // 2
        painter.drawPixmap(rect.left() + theme.S, top, picture)
        text = rect.adjusted(theme.S + ICON + 10, 0, -theme.S, 0)
        painter.setPen(tokens.text)
        painter.setFont(style.name.font)
        if not self._wide:
            painter.drawText(text, _LEFT, style.name.elided(entry.title, text.width()))
            return
        first = QRect(text.left(), text.top() + 3, text.width(), round(style.name.height) + 2)
        second = QRect(text.left(), first.bottom(), text.width(), round(style.small.height) + 2)
        family = FAMILY_TITLES.get(entry.family, entry.family)
        room = first.width() - style.small.width(family) - theme.M
        painter.drawText(first, _LEFT, style.name.elided(entry.title, room))
        if entry.doubt:
            # Small texts need all of their contrast.
            painter.setOpacity(1.0)
        painter.setPen(tokens.muted)
        painter.setFont(style.small.font)
        painter.drawText(first, _RIGHT, family)
        if entry.doubt:
            painter.setPen(tokens.warning)
        line = style.small.elided(entry.doubt or entry.help, second.width())
        painter.drawText(second, _LEFT, line)

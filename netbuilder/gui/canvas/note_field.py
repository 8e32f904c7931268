"""Write a text of several lines where it stands on the canvas."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

LIMIT = 10_000
"""Characters of a note that are taken; more make no note."""


class NoteField(QPlainTextEdit):
    """Ctrl+Enter and leaving take the text, Esc drops it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._take: Callable[[str], None] = lambda text: None
        self.setTabChangesFocus(True)
        self.installEventFilter(self)
        self.hide()

    def open_at(self, place: QRect, label: str, text: str, take: Callable[[str], None]) -> None:
        """Edit `text`; `take` gets the result. `label` says what it is."""
        self._take = take
        self.setAccessibleName(label)
        self.setPlaceholderText(f"{label}. Ctrl+Enter keeps it.")
        self.setGeometry(place)
        self.setPlainText(text)
        self.selectAll()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def _finish(self, *, take: bool) -> None:
        if not self.isVisible():
            return
        self.hide()
        parent = self.parentWidget()
        if parent is not None:
            parent.setFocus(Qt.FocusReason.OtherFocusReason)
        if take:
            self._take(self.toPlainText().strip()[:LIMIT])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            # Letters belong to the text, whatever commands they stand for on the canvas.
            event.accept()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if event.key() == Qt.Key.Key_Escape:
                self._finish(take=False)
                return True
            if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
                self._finish(take=True)
                return True
        if event.type() == QEvent.Type.FocusOut:
            self._finish(take=True)
        return super().eventFilter(watched, event)

"""Rename a node where it stands."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget


class RenameField(QLineEdit):
    """A field over a node's name: Enter takes it, Esc drops it, leaving takes what is legal."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._refusal: Callable[[str], str | None] = lambda name: None
        self._take: Callable[[str], None] = lambda name: None
        self._complain: Callable[[str | None], None] = lambda reason: None
        self.textEdited.connect(self._check)
        self.installEventFilter(self)
        self.hide()

    def open_at(
        self,
        place: QRect,
        name: str,
        refusal: Callable[[str], str | None],
        take: Callable[[str], None],
        complain: Callable[[str | None], None],
        label: str = "Name of the node",
    ) -> None:
        """Edit `name`; `refusal` says why not, `complain` shows that, `take` gets the result."""
        self.setAccessibleName(label)
        self._refusal, self._take, self._complain = refusal, take, complain
        self.setGeometry(place)
        self.setText(name)
        self._check(name)
        self.selectAll()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def _check(self, name: str) -> None:
        reason = self._refusal(name.strip())
        self.setProperty("invalid", bool(reason))
        self.style().unpolish(self)
        self.style().polish(self)
        self._complain(reason)

    def _finish(self, *, take: bool) -> None:
        if not self.isVisible():
            return
        name = self.text().strip()
        legal = self._refusal(name) is None
        self.hide()
        self._complain(None)
        parent = self.parentWidget()
        if parent is not None:
            parent.setFocus(Qt.FocusReason.OtherFocusReason)
        if take and legal:
            self._take(name)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            if event.key() == Qt.Key.Key_Escape:
                self._finish(take=False)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                if self._refusal(self.text().strip()) is None:
                    self._finish(take=True)
                return True
        if event.type() == QEvent.Type.FocusOut:
            self._finish(take=True)
        return super().eventFilter(watched, event)

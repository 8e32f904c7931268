"""A part of a panel that is folded away until somebody wants it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from netbuilder.gui.look.widgets import column


class Fold(QWidget):
    """A title with an arrow, and under it what it opens."""

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self._title = title
        self.content = content
        self.head = QToolButton()
        self.head.setCheckable(True)
        self.head.setProperty("role", "fold")
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.setCursor(Qt.CursorShape.PointingHandCursor)
        self.head.toggled.connect(self._turn)
        self.setLayout(column(self.head, content, gap=6))
        self.set_note("")
        self._turn(False)

    def set_note(self, note: str) -> None:
        """What stands after the title, to tell what is inside."""
        text = f"{self._title} · {note}" if note else self._title
        if self.head.text() != text:
            self.head.setText(text)
            self.head.setAccessibleName(text)

    @property
    def is_open(self) -> bool:
        """Whether the content is shown."""
        return self.head.isChecked()

    def open(self, wanted: bool = True) -> None:
        """Show the content, or fold it away."""
        self.head.setChecked(wanted)

    def _turn(self, opened: bool) -> None:
        self.content.setVisible(opened)
        self.head.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.toggled.emit(opened)

"""The PyTorch source of the shown graph, live; lines and nodes mark each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QGuiApplication,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QShowEvent,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QStackedLayout, QTextEdit, QWidget

from netbuilder.gui.highlighter import PythonHighlighter
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import EmptyState, button, column, holder, label, row

NO_CODE = (
    "No code yet",
    "The PyTorch source of this graph appears here as soon as the graph has no errors.",
)


class CodeView(QPlainTextEdit):
    """Source to read; a click on a line, or Enter in it, tells which."""

    line_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("code")
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setUndoRedoEnabled(False)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setAccessibleName("Source")
        self.setFont(theme.mono())
        self.highlighter = PythonHighlighter(self.document())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if not self.textCursor().hasSelection():
            self.line_clicked.emit(self.textCursor().blockNumber() + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.line_clicked.emit(self.textCursor().blockNumber() + 1)
            return
        super().keyPressEvent(event)

    def show_source(self, text: str) -> None:
        """Show `text`, replacing only the part that differs: the view does not jump."""
        old = self.toPlainText()
        if old == text:
            return
        if max(old + text) > "\uffff":
            # Qt counts such letters twice.
            self.setPlainText(text)
            return
        same = min(len(old), len(text))
        head = next((at for at in range(same) if old[at] != text[at]), same)
        tail = 0
        while tail < same - head and old[-1 - tail] == text[-1 - tail]:
            tail += 1
        cursor = QTextCursor(self.document())
        cursor.setPosition(head)
        cursor.setPosition(len(old) - tail, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText(text[head : len(text) - tail])

    def mark(self, lines: Collection[int]) -> None:
        """Light up these lines (from 1) and bring the first into view."""
        marks = []
        for number in sorted(lines):
            block = self.document().findBlockByNumber(number - 1)
            if block.isValid():
                mark = QTextEdit.ExtraSelection()
                mark.format.setBackground(theme.current().selection)
                mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
                mark.cursor = QTextCursor(block)
                marks.append(mark)
        self.setExtraSelections(marks)
        if marks and not self.hasFocus():
            first = QTextCursor(self.document().findBlockByNumber(min(lines) - 1))
            position = self.cursorRect(first).top()
            if not 0 <= position < self.viewport().height() - 20:
                self.setTextCursor(first)
                self.centerCursor()


class CodePanel(QWidget):
    """`node_chosen(graph, node)`: the person clicked a line that a node wrote.

    `looked_at(bool)`: the panel came into sight, or went out of it.
    """

    node_chosen = Signal(str, str)
    looked_at = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._text = ""
        self._lines: Mapping[int, tuple[str, str]] = {}
        self._selected: frozenset[str] = frozenset()
        self._stale = False
        self.view = CodeView()
        self.caption = label("", "small")
        self.copy = button("Copy", self._copy, "quiet", "Copy the source")
        self.empty = EmptyState(*NO_CODE)
        bar = row(self.caption, None, self.copy, margins=(12, 4, 8, 4))
        content = column(gap=0)
        content.addLayout(bar)
        content.addWidget(self.view, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(holder(content))
        self.view.line_clicked.connect(self._clicked)

    def show_code(self, name: str, text: str, lines: Mapping[int, tuple[str, str]]) -> None:
        """The source of the graph `name`; `lines` tells which graph's node wrote which line."""
        self._name, self._text, self._lines, self._stale = name, text, lines, True
        self.empty.say(*NO_CODE)
        count = len(text.splitlines())
        self.caption.setText(f"{name} — {count} lines of PyTorch" if text else "")
        self._stack.setCurrentIndex(1 if text else 0)
        self._update()

    def await_code(self, name: str) -> None:
        """The source of the graph `name` is still to come; an earlier one of it stays till then."""
        if name != self._name:
            self.show_code(name, "", {})
            self.empty.say("", "")

    def mark_nodes(self, nodes: Collection[str]) -> None:
        """Light up the lines of these nodes."""
        self._selected = frozenset(nodes)
        self._update()

    def _update(self) -> None:
        # Laying out text that nobody sees would slow every edit down.
        if not self.isVisible():
            self._stale = True
            return
        if self._stale:
            self._stale = False
            self.view.show_source(self._text)
        self.view.mark([line for line, place in self._lines.items() if place[1] in self._selected])

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.looked_at.emit(True)
        self._update()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.looked_at.emit(False)

    def _clicked(self, line: int) -> None:
        place = self._lines.get(line)
        if place is not None:
            self.node_chosen.emit(*place)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self.copy.setText("Copied")

"""The PyTorch source of the shown graph, live; lines and nodes mark each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication, QMouseEvent, QShowEvent, QTextCursor, QTextFormat
from PySide6.QtWidgets import QPlainTextEdit, QStackedLayout, QTextEdit, QWidget

from netbuilder.gui import theme
from netbuilder.gui.highlighter import PythonHighlighter
from netbuilder.gui.widgets import EmptyState, button, column, holder, label, row


class CodeView(QPlainTextEdit):
    """Source to read; a click on a line tells which."""

    line_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("code")
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setUndoRedoEnabled(False)
        self.setFont(theme.mono())
        self.highlighter = PythonHighlighter(self.document())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        if not self.textCursor().hasSelection():
            self.line_clicked.emit(self.textCursor().blockNumber() + 1)

    def show_source(self, text: str) -> None:
        """Show `text`, replacing only the lines that differ: the view does not jump."""
        old, new = self.toPlainText().split("\n"), text.split("\n")
        if old == new:
            return
        same = min(len(old), len(new))
        head = next((i for i in range(same) if old[i] != new[i]), same)
        tail = 0
        while tail < same - head and old[-1 - tail] == new[-1 - tail]:
            tail += 1
        if head == same:
            head = max(0, head - 1)
            tail = 0
        cursor = QTextCursor(self.document().findBlockByNumber(head))
        last = self.document().findBlockByNumber(max(head, len(old) - tail - 1))
        if tail and head > len(old) - tail - 1:
            head, tail = max(0, head - 1), max(0, tail - 1)
            cursor = QTextCursor(self.document().findBlockByNumber(head))
            last = self.document().findBlockByNumber(len(old) - tail - 1)
        end = last.position() + len(last.text())
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        cursor.insertText("\n".join(new[head : len(new) - tail]))

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
    """`node_chosen(id)`: the person clicked a line that a node wrote."""

    node_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._lines: Mapping[int, str] = {}
        self._selected: frozenset[str] = frozenset()
        self._stale = False
        self.view = CodeView()
        self.caption = label("", "small")
        self.copy = button("Copy", self._copy, "quiet", "Copy the source")
        self.empty = EmptyState(
            "No code yet",
            "The PyTorch source of this graph appears here as soon as the graph has no errors.",
        )
        bar = row(self.caption, None, self.copy, margins=(12, 4, 8, 4))
        content = column(gap=0)
        content.addLayout(bar)
        content.addWidget(self.view, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(holder(content))
        self.view.line_clicked.connect(self._clicked)

    def show_code(self, name: str, text: str, lines: Mapping[int, str]) -> None:
        """The source of the graph `name`; `lines` tells which node wrote which line."""
        self._text, self._lines, self._stale = text, lines, True
        count = len(text.splitlines())
        self.caption.setText(f"{name} — {count} lines of PyTorch" if text else "")
        self._stack.setCurrentIndex(1 if text else 0)
        self._update()

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
        self.view.mark([line for line, node in self._lines.items() if node in self._selected])

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._update()

    def _clicked(self, line: int) -> None:
        node = self._lines.get(line)
        if node:
            self.node_chosen.emit(node)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._text)
        self.copy.setText("Copied")

"""One declared parameter of a block: its name, its default and what it is for."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Signal, SignalInstance
from PySide6.QtWidgets import QGridLayout, QLineEdit, QToolButton, QWidget

from netbuilder.graph import expressions
from netbuilder.graph.model import MAX_INT, Json
from netbuilder.graph.parameters import Parameter
from netbuilder.gui.inspecting.editors import DocumentUndo
from netbuilder.gui.inspecting.fields import text_of
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import label, set_tip

MAX_HELP = 400
_WORDS: dict[str, Json] = {"true": True, "false": False}


def read_default(text: str) -> Json:
    """What a typed default stands for: a number, true or false, several with commas, a text.

    `ValueError` says what is expected.
    """
    text = text.strip()
    if not text:
        raise ValueError("A parameter needs a default, such as 64.")
    if text.startswith(expressions.MARK):
        raise ValueError("A default is a plain value; expressions go into fields inside.")
    inner = text[1:-1] if text[0] + text[-1] in ("()", "[]") else text
    if inner != text or "," in text:
        parts = [part.strip() for part in inner.split(",")]
        return tuple(_scalar(part) for part in parts if part)
    return _scalar(text)


def _scalar(text: str) -> Json:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind in (int, float):
        try:
            value = kind(text) if len(text) <= 40 else None
        except ValueError:
            continue
        if value is not None and math.isfinite(value) and abs(value) <= MAX_INT:
            return value
        raise ValueError("A smaller number.")
    return text


class ParameterRow(QWidget):
    """Name, default and help of one parameter, with buttons to move it up and to remove it."""

    renamed = Signal(str)
    defaulted = Signal(object)
    helped = Signal(str)
    raised = Signal()
    removed = Signal()
    finished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = self._line("Name of the parameter", "name")
        self.default = self._line("Default", "default")
        self.help = self._line("What the parameter is for", "what it is for")
        self.help.setMaxLength(MAX_HELP)
        self.up = self._tool("Move up", self.raised)
        self.remove = self._tool("Remove", self.removed)
        self.error = label("", "error", wrap=True)
        self.error.hide()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(4)
        grid.setVerticalSpacing(4)
        for at, widget in enumerate((self.name, self.default, self.up, self.remove)):
            grid.addWidget(widget, 0, at)
        grid.addWidget(self.help, 1, 0, 1, 4)
        grid.addWidget(self.error, 2, 0, 1, 4)
        grid.setColumnStretch(0, 3)
        grid.setColumnStretch(1, 2)
        self.name.editingFinished.connect(self._renamed)
        self.default.textEdited.connect(self._typed)
        self.default.editingFinished.connect(self.finished)
        self.help.textEdited.connect(self.helped)
        self.help.editingFinished.connect(self.finished)
        theme.notifier.changed.connect(self._dress)
        self._dress()

    def _line(self, title: str, placeholder: str) -> QLineEdit:
        line = QLineEdit()
        line.setAccessibleName(title)
        line.setPlaceholderText(placeholder)
        line.installEventFilter(DocumentUndo(line))
        return line

    def _tool(self, title: str, signal: SignalInstance) -> QToolButton:
        tool = QToolButton()
        tool.setIconSize(QSize(14, 14))
        tool.setAccessibleName(title)
        set_tip(tool, title)
        tool.clicked.connect(lambda: signal.emit())
        return tool

    def _dress(self) -> None:
        muted = theme.current().muted
        self.up.setIcon(icons.icon("up", muted, 14))
        self.remove.setIcon(icons.icon("close", muted, 14))

    def _renamed(self) -> None:
        if self.name.isModified():
            self.name.setModified(False)
            self.renamed.emit(self.name.text().strip())

    def _typed(self, text: str) -> None:
        try:
            value = read_default(text)
        except ValueError as error:
            self.say(str(error))
            return
        self.say("")
        self.defaulted.emit(value)

    def say(self, reason: str) -> None:
        """Why what was typed is not taken; nothing with an empty text."""
        self.error.setText(reason)
        self.error.setVisible(bool(reason))

    def _stands_for(self, value: Json) -> bool:
        """Whether the field says this already, or something is being typed that is no value."""
        try:
            # 1, 1.0 and true are equal but not the same.
            return repr(read_default(self.default.text())) == repr(value)
        except ValueError:
            return self.default.hasFocus() and self.default.isModified()

    def show_parameter(self, parameter: Parameter, *, first: bool) -> None:
        """Show what the document says; what is being typed stays."""
        for line, text in ((self.name, parameter.name), (self.help, parameter.help)):
            if line.text() != text and not (line.hasFocus() and line.isModified()):
                line.setText(text)
        if not self._stands_for(parameter.default):
            self.default.setText(text_of(parameter.default))
            self.say("")
        self.up.setEnabled(not first)
        for part, widget in (("name", self.name), ("default", self.default), ("help", self.help)):
            widget.setObjectName(f"parameter.{parameter.name}.{part}")

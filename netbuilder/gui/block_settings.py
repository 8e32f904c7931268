"""The settings of a block: what it can be told, and where it is used."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QSize, Signal, SignalInstance
from PySide6.QtWidgets import QGridLayout, QLineEdit, QMenu, QToolButton, QWidget

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, expressions, parameters, rules
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import MAX_INT, Json
from netbuilder.graph.parameters import Parameter
from netbuilder.gui import icons, theme
from netbuilder.gui.editors import DocumentUndo
from netbuilder.gui.fields import text_of
from netbuilder.gui.forms import LABEL_WIDTH
from netbuilder.gui.widgets import button, clear, column, label, link, row, set_tip

MOST_USES = 8
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


class BlockSettings(QWidget):
    """Parameters and uses of one block. `use_wanted(graph, node)`: show this use."""

    use_wanted = Signal(str, str)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._history: History | None = None
        self._block: Graph | None = None
        self._state: object = None
        self.title = label("Block", "heading")
        self.name = QLineEdit()
        self.name.setObjectName("block.name")
        self.name.setAccessibleName("Name of the block")
        self.name.setMaxLength(rules.MAX_NAME)
        self.name.installEventFilter(DocumentUndo(self.name))
        self.name.editingFinished.connect(self._rename_block)
        self.name_error = label("", "error", wrap=True)
        self.name_error.hide()
        self.uses = column(gap=0)
        self.none = label(
            "Declare what differs between uses, such as channels; fields of the layers inside "
            "take it as =channels or =2*channels.",
            "muted",
            wrap=True,
        )
        self.rows: list[ParameterRow] = []
        self._rows = column(gap=12)
        self.add = button("Add a parameter", self._add)
        self.add.setObjectName("block.add_parameter")
        self.promote = button("From a value…", role="quiet")
        self.promote.setObjectName("block.promote")
        set_tip(self.promote, "Make a value of a layer inside into a parameter with that default")
        self.values = QMenu(self.promote)
        self.values.setObjectName("block.values")
        self.values.aboutToShow.connect(self._fill_values)
        self.promote.setMenu(self.values)
        word = label("name", "field")
        word.setFixedWidth(LABEL_WIDTH)
        layout = column(self.title)
        layout.addLayout(row(word, self.name))
        layout.addWidget(self.name_error)
        layout.addLayout(self.uses)
        layout.addWidget(label("Parameters", "group"))
        layout.addWidget(self.none)
        layout.addLayout(self._rows)
        layout.addLayout(row(self.add, self.promote, None))
        self.setLayout(layout)

    def show_block(self, history: History, block: Graph) -> None:
        """Show what the document says of a block."""
        self._history, self._block = history, block
        typing = self.name.hasFocus() and self.name.isModified()
        if self.name.text() != block.name and not typing:
            self.name.setText(block.name)
            self._refuse("")
        found = blocks.uses(history.document, block)
        state = (block.id, [(graph.id, graph.name, node.id, node.name) for graph, node in found])
        if state != self._state:
            self._state = state
            self._show_uses(found)
        declared = parameters.declared(block)
        self.none.setVisible(not declared)
        while len(self.rows) > len(declared):
            gone = self.rows.pop()
            gone.hide()
            self._rows.removeWidget(gone)
            gone.deleteLater()
        while len(self.rows) < len(declared):
            self._add_row()
        for at, (line, parameter) in enumerate(zip(self.rows, declared, strict=True)):
            line.show_parameter(parameter, first=at == 0)

    def _show_uses(self, found: list[blocks.Use]) -> None:
        clear(self.uses)
        times = {0: "It is not used yet: it waits in the palette.", 1: "Used once:"}
        words = times.get(len(found), f"Used {len(found)} times; an edit here changes all:")
        self.uses.addWidget(label(words, "muted", wrap=True))
        for graph, node in found[:MOST_USES]:
            words = f"{node.name} in {graph.name}"
            line = link(words, partial(self.use_wanted.emit, graph.id, node.id))
            self.uses.addLayout(row(line, None))
        if len(found) > MOST_USES:
            self.uses.addWidget(label(f"and {len(found) - MOST_USES} more", "muted"))

    def _add_row(self) -> None:
        line, at = ParameterRow(), len(self.rows)
        line.renamed.connect(lambda name: self._rename(at, name))
        line.defaulted.connect(lambda value: self._set(at, default=value))
        line.helped.connect(lambda text: self._set(at, help=text))
        line.raised.connect(lambda: self._edit(at, lambda h, b, n: parameters.move(h, b, n, -1)))
        line.removed.connect(lambda: self._edit(at, parameters.remove))
        line.finished.connect(self._seal)
        self.rows.append(line)
        self._rows.addWidget(line)

    # -- editing -----------------------------------------------------------------------

    def _edit(self, at: int, change: Callable[[History, Graph, str], object]) -> None:
        history, block = self._history, self._block
        if history is None or block is None:
            return
        declared = parameters.declared(block)
        if at < len(declared):
            change(history, block, declared[at].name)

    def _set(self, at: int, **fields: Json) -> None:
        self._edit(at, lambda h, b, name: parameters.set_parameter(h, b, name, **fields))

    def _rename(self, at: int, name: str) -> None:
        try:
            self._edit(at, lambda h, b, old: parameters.rename(h, b, old, name))
            self.rows[at].say("")
        except ChangeError as error:
            self.rows[at].name.setModified(True)
            self.rows[at].say(str(error))

    def _add(self) -> None:
        history, block = self._history, self._block
        if history is None or block is None:
            return
        parameters.declare(history, block, parameters.free_name(block), 64)
        self.show_block(history, block)
        line = self.rows[-1].name
        line.setFocus()
        line.selectAll()

    def _rename_block(self) -> None:
        history, block = self._history, self._block
        if history is None or block is None or not self.name.isModified():
            return
        try:
            blocks.rename(history, block, self.name.text())
        except ChangeError as error:
            self._refuse(str(error))
            return
        self.name.setModified(False)
        self.name.setText(block.name)
        self._refuse("")

    def _refuse(self, reason: str) -> None:
        self.name_error.setText(reason)
        self.name_error.setVisible(bool(reason))

    def _fill_values(self) -> None:
        """The values that layers inside have of their own, by layer."""
        self.values.clear()
        for node in self._block.ordered() if self._block is not None else ():
            own = {
                name: value
                for name, value in node.params.items()
                if not expressions.holds_expression(value) and not isinstance(value, Mapping)
            }
            if not own or node.layer == blocks.BLOCK:
                continue
            menu = self.values.addMenu(node.name.replace("&", "&&"))
            for name, value in own.items():
                words = f"{name} = {text_of(value)[:40]}".replace("&", "&&")
                menu.addAction(words, partial(self._promote, node.id, name))
        if self.values.isEmpty():
            self.values.addAction("No layer inside has a value of its own").setEnabled(False)

    def _promote(self, node: str, name: str) -> None:
        if self._history is not None and self._block is not None:
            parameters.promote(self._history, self._block, node, name)

    def _seal(self) -> None:
        if self._history is not None:
            self._history.seal()

"""The settings of a block: what it can be told, and where it is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QMenu, QToolButton, QWidget

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, expressions, parameters, rules
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, Node
from netbuilder.gui.breadcrumb import short
from netbuilder.gui.inspecting.editors import DocumentUndo
from netbuilder.gui.inspecting.fields import text_of
from netbuilder.gui.inspecting.forms import LABEL_WIDTH
from netbuilder.gui.inspecting.parameter_row import ParameterRow
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import button, clear, column, label, link, row, set_tip

MOST_USES = 8


class BlockSettings(QWidget):
    """Parameters and uses of one block. `use_wanted(graph, node)`: show this use."""

    use_wanted = Signal(str, str)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._history: History | None = None
        self._block: Graph | None = None
        self._state: object = None
        self._named: object = None
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
        self.ports = column(gap=0)
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
        layout.addWidget(label("Inputs and outputs", "group"))
        layout.addLayout(self.ports)
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
        ports = [blocks.ports(block, outputs=side) for side in (False, True)]
        named = (block.id, [[(node.id, node.name) for node in side] for side in ports])
        if named != self._named:
            self._named = named
            self._show_ports(ports)
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
            words = f"{short(node.name)} in {short(graph.name)}"
            line = link(words, partial(self.use_wanted.emit, graph.id, node.id))
            set_tip(line, f"{node.name} in {graph.name}")
            self.uses.addLayout(row(line, None))
        if len(found) > MOST_USES:
            self.uses.addWidget(label(f"and {len(found) - MOST_USES} more", "muted"))

    def _show_ports(self, sides: list[list[Node]]) -> None:
        clear(self.ports)
        for side, words in zip(sides, ("in", "out"), strict=True):
            for at, node in enumerate(side):
                word = label(words, "field")
                word.setFixedWidth(32)
                line = row(word, label(short(node.name)), None)
                if at > 0:
                    up = QToolButton()
                    up.setObjectName(f"port.{node.name}.up")
                    up.setIcon(icons.icon("up", theme.current().muted, 14))
                    up.setAccessibleName(f"Move {node.name} up")
                    set_tip(up, "Move up: ports have this order, and so have arguments")
                    up.clicked.connect(self._raiser(node.id))
                    line.addWidget(up)
                self.ports.addLayout(line)
        if not any(sides):
            words = "Inputs and outputs inside become the ports of its uses."
            self.ports.addWidget(label(words, "muted", wrap=True))

    def _raiser(self, node: str) -> Callable[[], None]:
        def up() -> None:
            if self._history is not None and self._block is not None:
                blocks.move_port(self._history, self._block, node, -1)

        return up

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
            if not own or node.layer in blocks.USES:
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

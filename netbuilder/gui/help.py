"""Help inside the window: keys and gestures, and what this program is."""

from __future__ import annotations

from importlib.metadata import version

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QWidget

from netbuilder.gui.asking.dialogs import tell
from netbuilder.gui.commands import Commands, shown
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, holder, label, row, scroller

GESTURES = (
    ("Drag from the palette", "add a layer; onto a wire: insert it there"),
    ("Double-click on the canvas", "search for a layer and add it there"),
    ("Space or Tab", "add a layer after what is selected, or into the selected wire"),
    ("Enter, Shift+Enter in that list", "put it before what follows, or beside it"),
    ("Drag from a port", "a new wire; into the empty: search for what fits"),
    ("Double-click on a block", "go in; Esc on nothing selected comes out again"),
    ("Alt+click, Ctrl+drag on a port", "break its wires; move all of them to another port"),
    ("Double-click on a wire", "a dot that leads it around"),
    ("Drag a node onto a wire", "insert it there; with Alt: not"),
    ("Ctrl+drag with the right button", "cut the wires that the line crosses"),
    ("Right button", "what can be done with what is under the mouse"),
    ("Drag on the empty canvas", "select; with Shift add, with Ctrl toggle"),
    ("Middle drag, Space+drag", "move the view"),
    ("Wheel", "zoom at the mouse"),
    ("Arrows, Shift+arrows", "move what is selected"),
)


class KeysDialog(QDialog):
    """Gestures, and every command that has a key."""

    def __init__(self, commands: Commands, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys and gestures")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(620, 640)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        lines = [*GESTURES]
        for command in commands:
            keys = [shown(chord) for chord in commands.keys(command.id)]
            if keys:
                lines.append((", ".join(keys), command.words()))
        for at, (keys_text, text) in enumerate(lines):
            grid.addWidget(label(keys_text, "mono"), at, 0)
            grid.addWidget(label(text, "muted", wrap=True), at, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(len(lines), 1)
        title = label("Keys and gestures", "title")
        area = scroller(holder(grid))
        layout = column(title, area, gap=16, margins=(24, 24, 24, 16))
        layout.addLayout(row(None, button("Close", self.close, "primary")))
        self.setLayout(layout)


def about(parent: QWidget) -> None:
    """The program's name, version and licence."""
    text = (
        f"Version {version('netbuilder')}\n\nDraw a network, watch it learn, ship it. "
        "What you train is PyTorch code that you can read.\n\nApache License 2.0"
    )
    tell(parent, "netbuilder", text)

"""The packages that offer layers: what they bring, and why some are left out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, label, row, scroller, selectable
from netbuilder.layers.plugins import Plugin

NONE = (
    "No installed package offers layers. A package does it with the entry point "
    "'netbuilder.layers'; see Adding a layer in the documentation."
)
SAFE = "netbuilder was started in safe mode: no package was asked for layers."


class PluginsDialog(QDialog):
    """One paragraph a package; plain text throughout, since packages wrote it."""

    def __init__(self, plugins: Sequence[Plugin], *, safe: bool, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle("netbuilder")
        self.setObjectName("plugins")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(560, 420)
        entries = QVBoxLayout()
        entries.setContentsMargins(0, 0, 0, 0)
        entries.setSpacing(12)
        self.words = [SAFE] if safe else [NONE] if not plugins else []
        for text in self.words:
            entries.addWidget(selectable(text))
        for plugin in plugins:
            name = f"{plugin.package or plugin.name} {plugin.version}".strip()
            told = f"Left out. {plugin.fault}" if plugin.fault else ", ".join(plugin.layers)
            self.words += [name, told]
            role = "error" if plugin.fault else "muted"
            entries.addLayout(column(label(name), selectable(told, role), gap=2))
        entries.addStretch(1)
        inside = QWidget()
        inside.setLayout(entries)
        close = button("Close", self.close)
        close.setDefault(True)
        title = label("Layers of installed packages", "title")
        layout = column(title, gap=12, margins=(24, 24, 24, 16))
        layout.addWidget(scroller(inside), 1)
        layout.addLayout(row(None, close))
        self.setLayout(layout)

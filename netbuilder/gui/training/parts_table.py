"""How parts of networks train, if not like the rest of their step: a line a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QToolButton, QWidget

from netbuilder.graph.document import Document
from netbuilder.graph.model import Json
from netbuilder.gui.inspecting.editors import editor_for
from netbuilder.gui.inspecting.fields import specs
from netbuilder.gui.inspecting.typed import refusal
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import button, label, row, set_tip
from netbuilder.layers import catalogue
from netbuilder.training.settings import PartSettings

MOST = 400
"""Parts offered to choose from; more make no list that anybody reads."""

Part = Mapping[str, Json]


def offered(document: Document, networks: Sequence[str]) -> list[str]:
    """The parts that one may name: networks, and the nodes in them that may have weights."""
    found: list[str] = []
    for name in networks:
        network = document.network(name)
        if network is None:
            continue
        found.append(name)
        for node in network.ordered():
            if len(found) >= MOST:
                return found
            layer = catalogue.find(node.layer)
            family = getattr(layer, "family", None) if layer is not None else None
            if str(getattr(family, "value", family)) not in ("io", "activation"):
                found.append(f"{name}.{node.name}")
    return found


class PartsTable(QWidget):
    """A line for each part: which one, its share of the rate, its decay, whether it is frozen.

    `edited(parts)` carries all lines as JSON values.
    """

    edited = Signal(object)
    finished = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[dict[str, Json]] = []
        self._offered: list[str] = []
        self._shape: object = None
        self._rows: list[dict[str, Any]] = []
        self._specs = specs(PartSettings)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(0, 5)
        self._grid.setColumnStretch(1, 3)
        self._grid.setColumnStretch(2, 3)
        self.add = button("Add a part", self._add, role="quiet")
        self.add.setObjectName("parts.add")
        set_tip(self.add, "Give a network or a node its own rate, or freeze it")
        self.error = label("", "error", wrap=True)
        self.error.hide()
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(4)
        layout.addLayout(self._grid, 0, 0)
        layout.addWidget(self.error, 1, 0)
        layout.addLayout(row(self.add, None), 2, 0)
        theme.notifier.changed.connect(self._dress)

    def show_parts(self, parts: Sequence[Any], offered: Sequence[str]) -> None:
        """Show what the document says, with these parts to choose from."""
        self._parts = [dict(part) for part in parts if isinstance(part, Mapping)]
        self._offered = list(offered)
        self.add.setEnabled(bool(self._offered))
        shape = (len(self._parts), tuple(self._offered))
        if shape != self._shape:
            self._shape = shape
            self._build()
        for line, part in zip(self._rows, self._parts, strict=True):
            for name, editor in line.items():
                spec = self._specs.get(name)
                if spec is None:
                    continue
                value = part.get(name, None if spec.editor == "number" else spec.default)
                editor.show_value(value)

    def _build(self) -> None:
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._rows = []
        self.error.hide()
        if not self._parts:
            return
        for at, title in enumerate(("Part", "× rate", "Decay", "Frozen")):
            head = label(title, "small")
            self._grid.addWidget(head, 0, at)
        for at in range(len(self._parts)):
            self._add_line(at)
        self._dress()

    def _add_line(self, at: int) -> None:
        line: dict[str, Any] = {}
        choices: list[tuple[Json, str]] = [(name, name) for name in self._offered]
        titles = {
            "part": "Part",
            "lr": "Times the learning rate",
            "weight_decay": "Weight decay",
            "frozen": "Frozen",
        }
        for place, (name, title) in enumerate(titles.items()):
            spec = self._specs[name]
            editor = editor_for(spec, choices if name == "part" else None)
            editor.setObjectName(f"parts.{at}.{name}")
            editor.setAccessibleName(f"{title}, part {at + 1}")
            hint = "–" if name == "weight_decay" else "1" if name == "lr" else ""
            editor.show_hint(hint)
            set_tip(editor, f"{title}\n{spec.help}")
            editor.edited.connect(lambda value, n=name: self._edited(at, n, value))
            editor.refused.connect(self._say)
            editor.finished.connect(self.finished)
            align = Qt.AlignmentFlag.AlignCenter if name == "frozen" else Qt.AlignmentFlag(0)
            self._grid.addWidget(editor, at + 1, place, align)
            line[name] = editor
        remove = QToolButton()
        remove.setObjectName(f"parts.{at}.remove")
        remove.setIconSize(QSize(14, 14))
        remove.setAccessibleName(f"Remove part {at + 1}")
        set_tip(remove, "Remove this line")
        remove.clicked.connect(lambda: self._remove(at))
        self._grid.addWidget(remove, at + 1, len(titles))
        line["remove"] = remove
        self._rows.append(line)

    def _dress(self) -> None:
        for line in self._rows:
            line["remove"].setIcon(icons.icon("close", theme.current().muted, 14))

    def _say(self, reason: str) -> None:
        self.error.setText(reason)
        self.error.setVisible(bool(reason))

    def _edited(self, at: int, name: str, value: Json) -> None:
        part = self._parts[at]
        wrong = refusal(PartSettings, part, name, value) if value is not None else ""
        self._say(wrong)
        if wrong:
            return
        spec = self._specs[name]
        if value is None or (value == spec.default and not spec.required):
            part.pop(name, None)
        else:
            part[name] = value
        self._tell()

    def _add(self) -> None:
        taken = {part.get("part") for part in self._parts}
        free = [name for name in self._offered if name not in taken]
        if free or self._offered:
            self._parts.append({"part": (free or self._offered)[0]})
            self._tell()
            self.finished.emit()

    def _remove(self, at: int) -> None:
        del self._parts[at]
        self._tell()
        self.finished.emit()

    def _tell(self) -> None:
        self.edited.emit(tuple(dict(part) for part in self._parts))

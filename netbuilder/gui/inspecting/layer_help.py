"""What a layer is for: netbuilder's words, and PyTorch's own on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QToolButton, QWidget

from netbuilder.gui.look.widgets import column, label, selectable
from netbuilder.layers.base import Layer


@dataclass(frozen=True, slots=True)
class LayerHelp:
    """PyTorch's documentation of a layer as plain text, and of its parameters by name."""

    text: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(answer: Mapping[str, Any]) -> LayerHelp:
        """The worker's answer; what is no text in it is left out."""
        text, parameters = answer.get("text"), answer.get("parameters")
        named = parameters if isinstance(parameters, Mapping) else {}
        return LayerHelp(
            text if isinstance(text, str) else "",
            {str(name): value for name, value in named.items() if isinstance(value, str)},
        )


def reflowed(text: str) -> str:
    """A docstring for reading: lines of a paragraph joined, marks of code left out."""
    paragraphs = text.replace("`", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


class HelpSection(QWidget):
    """Help on one layer; PyTorch's text is folded away until it is wanted."""

    unfolded = Signal(bool)

    def __init__(self, kind: type[Layer], *, open_: bool) -> None:
        super().__init__()
        self.setObjectName("layer.help")
        self.fold = QToolButton()
        self.fold.setObjectName("layer.help.fold")
        self.fold.setText("PyTorch's documentation")
        self.fold.setCheckable(True)
        self.fold.setChecked(open_)
        self.fold.setProperty("role", "link")
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.setCursor(Qt.CursorShape.PointingHandCursor)
        self.fold.toggled.connect(self._folded)
        self.text = selectable("Asking PyTorch…", "muted")
        self.text.setObjectName("layer.help.text")
        self.text.setVisible(open_)
        self._arrow()
        own = selectable(reflowed(kind.help()), "muted")
        self.setLayout(column(label(f"About {kind.title}", "group"), own, self.fold, self.text))
        self.fold.setVisible(kind.id.startswith("torch."))
        self.text.setVisible(open_ and kind.id.startswith("torch."))

    def _arrow(self) -> None:
        arrow = Qt.ArrowType.DownArrow if self.fold.isChecked() else Qt.ArrowType.RightArrow
        self.fold.setArrowType(arrow)

    def _folded(self, open_: bool) -> None:
        self._arrow()
        self.text.setVisible(open_)
        self.unfolded.emit(open_)

    def show_help(self, help: LayerHelp | str) -> None:
        """The worker's answer, or why there is none."""
        self.text.setText(help if isinstance(help, str) else help.text or "PyTorch says nothing.")

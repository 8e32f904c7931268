"""One field of a form: its name, its editor and what is said about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QToolButton

from netbuilder.graph.model import Json, freeze
from netbuilder.gui.inspecting.editors import editor_for
from netbuilder.gui.inspecting.fields import FieldSpec, text_of
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import column, label, row, set_tip

LABEL_WIDTH = 124


class FieldRow(QObject):
    """A field of a form.

    Under the editor stand what an expression comes to and what is wrong. A size that may be
    left out has a pin: it sets the size to what is inferred now, or leaves it out again.
    """

    pinned = Signal(object)
    """A value to set, or None to leave it out."""

    def __init__(
        self,
        spec: FieldSpec,
        title: str,
        choices: Sequence[tuple[Json, str]] | None = None,
        names: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.spec = spec
        self.title = title
        # Long names of PyTorch go on in a second line, after one of their underscores.
        self.name = label(title.replace("_", "_\u200b"), "field", wrap=True)
        self.name.setAccessibleName(title)
        self.name.setFixedWidth(LABEL_WIDTH)
        self.editor = editor_for(spec, choices, names)
        self.editor.setAccessibleName(f"{title}, {spec.unit}" if spec.unit else title)
        self.editor.setObjectName(f"field.{spec.name}")
        self.value = label("", "small")
        self.value.hide()
        self.error = label("", "error", wrap=True)
        self.error.hide()
        self.pin: QToolButton | None = self._pin() if spec.inferred else None
        self._inferred: Json = None
        self._set: Json = None
        self.explain("")

    def _pin(self) -> QToolButton:
        pin = QToolButton()
        pin.setObjectName(f"pin.{self.spec.name}")
        pin.setFixedSize(24, 24)
        pin.setCheckable(True)
        # It comes and goes with what is known: Tab must lead to the same field either way. By
        # key the size is kept by typing it.
        pin.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        pin.setCursor(Qt.CursorShape.PointingHandCursor)
        policy = pin.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        policy.setHorizontalPolicy(QSizePolicy.Policy.Fixed)
        pin.setSizePolicy(policy)
        pin.clicked.connect(self._pin_clicked)
        return pin

    def add_to(self, grid: QGridLayout) -> None:
        """Put the parts into the next two lines of a form's grid."""
        at = grid.rowCount()
        grid.addWidget(self.name, at, 0, Qt.AlignmentFlag.AlignVCenter)
        if self.pin is None:
            grid.addWidget(self.editor, at, 1)
        else:
            line = row(self.editor, self.pin, gap=4)
            line.setStretch(0, 1)
            grid.addLayout(line, at, 1)
        grid.addLayout(column(self.value, self.error, gap=2), at + 1, 1)

    def explain(self, text: str) -> None:
        """What the field is for, besides its limits, while the mouse rests on it."""
        spec = self.spec
        tip = "\n".join(
            part for part in (self.title, spec.help or text, spec.limits.text()) if part
        )
        if spec.expressions:
            tip += "\nTakes an expression too, such as =2*channels."
        for part in (self.editor, self.name):
            set_tip(part, tip)
        self.editor.setAccessibleDescription(spec.help or text)

    def say(self, text: str) -> None:
        """Show what is wrong with the field; empty for nothing."""
        if text != self.error.text():
            self.error.setText(text)
        self.error.setVisible(bool(text))

    def show_worth(self, text: str) -> None:
        """Show what the field's expression comes to; empty for none."""
        text = f"= {text}" if text else ""
        if text != self.value.text():
            self.value.setText(text)
        self.value.setVisible(bool(text))

    def show_inferred(self, value: Any, known: Json) -> None:
        """What the compiler inferred (None if nothing), and what the document says."""
        if not self.spec.inferred:
            return
        self._inferred, self._set = freeze(value), known
        self.editor.show_hint("inferred" if value is None else text_of(freeze(value)))
        if self.pin is None:
            return
        self.pin.setVisible(known is not None or value is not None)
        self.pin.setChecked(known is not None)
        color = theme.current().accent if known is not None else theme.current().muted
        self.pin.setIcon(icons.icon("pin", color, 14))
        if known is None:
            tip = f"Keep {text_of(self._inferred)}, whatever comes in"
        else:
            tip = f"Take {self.title} from the input again"
        set_tip(self.pin, tip)
        self.pin.setAccessibleName(tip)

    def _pin_clicked(self) -> None:
        self.pinned.emit(self._inferred if self._set is None else None)

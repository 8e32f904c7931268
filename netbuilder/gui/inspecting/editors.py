"""One editor a kind of field: a number with steps, a choice, a switch, a text.

All have the same face: `edited(value)` when a person made a new value, `refused(reason)`
when what was typed is none, `show_value` to show what the document says. Showing the same
value again never touches what is being typed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, cast

from PySide6.QtCore import QEvent, QObject, QPointF, QSignalBlocker, Qt, Signal, SignalInstance
from PySide6.QtGui import (
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QShowEvent,
    QValidator,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from netbuilder.graph.model import Json
from netbuilder.gui.inspecting.fields import FieldSpec, choices_of, text_of
from netbuilder.gui.inspecting.typed import Unreadable, parse, typed
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import Choice, Switch


class Mixed:
    """Several nodes that differ in a value."""

    def __repr__(self) -> str:
        return "MIXED"


MIXED = Mixed()


class Editor(Protocol):
    """What a form needs of an editor, besides being a QWidget."""

    edited: SignalInstance
    refused: SignalInstance
    finished: SignalInstance

    def show_value(self, value: Json | Mixed) -> None: ...
    def show_hint(self, hint: str) -> None: ...


class DocumentUndo(QObject):
    """Lets Ctrl+Z in a field undo the document: its text is a view of it, not a text of its own."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            key = cast(QKeyEvent, event)
            undo, redo = QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo
            if key.matches(undo) or key.matches(redo):
                event.ignore()
                return True
        return False


class _Typing:
    """Turns typed text into values for the two editors that have a line edit."""

    spec: FieldSpec
    edited: SignalInstance
    refused: SignalInstance

    def begin(self, spec: FieldSpec) -> None:
        self.spec = spec
        self._shown: Json | Mixed | None = self
        self._typed = ""

    def line(self) -> QLineEdit:
        raise NotImplementedError

    def typed(self, text: str) -> None:
        self._typed = text
        try:
            value = parse(self.spec, text)
        except Unreadable as error:
            self.refused.emit(str(error))
            return
        self._shown = value
        self.edited.emit(value)

    def show_value(self, value: Json | Mixed) -> None:
        if type(value) is type(self._shown) and value == self._shown:
            return
        if value is None and self._is_default() and self.line().hasFocus():
            # It was left out because so far it is the default; more may follow: 0.001, 0.0015.
            return
        self._shown = value
        with QSignalBlocker(self.line()):
            self.line().setText("" if isinstance(value, Mixed) else typed(self.spec, value))
            if not self.line().hasFocus():
                # A long text is read from its beginning.
                self.line().setCursorPosition(0)
        if isinstance(value, Mixed):
            self.line().setPlaceholderText("several values")

    def _is_default(self) -> bool:
        default = self.spec.default
        return type(self._shown) is type(default) and self._shown == default

    def ended(self) -> None:
        """The person is done with the field: a default that was typed becomes a hint again."""
        if self._is_default() and self.line().text() == self._typed:
            with QSignalBlocker(self.line()):
                self.line().clear()
            self._shown = None

    def show_hint(self, hint: str) -> None:
        if not isinstance(self._shown, Mixed) and self.line().placeholderText() != hint:
            self.line().setPlaceholderText(hint)


class TextEditor(_Typing, QLineEdit):
    """A text, or a list of values separated by commas."""

    edited = Signal(object)
    refused = Signal(str)
    finished = Signal()

    def __init__(self, spec: FieldSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.begin(spec)
        self.textEdited.connect(self.typed)
        self.editingFinished.connect(self.ended)
        self.editingFinished.connect(self.finished)
        self.installEventFilter(DocumentUndo(self))

    def line(self) -> QLineEdit:
        return self


class NumberEditor(_Typing, QAbstractSpinBox):
    """A number, or a tuple of some: typed, or stepped by arrow keys, wheel and buttons."""

    edited = Signal(object)
    refused = Signal(str)
    finished = Signal()

    def __init__(self, spec: FieldSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.begin(spec)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._fit_unit()
        self.lineEdit().textEdited.connect(self.typed)
        self.editingFinished.connect(self.ended)
        self.editingFinished.connect(self.finished)
        for part in (self, self.lineEdit()):
            part.installEventFilter(DocumentUndo(self))

    def line(self) -> QLineEdit:
        return self.lineEdit()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        # Half-typed text is fine: what is wrong with it is said under the field.
        return QValidator.State.Acceptable, text, position

    def _fit_unit(self) -> None:
        unit = self.fontMetrics().horizontalAdvance(self.spec.unit)
        self.lineEdit().setTextMargins(6, 0, 12 + (unit + 6 if unit else 0), 0)

    def showEvent(self, event: QShowEvent) -> None:
        """Only now the font is the one that it will have."""
        super().showEvent(event)
        self._fit_unit()

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        flag = QAbstractSpinBox.StepEnabledFlag
        return flag.StepUpEnabled | flag.StepDownEnabled

    def stepBy(self, steps: int) -> None:
        text = self.lineEdit().text() or self.lineEdit().placeholderText()
        try:
            value = parse(self.spec, text)
        except Unreadable:
            return
        if value is None:
            value = self.spec.limits.low or 0
        numbers = value if isinstance(value, tuple) else (value,)
        if any(isinstance(number, str) for number in numbers):
            # An expression has no next one.
            return
        stepped = tuple(self._stepped(number, steps) for number in numbers)
        shown = typed(self.spec, stepped if isinstance(value, tuple) else stepped[0])
        self.lineEdit().setText(shown)
        self.lineEdit().selectAll()
        self.typed(shown)

    def _stepped(self, value: float, steps: int) -> float:
        if self.spec.whole and isinstance(value, int):
            return int(self.spec.limits.clamp(value + steps))
        up = steps > 0
        size = _decade(value, up) * steps
        result = float(f"{self.spec.limits.clamp(value + size):.10g}")
        limits = self.spec.limits
        if (limits.above is not None and result <= limits.above) or (
            limits.below is not None and result >= limits.below
        ):
            return value
        return result

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        # The stylesheet that rounds the frame takes Fusion's arrows away.
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.current().muted, 1.3))
        middle, x = self.height() / 2, self.width() - 12.0
        if self.spec.unit:
            place = self.rect().adjusted(0, 0, -24, 0)
            align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, align, self.spec.unit)
        for y, tip in ((middle - 3, -3.0), (middle + 3, 3.0)):
            ends = (QPointF(x - 3, y), QPointF(x, y + tip), QPointF(x + 3, y))
            painter.drawPolyline(QPolygonF(ends))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def _decade(value: float, up: bool) -> float:
    """A step of one in the first digit: 0.003 goes to 0.004 and 0.002, 0.001 to 0.0009."""
    if value == 0 or not math.isfinite(value):
        return 0.1
    decade = 10.0 ** math.floor(math.log10(abs(value)) + 1e-9)
    towards_zero = up != (value > 0)
    return decade / 10 if towards_zero and math.isclose(abs(value), decade) else decade


class ChoiceEditor(Choice):
    """One of some values."""

    edited = Signal(object)
    refused = Signal(str)
    finished = Signal()

    def __init__(
        self,
        spec: FieldSpec,
        choices: Sequence[tuple[Json, str]] | None = None,
    ) -> None:
        super().__init__()
        if choices is None:
            choices = [
                (value, "none" if value is None else text_of(value)) for value in choices_of(spec)
            ]
        self._values = [value for value, _ in choices]
        for _, title in choices:
            self.addItem(title)
        self.activated.connect(self._chosen)

    def _chosen(self, index: int) -> None:
        self.edited.emit(self._values[index])
        self.finished.emit()

    def show_value(self, value: Json | Mixed) -> None:
        index = next((i for i, v in enumerate(self._values) if _same(v, value)), -1)
        self.setCurrentIndex(index)
        if index < 0:
            # What the document says is no choice (any more): it is shown all the same.
            self.setPlaceholderText("several values" if isinstance(value, Mixed) else str(value))

    def show_hint(self, hint: str) -> None:
        self.setPlaceholderText(hint)


class SwitchEditor(Switch):
    """Yes or no."""

    edited = Signal(object)
    refused = Signal(str)
    finished = Signal()

    def __init__(self, spec: FieldSpec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.clicked.connect(self._clicked)

    def _clicked(self, checked: bool) -> None:
        self.setTristate(False)
        self.edited.emit(checked)
        self.finished.emit()

    def show_value(self, value: Json | Mixed) -> None:
        with QSignalBlocker(self):
            self.setTristate(isinstance(value, Mixed))
            state = Qt.CheckState.Checked if value is True else Qt.CheckState.Unchecked
            self.setCheckState(
                Qt.CheckState.PartiallyChecked if isinstance(value, Mixed) else state
            )

    def show_hint(self, hint: str) -> None:
        pass


class ManyEditor(QWidget):
    """Any number of some names, as boxes to tick."""

    edited = Signal(object)
    refused = Signal(str)
    finished = Signal()

    def __init__(self, choices: Sequence[tuple[Json, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value: tuple[Json, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._boxes: dict[Json, Switch] = {}
        for value, title in choices:
            box = self._boxes[value] = Switch(title.replace("&", "&&"))
            box.clicked.connect(self._clicked)
            layout.addWidget(box)

    def _clicked(self) -> None:
        # What the document names and nobody offers (a network that is gone) stays.
        kept = [value for value in self._value if value not in self._boxes]
        ticked = [value for value, box in self._boxes.items() if box.isChecked()]
        self._value = (*kept, *ticked)
        self.edited.emit(self._value)
        self.finished.emit()

    def show_value(self, value: Json | Mixed) -> None:
        self._value = value if isinstance(value, tuple) else ()
        for name, box in self._boxes.items():
            box.setChecked(name in self._value)

    def show_hint(self, hint: str) -> None:
        pass


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


AnyEditor = TextEditor | NumberEditor | ChoiceEditor | SwitchEditor | ManyEditor


def editor_for(
    spec: FieldSpec,
    choices: Sequence[tuple[Json, str]] | None = None,
    names: Sequence[str] = (),
) -> AnyEditor:
    """The editor that fits the field; `choices` are what the project offers for it.

    `names` are the block's parameters that a switch or a choice may follow: `=bias`.
    """
    if choices is not None:
        return ManyEditor(choices) if 0 in spec.sizes else ChoiceEditor(spec, choices)
    match spec.editor:
        case "bool" | "choice" if names:
            fixed: list[tuple[Json, str]] = [
                (value, "none" if value is None else text_of(value)) for value in choices_of(spec)
            ]
            return ChoiceEditor(spec, [*fixed, *((f"={name}", f"= {name}") for name in names)])
        case "bool":
            return SwitchEditor(spec)
        case "choice":
            return ChoiceEditor(spec)
        case "number":
            return NumberEditor(spec)
        case _:
            return TextEditor(spec)

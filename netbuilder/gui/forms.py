"""A form for any pydantic model: layers' parameters, training settings, data settings.

The form shows values and reports edits; it stores nothing. Values that nobody set show
the default; what is inferred shows as a greyed placeholder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from netbuilder.graph.model import Json, freeze
from netbuilder.gui import fields
from netbuilder.gui.editors import MIXED, Mixed, editor_for
from netbuilder.gui.fields import FieldSpec, hint_of, kind_of, specs, text_of, title_of
from netbuilder.gui.widgets import Choice, column, label, row, set_tip

LABEL_WIDTH = 124


class Unset:
    """The person emptied the field, or typed its default: the document leaves it out."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


class FieldRow:
    """A field of a form: its name, its editor and, under it, what is wrong with it."""

    def __init__(
        self, spec: FieldSpec, title: str, choices: Sequence[tuple[Json, str]] | None = None
    ) -> None:
        self.spec = spec
        self.name = label(title, "field")
        self.name.setFixedWidth(LABEL_WIDTH)
        self.editor = editor_for(spec, choices)
        self.editor.setAccessibleName(title)
        self.editor.setObjectName(f"field.{spec.name}")
        self.error = label("", "error", wrap=True)
        self.error.hide()
        tip = "\n".join(part for part in (title, spec.help, spec.limits.text()) if part)
        set_tip(self.editor, tip)
        set_tip(self.name, tip)

    def say(self, text: str) -> None:
        """Show what is wrong with the field; empty for nothing."""
        if text != self.error.text():
            self.error.setText(text)
        self.error.setVisible(bool(text))


class Form(QWidget):
    """The fields of one model.

    `edited(name, value)` carries a JSON value or `UNSET`; `finished` says that the person
    left a field, so that the next edit is a new step to undo.
    """

    edited = Signal(str, object)
    finished = Signal()

    def __init__(
        self,
        model: type[BaseModel],
        *,
        skip: Sequence[str] = (),
        titles: Callable[[str], str] = title_of,
        choices: Mapping[str, Sequence[tuple[Json, str]]] | None = None,
        fixed: Mapping[str, Json] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`choices` gives a field the values that the project offers, with their titles.

        `fixed` are values that have no field here but count when others are checked.
        """
        super().__init__(parent)
        self.model = model
        self._fixed = dict(fixed or {})
        self._choices = choices or {}
        self.rows: dict[str, FieldRow] = {}
        self.groups: dict[str, VariantForm] = {}
        self._values: dict[str, Json] = {}
        self._typed_errors: dict[str, str] = {}
        self._outer_errors: Mapping[str, str] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        for name, spec in specs(model).items():
            if name in skip:
                continue
            if spec.models:
                self._add_group(grid, name, spec, titles)
            else:
                self._add_row(grid, name, spec, titles(name))

    def _add_row(self, grid: QGridLayout, name: str, spec: FieldSpec, title: str) -> None:
        row = self.rows[name] = FieldRow(spec, title, self._choices.get(name))
        at = grid.rowCount()
        grid.addWidget(row.name, at, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(row.editor, at, 1)
        grid.addWidget(row.error, at + 1, 1)
        row.editor.edited.connect(lambda value: self._edited(name, value))
        row.editor.refused.connect(lambda reason: self._refused(name, reason))
        row.editor.finished.connect(self.finished)

    def _add_group(
        self, grid: QGridLayout, name: str, spec: FieldSpec, titles: Callable[[str], str]
    ) -> None:
        group = self.groups[name] = VariantForm(spec, titles(name), titles)
        grid.addWidget(group, grid.rowCount(), 0, 1, 2)
        group.edited.connect(lambda values: self._group_edited(name, values))
        group.finished.connect(self.finished)

    # -- what the document says ------------------------------------------------------

    def set_values(self, values: Mapping[str, Json], mixed: Sequence[str] = ()) -> None:
        """Show the values that are set; the other fields show their defaults.

        Names in `mixed` differ between several nodes.
        """
        before, self._values = self._values, dict(values)
        for name, line in self.rows.items():
            value: Json | Mixed = self._values.get(name, line.spec.default)
            if name not in self._values and line.spec.editor in ("number", "text"):
                value = None
            line.editor.show_value(MIXED if name in mixed else freeze(value))
            if not line.spec.inferred:
                line.editor.show_hint(hint_of(line.spec))
            if before.get(name) != self._values.get(name):
                # Half-typed text stays as long as nobody else changed the value.
                self._typed_errors.pop(name, None)
        for name, group in self.groups.items():
            inner = self._values.get(name)
            group.set_values(inner if isinstance(inner, Mapping) else {})
        self._show_errors()

    def set_inferred(self, values: Mapping[str, Any]) -> None:
        """Show what the compiler inferred, greyed, in the fields that are left out."""
        for name, line in self.rows.items():
            if line.spec.inferred:
                known = values.get(name)
                line.editor.show_hint("inferred" if known is None else text_of(freeze(known)))

    def set_errors(self, errors: Mapping[str, str]) -> None:
        """Show problems at their fields, beside what typing found."""
        self._outer_errors = errors
        self._show_errors()

    def _show_errors(self) -> None:
        for name, line in self.rows.items():
            line.say(self._typed_errors.get(name, "") or self._outer_errors.get(name, ""))

    def show_only(self, names: Sequence[str]) -> None:
        """Hide the fields that are not among these."""
        for name, line in self.rows.items():
            for part in (line.name, line.editor):
                part.setVisible(name in names)
            line.error.setVisible(name in names and bool(line.error.text()))

    # -- what the person does -----------------------------------------------------------

    def _refused(self, name: str, reason: str) -> None:
        self._typed_errors[name] = reason
        self._show_errors()

    def _edited(self, name: str, value: Json) -> None:
        spec = self.rows[name].spec
        reason = fields.refusal(self.model, {**self._fixed, **self._values}, name, value)
        if reason and not (value is None and not spec.required):
            self._refused(name, reason)
            return
        self._typed_errors.pop(name, None)
        self._show_errors()
        unset = _same(value, spec.default) or (
            value is None and (spec.editor in ("number", "text") or not spec.optional)
        )
        if unset:
            self._values.pop(name, None)
        else:
            self._values[name] = value
        self.edited.emit(name, UNSET if unset else value)

    def _group_edited(self, name: str, values: Mapping[str, Json]) -> None:
        self._values[name] = values
        self.edited.emit(name, values)


class VariantForm(QWidget):
    """Settings inside of settings; where there are several kinds, with the choice of one.

    `edited(values)` carries all values of the group that are set.
    """

    edited = Signal(object)
    finished = Signal()

    def __init__(self, spec: FieldSpec, title: str, titles: Callable[[str], str]) -> None:
        super().__init__()
        self._titles = titles
        self._models = {kind_of(model): model for model in spec.models}
        self._default = spec.default if isinstance(spec.default, Mapping) else {}
        self._kind = ""
        self._values: dict[str, Json] = {}
        self.form: Form | None = None
        self.choice = Choice()
        self.choice.setObjectName(f"field.{spec.name}.kind")
        self.choice.setAccessibleName(title)
        for kind in self._models:
            self.choice.addItem(kind, kind)
        self.choice.activated.connect(self._choose)
        self._layout = column(label(title, "group"), gap=6)
        if len(self._models) > 1:
            name = label(title_of("kind"), "field")
            name.setFixedWidth(LABEL_WIDTH)
            line = row(name, self.choice)
            line.setStretch(1, 1)
            self._layout.addLayout(line)
        self.setLayout(self._layout)

    def set_values(self, values: Mapping[str, Json]) -> None:
        """Show these; without a kind, the default's."""
        kind = str(values.get("kind", self._default.get("kind", next(iter(self._models)))))
        if kind not in self._models:
            kind = next(iter(self._models))
        self._values = {name: value for name, value in values.items() if name != "kind"}
        if kind != self._kind or self.form is None:
            self._build(kind)
        assert self.form is not None
        self.form.set_values(self._values)

    def _build(self, kind: str) -> None:
        self._kind = kind
        self.choice.setCurrentIndex(self.choice.findData(kind))
        if self.form is not None:
            self._layout.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
        self.form = Form(
            self._models[kind], skip=("kind",), titles=self._titles, fixed=self._fixed(kind)
        )
        self.form.edited.connect(self._edited)
        self.form.finished.connect(self.finished)
        self._layout.addWidget(self.form)

    @staticmethod
    def _fixed(kind: str) -> dict[str, Json]:
        return {"kind": kind} if kind else {}

    def _choose(self, index: int) -> None:
        kind = self.choice.itemData(index)
        if kind == self._kind:
            return
        # What both kinds know (the learning rate, say) keeps its value.
        known = specs(self._models[kind])
        self._values = {name: value for name, value in self._values.items() if name in known}
        self._build(kind)
        assert self.form is not None
        self.form.set_values(self._values)
        self._tell()
        self.finished.emit()

    def _edited(self, name: str, value: Any) -> None:
        if value is UNSET:
            self._values.pop(name, None)
        else:
            self._values[name] = value
        self._tell()

    def _tell(self) -> None:
        self.edited.emit({**self._fixed(self._kind), **self._values})


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)

"""A form for any pydantic model: layers' parameters, training settings, data settings.

The form shows values and reports edits; it stores nothing. Values that nobody set show
the default; what is inferred shows as a greyed placeholder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from netbuilder.graph.model import Json, freeze
from netbuilder.gui.inspecting.editors import MIXED, Mixed
from netbuilder.gui.inspecting.field_row import LABEL_WIDTH as LABEL_WIDTH
from netbuilder.gui.inspecting.field_row import FieldRow
from netbuilder.gui.inspecting.fields import (
    FieldSpec,
    choices_of,
    help_of_kind,
    hint_of,
    kind_of,
    specs,
    title_of,
    title_of_kind,
)
from netbuilder.gui.inspecting.typed import refusal, worth
from netbuilder.gui.look.fold import Fold
from netbuilder.gui.look.widgets import Choice, column, label, plain_tip, row, set_tip


class Unset:
    """The person emptied the field, or typed its default: the document leaves it out."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET = Unset()


class Form(QWidget):
    """The fields of one model, or of any table of them.

    `edited(name, value)` carries a JSON value or `UNSET`; `finished` says that the person
    left a field, so that the next edit is a new step to undo.
    """

    edited = Signal(str, object)
    finished = Signal()

    def __init__(
        self,
        model: type[BaseModel] | Mapping[str, FieldSpec],
        *,
        skip: Sequence[str] = (),
        titles: Callable[[str], str] = title_of,
        choices: Mapping[str, Sequence[tuple[Json, str]]] | None = None,
        fixed: Mapping[str, Json] | None = None,
        scope: Mapping[str, Json] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """`choices` gives a field the values that the project offers, with their titles.

        `fixed` are values that have no field here but count when others are checked. With a
        `scope` fields take expressions over these parameters.
        """
        super().__init__(parent)
        self._models: tuple[type[BaseModel], ...] = (model,) if isinstance(model, type) else ()
        self._specs = specs(model) if isinstance(model, type) else model
        self._fixed = dict(fixed or {})
        self._choices = choices or {}
        self._scope = scope
        self.rows: dict[str, FieldRow] = {}
        self.groups: dict[str, VariantForm] = {}
        self._values: dict[str, Json] = {}
        self._inferred: Mapping[str, Any] = {}
        self._typed_errors: dict[str, str] = {}
        self._outer_errors: Mapping[str, str] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        self.fold: Fold | None = None
        for name, spec in self._specs.items():
            if name in skip or spec.editor == "table":
                continue
            if spec.models:
                self._add_group(grid, name, spec, titles)
            else:
                self._add_row(self._further() if spec.further else grid, name, spec, titles(name))
        self._place_fold(grid)

    def _place_fold(self, grid: QGridLayout) -> None:
        if self.fold is not None:
            # Last of all, also of the groups.
            grid.addWidget(self.fold, grid.rowCount(), 0, 1, 2)

    def _further(self) -> QGridLayout:
        """The grid of what few people change, folded away."""
        if self.fold is None:
            self.fold = Fold("More settings", QWidget())
            inner = QGridLayout(self.fold.content)
            inner.setContentsMargins(0, 0, 0, 0)
            inner.setHorizontalSpacing(8)
            inner.setVerticalSpacing(6)
            inner.setColumnStretch(1, 1)
        grid = self.fold.content.layout()
        assert isinstance(grid, QGridLayout)
        return grid

    def check_with(self, models: Sequence[type[BaseModel]]) -> None:
        """Values must suit all of these models from now on."""
        self._models = tuple(models)

    def _add_row(self, grid: QGridLayout, name: str, spec: FieldSpec, title: str) -> None:
        if self._scope is not None:
            spec = replace(spec, expressions=True)
        line = self.rows[name] = FieldRow(spec, title, self._choices.get(name), self._names(spec))
        # It goes with the form: what it is connected to holds the form, which Python can't see.
        line.setParent(self)
        line.add_to(grid)
        line.editor.edited.connect(lambda value: self._edited(name, value))
        line.editor.refused.connect(lambda reason: self._refused(name, reason))
        line.editor.finished.connect(self.finished)
        line.pinned.connect(lambda value: self._pinned(name, value))

    def _names(self, spec: FieldSpec) -> list[str]:
        """The parameters in scope that a switch or a choice may follow."""
        if spec.editor not in ("bool", "choice"):
            return []
        fitting = choices_of(spec)
        scope = (self._scope or {}).items()
        return [name for name, value in scope if any(_same(value, choice) for choice in fitting)]

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
            line.show_worth("" if name in mixed else worth(value, self._scope or {}))
            line.show_inferred(self._inferred.get(name), self._values.get(name))
        for name, group in self.groups.items():
            inner = self._values.get(name)
            group.set_values(inner if isinstance(inner, Mapping) else {})
        self._show_errors()
        if self.fold is not None:
            within = [name for name, line in self.rows.items() if line.spec.further]
            count = sum(name in self._values for name in within)
            self.fold.set_note(f"{count} set" if count else "")

    def set_inferred(self, values: Mapping[str, Any]) -> None:
        """Show what the compiler inferred, greyed, in the fields that are left out."""
        self._inferred = values
        for name, line in self.rows.items():
            line.show_inferred(values.get(name), self._values.get(name))

    def explain(self, texts: Mapping[str, str]) -> None:
        """What fields are for, by name, shown while the mouse rests on them."""
        for name, line in self.rows.items():
            line.explain(texts.get(name, ""))

    def set_errors(self, errors: Mapping[str, str]) -> None:
        """Show problems at their fields, beside what typing found."""
        self._outer_errors = errors
        self._show_errors()

    def _show_errors(self) -> None:
        for name, line in self.rows.items():
            wrong = self._typed_errors.get(name, "") or self._outer_errors.get(name, "")
            line.say(wrong)
            if wrong and line.spec.further and self.fold is not None:
                self.fold.open()

    def show_only(self, names: Sequence[str]) -> None:
        """Hide the fields that are not among these."""
        for name, line in self.rows.items():
            for part in (line.name, line.editor):
                part.setVisible(name in names)
            line.error.setVisible(name in names and bool(line.error.text()))

    # -- what the person does -----------------------------------------------------------

    def _refused(self, name: str, reason: str) -> None:
        self._typed_errors[name] = reason
        self.rows[name].show_worth("")
        self._show_errors()

    def _pinned(self, name: str, value: Json) -> None:
        self._edited(name, value)
        self.finished.emit()

    def _refusal(self, name: str, value: Json) -> str:
        known = {**self._fixed, **self._values}
        told = (refusal(model, known, name, value, self._scope) for model in self._models)
        return next((reason for reason in told if reason), "")

    def _edited(self, name: str, value: Json) -> None:
        spec = self.rows[name].spec
        reason = self._refusal(name, value)
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
            self.choice.addItem(title_of_kind(kind), kind)
            about = plain_tip(help_of_kind(self._models[kind]))
            self.choice.setItemData(self.choice.count() - 1, about, Qt.ItemDataRole.ToolTipRole)
        self.choice.activated.connect(self._choose)
        self._layout = column(label(title, "group"), gap=6)
        if len(self._models) > 1:
            name = label(title_of("kind"), "field")
            name.setFixedWidth(LABEL_WIDTH)
            line = row(name, self.choice)
            line.setStretch(1, 1)
            self._layout.addLayout(line)
        else:
            # There is nothing to choose, and what has no parent is a window of its own.
            self.choice.setParent(self)
            self.choice.hide()
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
        opened = self.form is not None and self.form.fold is not None and self.form.fold.is_open
        self._kind = kind
        self.choice.setCurrentIndex(self.choice.findData(kind))
        set_tip(self.choice, help_of_kind(self._models[kind]))
        if self.form is not None:
            self._layout.removeWidget(self.form)
            self.form.hide()
            self.form.deleteLater()
        self.form = Form(
            self._models[kind], skip=("kind",), titles=self._titles, fixed=self._fixed(kind)
        )
        self.form.edited.connect(self._edited)
        self.form.finished.connect(self.finished)
        if self.form.fold is not None:
            self.form.fold.open(opened)
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

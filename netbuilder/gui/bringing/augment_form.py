"""How samples are varied while one trains: a list of augmentations with their settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, get_args

from pydantic import BaseModel
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from netbuilder.data.augmentation import AnyAugmentation
from netbuilder.graph.model import Json, freeze
from netbuilder.gui.inspecting.fields import help_of_kind, kind_of, title_of_kind
from netbuilder.gui.inspecting.forms import UNSET, Form
from netbuilder.gui.look.widgets import button, clear, label, plain_tip, row, set_tip

MODELS: Mapping[str, type[BaseModel]] = {
    kind_of(model): model for model in get_args(get_args(AnyAugmentation)[0])
}


def name_of(kind: str) -> str:
    """What a kind of augmentation is called."""
    return title_of_kind(kind).replace("_", " ").capitalize()


class AugmentForm(QWidget):
    """`edited(list)`: all augmentations as they are now; `finished`: a field was left."""

    edited = Signal(object)
    finished = Signal()

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__()
        self._fields = [(name, name) for name in fields]
        self._entries: list[dict[str, Json]] = []
        self._kinds: list[str] | None = None
        self.forms: list[Form] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self.add = button("Add", tip="One more way to vary the samples of the training part")
        self.add.setObjectName("augment.add")
        menu = QMenu(self.add)
        menu.setToolTipsVisible(True)
        for kind, model in MODELS.items():
            action = menu.addAction(name_of(kind), partial(self._add, kind))
            action.setObjectName(f"augment.{kind}")
            action.setToolTip(plain_tip(help_of_kind(model)))
        self.add.setMenu(menu)

    def set_values(self, entries: Sequence[Mapping[str, Json]]) -> None:
        """Show these; forms of the same kinds stay where they are."""
        self._entries = [dict(entry) for entry in entries if entry.get("kind") in MODELS]
        kinds = [str(entry["kind"]) for entry in self._entries]
        if kinds != self._kinds:
            self._kinds = kinds
            self._build(kinds)
        for form, entry in zip(self.forms, self._entries, strict=True):
            form.set_values({name: value for name, value in entry.items() if name != "kind"})

    def _build(self, kinds: Sequence[str]) -> None:
        # The button outlives the forms.
        self.add.setParent(None)
        clear(self._column)
        self.forms = []
        head = row(label("Augmentation", "group"), None)
        head.addWidget(self.add)
        self._column.addLayout(head)
        for at, kind in enumerate(kinds):
            title = label(f"{at + 1}. {name_of(kind)}")
            set_tip(title, help_of_kind(MODELS[kind]))
            remove = button("Remove", partial(self._remove, at), "quiet")
            remove.setAccessibleName(f"Remove {name_of(kind)}")
            self._column.addLayout(row(title, None, remove))
            form = Form(
                MODELS[kind],
                skip=("kind",),
                choices={"fields": self._fields},
                fixed={"kind": kind},
            )
            form.edited.connect(partial(self._edited, at))
            form.finished.connect(self.finished)
            self._column.addWidget(form)
            self.forms.append(form)

    def _tell(self, entries: Sequence[Mapping[str, Json]]) -> None:
        self.edited.emit(tuple(freeze(entry) for entry in entries) if entries else UNSET)

    def _add(self, kind: str) -> None:
        self._tell([*self._entries, {"kind": kind}])
        self.finished.emit()

    def _remove(self, at: int) -> None:
        self._tell([entry for number, entry in enumerate(self._entries) if number != at])
        self.finished.emit()

    def _edited(self, at: int, name: str, value: Any) -> None:
        entry = {**self._entries[at], name: value}
        if value is UNSET:
            del entry[name]
        self._tell([*self._entries[:at], entry, *self._entries[at + 1 :]])

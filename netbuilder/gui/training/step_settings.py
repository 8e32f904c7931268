"""The settings of a training step: what it updates, how, and how the rate will run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.graph.model import Json
from netbuilder.gui.inspecting.forms import UNSET, Form
from netbuilder.gui.look.widgets import label
from netbuilder.gui.plotting.schedule_curve import ScheduleCurve
from netbuilder.gui.training.parts_table import PartsTable, offered
from netbuilder.training.optimisation import schedules
from netbuilder.training.settings import StepSettings, read_step, read_training

FIRST = ("updates", "optimizer", "schedule")
"""What stands above the curve."""


class StepForm(QWidget):
    """Form, curve and parts of one step. `edited` and `finished` are those of a `Form`."""

    edited = Signal(str, object)
    finished = Signal()

    def __init__(self, networks: Sequence[str]) -> None:
        super().__init__()
        names: list[tuple[Json, str]] = [(name, name) for name in networks]
        others = [name for name in StepSettings.model_fields if name not in FIRST]
        self.first = Form(StepSettings, skip=others, choices={"updates": names})
        self.rest = Form(StepSettings, skip=FIRST)
        self.curve = ScheduleCurve()
        self.warning = label("", "warning", wrap=True)
        self.warning.setObjectName("schedule.warning")
        self.warning.hide()
        self.parts = PartsTable()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (
            self.first,
            self.curve,
            self.warning,
            label("Gradients and averages", "group"),
            self.rest,
            label("Parts that train otherwise", "group"),
            self.parts,
        ):
            layout.addWidget(widget)
        for form in (self.first, self.rest):
            form.edited.connect(self.edited)
            form.finished.connect(self.finished)
        self.parts.edited.connect(self._parts_edited)
        self.parts.finished.connect(self.finished)

    def show_step(self, document: Document, values: Mapping[str, Json]) -> None:
        """Show what the document says."""
        self.first.set_values(values)
        self.rest.set_values(values)
        updates = values.get("updates", ())
        chosen = [str(name) for name in updates] if isinstance(updates, tuple) else []
        networks = [network.name for network in document.of_kind("network")]
        ordered = [*chosen, *(name for name in networks if name not in chosen)]
        parts = values.get("parts", ())
        known = parts if isinstance(parts, tuple) else ()
        self.parts.show_parts(known, offered(document, ordered))
        try:
            settings = read_step(values)
            epochs = read_training(document.project.training).epochs
        except NetbuilderError:
            self.curve.show_schedule(None, 0.0, 0.0, 0.0)
            self._warn([])
            return
        before, lasts = settings.span(epochs)
        self.curve.show_schedule(settings.schedule, settings.optimizer.lr, lasts, before)
        self._warn(schedules.troubles(settings.schedule, lasts))

    def _warn(self, texts: Sequence[str]) -> None:
        text = "\n".join(texts)
        if text != self.warning.text():
            self.warning.setText(text)
        self.warning.setVisible(bool(text))

    def _parts_edited(self, parts: tuple[Json, ...]) -> None:
        self.edited.emit("parts", parts if parts else UNSET)

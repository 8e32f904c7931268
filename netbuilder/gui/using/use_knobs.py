"""What one turns at a generator: its seed, its samplers, its noise, and a text to go on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from netbuilder.gui.look.widgets import button, column, label, row
from netbuilder.gui.using.use_fields import SeedField, WordsField

FINE = 200
"""Places of a slider."""


class KnobSlider(QSlider):
    """A slider over a range of numbers."""

    def __init__(self, about: Mapping[str, Any]) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._low, self._high = float(about["low"]), float(about["high"])
        self._whole = bool(about.get("whole"))
        self._first = float(about["value"])
        places = round(self._high - self._low) if self._whole else FINE
        self.setRange(0, max(1, places))
        self.setAccessibleName(f"{about['node']} {about['parameter']}".replace("_", " "))
        self.reset()

    def reset(self) -> None:
        """As the project has it."""
        span = (self._high - self._low) or 1.0
        self.setValue(round((self._first - self._low) / span * self.maximum()))

    @property
    def turned(self) -> bool:
        """Whether it is not where the project has it."""
        span = (self._high - self._low) or 1.0
        return self.value() != round((self._first - self._low) / span * self.maximum())

    def number(self) -> float:
        """Where it stands."""
        value = self._low + self.value() / self.maximum() * (self._high - self._low)
        return round(value) if self._whole else round(value, 4)

    def words(self) -> str:
        """The number as text."""
        return f"{self.number():g}" if self.turned else f"{self._first:g}"


class Knobs(QWidget):
    """All of one generator."""

    changed = Signal()

    def __init__(self, about: Mapping[str, Any]) -> None:
        super().__init__()
        self.seed = SeedField()
        self.seed.changed.connect(self.changed)
        layout = column(self.seed)
        self.prompt: WordsField | None = None
        if about.get("prompt"):
            self.prompt = WordsField("A text to go on with; empty: one of the data")
            self.prompt.changed.connect(self.changed)
            layout.addWidget(self.prompt)
        self.sliders: dict[tuple[str, str], KnobSlider] = {}
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        several = len({each["node"] for each in about.get("knobs", ())}) > 1
        for line, each in enumerate(about.get("knobs", ())):
            node, name = str(each["node"]), str(each["parameter"])
            slider = self.sliders[node, name] = KnobSlider(each)
            shown = label(slider.words(), "mono")
            shown.setMinimumWidth(48)
            slider.valueChanged.connect(lambda _, s=slider, v=shown: v.setText(s.words()))
            slider.valueChanged.connect(lambda: self.changed.emit())
            title = f"{node} {name}" if several else name
            grid.addWidget(label(title.replace("_", " ")), line, 0)
            grid.addWidget(slider, line, 1)
            grid.addWidget(shown, line, 2)
        layout.addLayout(grid)
        if self.sliders:
            layout.addLayout(row(button("As in the project", self.reset), None))
        self.setLayout(layout)

    def reset(self) -> None:
        """All sliders as the project has them."""
        for slider in self.sliders.values():
            slider.reset()

    def wish(self) -> dict[str, Any]:
        """What `engine.generating.generate` takes: seed, prompt, and what was turned."""
        knobs: dict[str, dict[str, float]] = {}
        for (node, name), slider in self.sliders.items():
            if slider.turned:
                knobs.setdefault(node, {})[name] = slider.number()
        found: dict[str, Any] = {"seed": self.seed.seed.value(), "knobs": knobs}
        given = self.prompt.value() if self.prompt is not None else None
        if given is not None:
            found["prompt"] = given["text"]
        return found

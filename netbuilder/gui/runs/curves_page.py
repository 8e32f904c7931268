"""The curves of a training with what sets how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSlider, QVBoxLayout, QWidget

from netbuilder.gui.look.widgets import (
    Choice,
    Switch,
    button,
    holder,
    label,
    row,
    scroller,
    set_tip,
)
from netbuilder.training.records.events import Event

if TYPE_CHECKING:
    from netbuilder.gui.plotting.plot_view import AxisKind
    from netbuilder.gui.plotting.plots import Plots

AXES = {"step": "Steps", "epoch": "Epochs", "time": "Time"}


class RunClock:
    """Seconds of the run at each of its events; rests and the time between runs do not count."""

    def __init__(self) -> None:
        self._seconds = self._moment = 0.0

    def at(self, event: Event) -> float:
        """The seconds of this event, told or reckoned from those of the one before."""
        told = event.values.get("seconds")
        if event.event in ("started", "resumed"):
            self._moment = event.time
        elif isinstance(told, int | float):
            self._seconds = max(self._seconds, float(told))
        elif event.event != "paused":
            self._seconds += max(0.0, event.time - self._moment)
        self._moment = event.time
        return self._seconds


class CurvesPage(QWidget):
    """Feeds events to the plots. The plots are made when they are first needed."""

    def __init__(self) -> None:
        super().__init__()
        self.plots: Plots | None = None
        self._clock = RunClock()
        self.log_scale = Switch("Log scale")
        self.smooth_name = label("Smoothing", "small")
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, 99)
        self.smooth.setFixedWidth(88)
        self.smooth.setAccessibleName("Smoothing of the curves")
        set_tip(self.smooth, "How much the past counts in the curves")
        self.smooth_value = label("0", "small")
        self.smooth_value.setFixedWidth(self.smooth_value.fontMetrics().horizontalAdvance("0.00"))
        self.axis = Choice()
        self.axis.addItems(list(AXES.values()))
        self.axis.setAccessibleName("What runs along the bottom of the plots")
        self.fit = button("Fit", lambda: self.ready().fit(), "quiet", "Show all of every curve")
        tools = row(
            self.log_scale,
            8,
            self.smooth_name,
            self.smooth,
            self.smooth_value,
            None,
            self.axis,
            self.fit,
            margins=(12, 3, 8, 3),
        )
        self._place = QVBoxLayout()
        self._place.setContentsMargins(0, 0, 0, 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(tools)
        self._area = scroller(holder(self._place))
        layout.addWidget(self._area, 1)
        self.log_scale.toggled.connect(lambda on: self.ready().set_log(on))
        self.smooth.valueChanged.connect(self._smooth)
        self.axis.currentIndexChanged.connect(self._set_axis)

    def ready(self) -> Plots:
        """The plots, made if there are none yet."""
        if self.plots is None:
            # pyqtgraph takes half a second to import: not before the panel is looked at.
            from netbuilder.gui.plotting.plots import Plots

            self.plots = Plots()
            self._place.addWidget(self.plots)
            self.plots.set_room(self._area.height())
        return self.plots

    def resizeEvent(self, event: QResizeEvent) -> None:
        wide = self.width() >= 470
        self.smooth_name.setVisible(wide)
        self.smooth_value.setVisible(wide)
        if self.plots is not None:
            self.plots.set_room(self._area.height())

    def _smooth(self, value: int) -> None:
        self.smooth_value.setText(f"{value / 100:g}")
        self.ready().set_smoothing(value / 100)

    def _set_axis(self, index: int) -> None:
        from netbuilder.gui.plotting.plot_view import AxisKind

        kinds: tuple[AxisKind, ...] = get_args(AxisKind)
        self.ready().set_axis(kinds[index])

    def clear(self) -> None:
        """Forget all curves."""
        self._clock = RunClock()
        if self.plots is not None:
            self.plots.clear()

    def take(self, event: Event) -> None:
        """Whatever of an event belongs into the plots."""
        seconds = self._clock.at(event)
        values = event.values
        match event.event:
            case "started":
                self._begin(values)
            case "metrics" | "epoch":
                several = any(key.startswith("lr/") for key in values)
                for key, value in values.items():
                    known = isinstance(value, int | float) and not isinstance(value, bool)
                    # With several steps `lr` repeats that of the first.
                    doubled = several and key == "lr"
                    if known and not doubled and wanted(event.event, key):
                        self.ready().add(key, event.step, float(value), seconds)
                if values.get("best") is True:
                    self.ready().mark_best(event.step, seconds)
            case "checkpoint" if values.get("kind") == "last":
                self.ready().mark_checkpoint(event.step, seconds)

    def _begin(self, values: Mapping[str, Any]) -> None:
        plots = self.ready()
        origin = values.get("resumed_from")
        if isinstance(origin, int):
            plots.rewind(origin)
        keys, steps = values.get("metrics"), values.get("epoch_steps")
        expected = [str(key) for key in keys] if isinstance(keys, list) else []
        plots.expect(expected, steps if isinstance(steps, int) else 1)


def wanted(kind: str, key: str) -> bool:
    """Whether a value is a point of a curve.

    The loss of the training comes every few steps, and what the `epoch` event repeats of it
    is an average; its metrics are those of the epoch so far until the `epoch` event.
    """
    part, _, rest = key.partition("/")
    steady = part in ("lr", "grad_norm") or (part == "train" and key.endswith("/loss"))
    if not rest and part not in ("lr", "grad_norm"):
        return False
    return steady if kind == "metrics" else not steady

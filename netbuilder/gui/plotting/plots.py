"""Live curves: a plot for each kind of metric, train solid and validation dashed.

Imports pyqtgraph, which takes half a second: import this module after the first paint.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.plotting.curve_plot import CurvePlot, number
from netbuilder.gui.plotting.plot_view import AxisKind

__all__ = ["HUES", "CurvePlot", "Plots", "number"]

REDRAW_MS = 33
DRAWING_SHARE = 0.015
"""The part of a processor core that drawing may take, and no more."""
HUES = ("convolution", "activation", "normalisation", "recurrent", "loss", "arithmetic")
SMALL = {"lr": "Learning rate", "grad_norm": "Gradient norm"}
"""Keys of what has a small plot of its own, by training step."""
ACRONYMS = frozenset({"mae", "mse", "rmse", "mape", "auc", "auroc", "iou", "psnr", "ssim"})
WIDE, NARROW = 216, 176
"""How wide a plot and a small plot are at least before they stand below one another."""
CELLS = 60
"""Columns of the grid: can be parted in 1 to 6."""
TALL, SHORT = 132, 104
"""How tall plots and small plots are at least."""


class Key(NamedTuple):
    """A metric's key taken apart: the plot it belongs to, the step, and the part of the data."""

    plot: str
    step: str
    part: str

    @staticmethod
    def of(key: str) -> Key | None:
        """`val/discriminate/loss`, `train/loss`, `lr`, `grad_norm/generate`; None for others."""
        first, *rest = key.split("/")
        if first in SMALL:
            return Key(first, "/".join(rest), "")
        if first not in ("train", "val") or not rest:
            return None
        return Key(rest[-1], "/".join(rest[:-1]), first)


def title_of(name: str) -> str:
    """What stands above the plot of this metric."""
    words = SMALL.get(name, name.replace("_", " "))
    return words.upper() if words in ACRONYMS else words[:1].upper() + words[1:]


class Plots(QWidget):
    """A plot for every kind of metric that comes.

    Redrawn at most every 33 ms, and only what is on the screen and got something new.
    """

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        self.plots: dict[str, CurvePlot] = {}
        self._steps: list[str] = []
        self._stale: set[str] = set()
        self._log = False
        self._smoothing = 0.0
        self._axis: AxisKind = "step"
        self._epoch_steps = 1
        self._room = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        theme.notifier.changed.connect(self._dress)

    # -- what comes --------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget all curves."""
        self._timer.stop()
        self._stale.clear()
        self._steps.clear()
        for plot in self.plots.values():
            self._grid.removeWidget(plot)
            plot.hide()
            plot.deleteLater()
        self.plots.clear()

    def expect(self, keys: Iterable[str], epoch_steps: int) -> None:
        """These metrics will come, and an epoch has so many steps."""
        self._epoch_steps = max(1, epoch_steps)
        for key in keys:
            found = Key.of(key)
            if found is not None:
                self._curve_of(found)
        for plot in self.plots.values():
            plot.set_axis(self._axis, self._epoch_steps)

    def rewind(self, step: float) -> None:
        """A resumed run goes on from this step: what came after it no longer counts."""
        for name, plot in self.plots.items():
            plot.rewind(step)
            self._touch(name)

    def add(self, key: str, x: float, y: float, seconds: float = math.nan) -> None:
        """A value of a metric such as `train/loss` at step `x`; other keys are passed over."""
        found = Key.of(key)
        if found is not None:
            plot, curve, hue = self._curve_of(found)
            plot.add(curve, x, y, hue=hue, dashed=found.part == "val", seconds=seconds)
            self._touch(found.plot)

    def mark_checkpoint(self, step: float, seconds: float) -> None:
        """A checkpoint was written at this step."""
        for name, plot in self.plots.items():
            if not plot.small:
                plot.mark_checkpoint(step, seconds)
                self._touch(name)

    def mark_best(self, step: float, seconds: float) -> None:
        """The best epoch so far ended at this step."""
        for name, plot in self.plots.items():
            if not plot.small:
                plot.mark_best(step, seconds)
                self._touch(name)

    def _touch(self, name: str) -> None:
        self._stale.add(name)
        if not self._timer.isActive():
            self._timer.start()

    def _curve_of(self, key: Key) -> tuple[CurvePlot, str, str]:
        """The plot and the name of a key's curve, both made if need be, and its hue."""
        if key.step and key.step not in self._steps:
            self._steps.append(key.step)
        plot = self.plots.get(key.plot) or self._new(key.plot)
        words = [key.step.replace("_", " "), key.part]
        curve = " ".join(word for word in words if word) or title_of(key.plot).lower()
        # With several steps a colour is a step's, in all plots; else it is the plot's.
        hue = HUES[self._steps.index(key.step) % len(HUES)] if key.step else ""
        plot.curve(curve, hue=hue, dashed=key.part == "val")
        return plot, curve, hue

    def _new(self, name: str) -> CurvePlot:
        hue = HUES[len(self.plots) % len(HUES)]
        plot = self.plots[name] = CurvePlot(title_of(name), hue, small=name in SMALL)
        plot.set_log(self._log)
        plot.set_smoothing(self._smoothing)
        plot.set_axis(self._axis, self._epoch_steps)
        plot.cursor_moved.connect(self._point)
        plot.seen.connect(self._seen)
        self._place()
        return plot

    # -- where they stand -----------------------------------------------------------------

    def set_room(self, height: int) -> None:
        """How tall the place is that the plots can be seen in."""
        self._room = height
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        """Large plots side by side as far as there is room, small ones in a row below."""
        large = [plot for plot in self.plots.values() if not plot.small]
        small = [plot for plot in self.plots.values() if plot.small]
        width = max(self.width(), WIDE)
        columns = max(1, min(len(large), width // WIDE))
        rows = -(-len(large) // columns) if large else 0
        for plot in self.plots.values():
            self._grid.removeWidget(plot)
        for line in range(self._grid.rowCount()):
            self._grid.setRowStretch(line, 0)
            self._grid.setRowMinimumHeight(line, 0)
        both = [*large, *small]
        if self._room < TALL + SHORT and columns == len(large) and width >= NARROW * len(both):
            # Wide and low: all in one line.
            self._lay(both, len(both), 0, 3, TALL)
            return
        self._lay(large, columns, 0, 3, TALL)
        if small:
            self._lay(small, max(1, min(len(small), width // NARROW)), rows, 2, SHORT)

    def _lay(self, plots: list[CurvePlot], columns: int, top: int, stretch: int, tall: int) -> None:
        for at, plot in enumerate(plots):
            line, column = divmod(at, columns)
            last = len(plots) - line * columns
            # The last line, if it is not full, is parted among those that are there.
            per_line = min(columns, last)
            left, right = CELLS * column // per_line, CELLS * (column + 1) // per_line
            self._grid.addWidget(plot, top + line, left, 1, right - left)
            self._grid.setRowStretch(top + line, stretch)
            self._grid.setRowMinimumHeight(top + line, tall)
        for column in range(CELLS):
            self._grid.setColumnStretch(column, 1)

    # -- how they are shown -----------------------------------------------------------------

    def set_log(self, on: bool) -> None:
        """Logarithmic value axes."""
        self._log = on
        for plot in self.plots.values():
            plot.set_log(on)

    def set_smoothing(self, weight: float) -> None:
        """Smooth the curves; see `CurvePlot.set_smoothing`."""
        self._smoothing = weight
        for plot in self.plots.values():
            plot.set_smoothing(weight)

    def set_axis(self, kind: AxisKind) -> None:
        """Steps, epochs or time along the bottom."""
        self._axis = kind
        for plot in self.plots.values():
            plot.set_axis(kind, self._epoch_steps)

    def fit(self) -> None:
        """Show all of every curve."""
        for plot in self.plots.values():
            plot.fit()

    def _point(self, x: float | None) -> None:
        """The cross hair stands at the same place in all plots."""
        for plot in self.plots.values():
            if plot is not self.sender():
                plot.set_cursor(x)

    def _redraw(self) -> None:
        began = time.perf_counter()
        for name in list(self._stale):
            plot = self.plots[name]
            # What is hidden or scrolled away waits until it is seen.
            if not plot.visibleRegion().isEmpty():
                plot.redraw()
                plot.view.viewport().repaint()
                self._stale.discard(name)
        # On a slow machine fewer pictures: the training needs the processor more.
        took_ms = 1000 * (time.perf_counter() - began)
        self._timer.setInterval(max(REDRAW_MS, round(took_ms / DRAWING_SHARE)))

    def _seen(self) -> None:
        """What came while a plot was hidden or scrolled away is drawn now."""
        if self._stale and not self._timer.isActive():
            self._timer.start()

    def _dress(self) -> None:
        for plot in self.plots.values():
            plot.dress()
            plot.redraw()

"""Live curves: one plot a metric, train solid and validation dashed in the same hue.

Imports pyqtgraph, which takes half a second: import this module after the first paint.
"""

from __future__ import annotations

import math
import time

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtGui import QColor, QPen
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from netbuilder.gui import theme
from netbuilder.gui.ring import Series
from netbuilder.gui.widgets import label, row

REDRAW_MS = 33
DRAWING_SHARE = 0.03
"""The part of a processor core that drawing may take, and no more."""
LABEL_WIDTH, LABEL_HEIGHT = 96, 15
"""What is kept free at the right for the labels of the curves, and what each is tall."""
HUES = ("convolution", "activation", "normalisation", "recurrent", "loss", "arithmetic")


def number(value: float) -> str:
    """A figure as people read it: four digits that matter."""
    if math.isnan(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    return f"{value:.2e}"


class _Curve:
    """One line of a plot with its label at its end."""

    def __init__(self, name: str, hue: str, dashed: bool) -> None:
        self.name = name
        self.hue = hue
        self.dashed = dashed
        self.series = Series()
        self.item = pg.PlotCurveItem(connect="finite", antialias=True)
        self.text = pg.TextItem(anchor=(0, 0.5))

    def dress(self) -> None:
        color: QColor = theme.current().family(self.hue)
        pen = QPen(color, 1.0)
        pen.setCosmetic(True)
        if self.dashed:
            pen.setDashPattern([5.0, 4.0])
        self.item.setPen(pen)
        self.text.setColor(color)
        self.text.setFont(theme.font("small"))


class CurvePlot(QWidget):
    """The curves of one metric over the training steps."""

    def __init__(self, title: str, hue: str) -> None:
        super().__init__()
        self._hue = hue
        self._log = False
        self._smoothing = 0.0
        self.curves: dict[str, _Curve] = {}
        self.title = label(title, "heading")
        self.value = label("", "small")
        self.view = pg.PlotWidget(enableMenu=False)
        self.view.setMinimumSize(180, 110)
        plot = self.view.getPlotItem()
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.showGrid(x=True, y=True, alpha=0.12)
        plot.getViewBox().setDefaultPadding(0.04)
        for side in ("left", "bottom"):
            plot.getAxis(side).setStyle(tickLength=0, tickTextOffset=4)
        plot.getAxis("left").setWidth(52)
        self._plot = plot
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._line.hide()
        plot.addItem(self._line, ignoreBounds=True)
        self.view.scene().sigMouseMoved.connect(self._hover)
        self.setObjectName("surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row(self.title, None, self.value, margins=(8, 4, 8, 0)))
        layout.addWidget(self.view, 1)
        self.dress()

    def dress(self) -> None:
        """Take the colours of the theme in use."""
        tokens = theme.current()
        self.view.setBackground(tokens.surface)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(QPen(tokens.border))
            axis.setTextPen(QPen(tokens.muted))
            axis.setTickFont(theme.font("small"))
        self._line.setPen(QPen(tokens.muted, 0))
        for curve in self.curves.values():
            curve.dress()

    def add(self, name: str, x: float, y: float, *, hue: str = "", dashed: bool = False) -> None:
        """A point of the curve `name`; what is left out is as for the curves before."""
        curve = self.curves.get(name)
        if curve is None:
            curve = self.curves[name] = _Curve(name, hue or self._hue, dashed)
            curve.dress()
            self._plot.addItem(curve.item)
            self._plot.addItem(curve.text, ignoreBounds=True)
        curve.series.add(x, y)

    def clear(self) -> None:
        """Forget the curves."""
        for curve in self.curves.values():
            self._plot.removeItem(curve.item)
            self._plot.removeItem(curve.text)
        self.curves.clear()

    def set_log(self, on: bool) -> None:
        """A logarithmic value axis; values of 0 and less leave gaps."""
        self._log = on
        self._plot.getAxis("left").setLogMode(y=on)
        self.redraw()

    def set_smoothing(self, weight: float) -> None:
        """How much the past counts, 0 (not at all) to 0.99."""
        self._smoothing = weight
        self.redraw()

    def redraw(self) -> None:
        """Draw what came since the last time."""
        ends: list[tuple[float, _Curve]] = []
        last_x, low, high = 1.0, math.inf, -math.inf
        for curve in self.curves.values():
            series = curve.series
            smooth = self._smoothing > 0 and len(series) > 1
            x, y = series.smoothed(self._smoothing) if smooth else series.points()
            if self._log:
                with np.errstate(invalid="ignore", divide="ignore"):
                    y = np.where(y > 0, np.log10(y), np.nan)
            curve.item.setData(x, y)
            finite = y[np.isfinite(y)]
            if len(finite):
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
                ends.append((float(finite[-1]), curve))
                curve.text.setPos(float(x[-1]), float(finite[-1]))
            last_x = max(last_x, float(x[-1]) if len(x) else 0.0)
        if low > high:
            return
        margin = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        box = self._plot.getViewBox()
        free = min(0.6, LABEL_WIDTH / max(1.0, box.width()))
        low, high = low - margin, high + margin
        self._plot.setYRange(low, high, padding=0)
        self._plot.setXRange(0, last_x / (1 - free), padding=0)
        self._label(ends, low, high, (high - low) * LABEL_HEIGHT / max(1.0, box.height()))

    @staticmethod
    def _label(ends: list[tuple[float, _Curve]], low: float, high: float, tall: float) -> None:
        """Names and last values at the ends of the curves, moved apart where they would meet."""
        ends = sorted(ends, key=lambda end: end[0])
        floor = low + tall / 2
        for below, (y, curve) in enumerate(ends):
            ceiling = high - tall * (len(ends) - below - 0.5)
            place = min(max(y, floor), max(floor, ceiling))
            floor = place + tall
            curve.text.setText(f"{curve.name} {number(curve.series.last_y)}")
            curve.text.setPos(curve.item.xData[-1], place)

    def _hover(self, position: QPointF) -> None:
        box = self._plot.getViewBox()
        inside = box.sceneBoundingRect().contains(position)
        self._line.setVisible(inside and bool(self.curves))
        if not inside:
            self.value.setText("")
            return
        x = box.mapSceneToView(position).x()
        self._line.setPos(x)
        parts = []
        for name, curve in self.curves.items():
            xs, ys = curve.series.points()
            if len(xs):
                at = int(np.abs(xs - x).argmin())
                parts.append(f"{name} {number(float(ys[at]))}")
        self.value.setText(f"step {max(0, round(x))}   " + "   ".join(parts))


class Plots(QWidget):
    """A plot for every metric that comes; redrawn at most every 33 ms, and only if one came."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        self.plots: dict[str, CurvePlot] = {}
        self._stale: set[str] = set()
        self._log = False
        self._smoothing = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REDRAW_MS)
        self._timer.timeout.connect(self._redraw)
        theme.notifier.changed.connect(self._dress)

    def clear(self) -> None:
        """Forget all curves."""
        self._timer.stop()
        self._stale.clear()
        for plot in self.plots.values():
            self._grid.removeWidget(plot)
            plot.hide()
            plot.deleteLater()
        self.plots.clear()

    def add(self, key: str, x: float, y: float) -> None:
        """A value of a metric such as `train/loss` at step `x`."""
        part, _, name = key.partition("/")
        plot = self.plots.get(name)
        if plot is None:
            plot = self._new(name)
        plot.add(part, x, y, dashed=part != "train")
        self._stale.add(name)
        if not self._timer.isActive():
            self._timer.start()

    def _new(self, name: str) -> CurvePlot:
        hue = HUES[len(self.plots) % len(HUES)]
        title = name.replace("/", " · ").replace("_", " ")
        plot = self.plots[name] = CurvePlot(title[:1].upper() + title[1:], hue)
        plot.set_log(self._log)
        plot.set_smoothing(self._smoothing)
        at = len(self.plots) - 1
        self._grid.addWidget(plot, at // 3, at % 3)
        return plot

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

    def _redraw(self) -> None:
        if not self.isVisible():
            return
        began = time.perf_counter()
        for name in self._stale:
            self.plots[name].redraw()
            self.plots[name].view.viewport().repaint()
        self._stale.clear()
        # On a slow machine fewer pictures: the training needs the processor more.
        took_ms = 1000 * (time.perf_counter() - began)
        self._timer.setInterval(max(REDRAW_MS, round(took_ms / DRAWING_SHARE)))

    def showEvent(self, event: object) -> None:
        """What came while the panel was hidden is drawn now."""
        self._timer.start()

    def _dress(self) -> None:
        for plot in self.plots.values():
            plot.dress()

"""One plot: the curves of a metric over the course of a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QVBoxLayout, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.plotting.legend import Entry, Legend
from netbuilder.gui.plotting.plot_data import csv_of, plot_menu
from netbuilder.gui.plotting.plot_view import AxisKind, PlotView, clock
from netbuilder.gui.plotting.series import Array, Growing, Series, decimate

SMOOTH_ENOUGH = 1200
"""Points up to which lines are drawn with soft edges: above, those cost more than all else."""
PALE = 70
"""How opaque, of 255, the raw curve is behind the smoothed one."""


def number(value: float) -> str:
    """A figure as people read it: four digits that matter."""
    if math.isnan(value):
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    return f"{value:.2e}"


class _Curve:
    """One line of a plot, and the raw one behind it while it is smoothed."""

    def __init__(self, name: str, plot: str, hue: str, dashed: bool) -> None:
        self.name = name
        self.hue = hue
        self.dashed = dashed
        self.series = Series()
        self.raw = pg.PlotCurveItem(connect="finite")
        self.item = pg.PlotCurveItem(connect="finite")
        self.entry = Entry(name, plot)

    @property
    def shown(self) -> bool:
        return self.entry.isChecked()

    def dress(self) -> None:
        color = QColor(theme.current().family(self.hue))
        self.entry.look(color, self.dashed)
        pen = QPen(color, 1.0)
        pen.setCosmetic(True)
        if self.dashed:
            pen.setDashPattern([5.0, 4.0])
        self.item.setPen(pen)
        pale = QColor(color)
        pale.setAlpha(PALE)
        behind = QPen(pale, 1.0)
        behind.setCosmetic(True)
        self.raw.setPen(behind)


@dataclass(frozen=True, slots=True)
class Span:
    """What is shown: from and to, on either axis."""

    left: float
    right: float
    low: float
    high: float


class CurvePlot(QWidget):
    """The curves of one metric, drawn when `redraw` is called.

    Small plots are for what one glances at: the learning rate, the gradients.
    """

    seen = Signal()
    """It is on the screen, perhaps for the first time since something came."""
    cursor_moved = Signal(object)
    """Where on the axis the mouse or the keys point; None when they left."""

    def __init__(self, title: str, hue: str, *, small: bool = False) -> None:
        super().__init__()
        self.name, self.small = title, small
        self._hue = hue
        self._log = False
        self._smoothing = 0.0
        self._axis: AxisKind = "step"
        self._epoch_steps = 1
        self._span: Span | None = None
        self._cursor: float | None = None
        self.curves: dict[str, _Curve] = {}
        self.legend = Legend(title)
        self.title = self.legend.title
        self.view = PlotView()
        self.view.setMinimumSize(150 if small else 180, 64 if small else 104)
        self.view.setAccessibleName(f"Plot of {title}")
        self.view.setAccessibleDescription(
            "Left and right read the values, plus and minus zoom, F fits"
        )
        self._checkpoints = (Growing(), Growing())
        self._best: tuple[float, float] | None = None
        self._build()
        self.dress()

    def _build(self) -> None:
        plot = self._plot = self.view.getPlotItem()
        plot.hideButtons()
        plot.showGrid(x=True, y=True, alpha=0.10)
        for axis in (self.view.course, self.view.values):
            axis.setStyle(tickLength=0, tickTextOffset=4, maxTickLevel=0)
        self.view.values.setWidth(46)
        self._line = pg.InfiniteLine(angle=90, movable=False)
        self._best_line = pg.InfiniteLine(angle=90, movable=False)
        self._ticks = pg.PlotCurveItem(connect="pairs")
        self._dots = pg.ScatterPlotItem(size=5, pxMode=True)
        self._best_word = pg.TextItem("best", anchor=(0, 0))
        for item in (self._line, self._best_line, self._best_word):
            item.hide()
        for item in (self._ticks, self._best_line, self._line, self._dots, self._best_word):
            plot.addItem(item, ignoreBounds=True)
        self.view.scene().sigMouseMoved.connect(self._hover)
        self.view.left.connect(self._leave)
        self.view.moved.connect(self._zoomed)
        self.view.fit_wanted.connect(self.fit)
        self.view.pointed.connect(self._point)
        self.view.focus_moved.connect(self._focus_moved)
        self.view.menu_wanted.connect(self.open_menu)
        self.cursor_moved.connect(self.set_cursor)
        self.setObjectName("surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.setSpacing(0)
        layout.addWidget(self.legend)
        layout.addWidget(self.view, 1)

    def dress(self) -> None:
        """Take the colours of the theme in use."""
        tokens = theme.current()
        self.view.setBackground(tokens.surface)
        for axis in (self.view.course, self.view.values):
            axis.setPen(QPen(tokens.border))
            axis.setTextPen(QPen(tokens.muted))
            axis.setTickFont(theme.font("small"))
        self._line.setPen(QPen(tokens.muted, 0))
        best = QPen(tokens.success, 0)
        best.setDashPattern([3.0, 3.0])
        self._best_line.setPen(best)
        self._best_word.setColor(tokens.success)
        self._best_word.setFont(theme.font("small"))
        self._ticks.setPen(QPen(tokens.muted, 0))
        for curve in self.curves.values():
            curve.dress()

    def _focus_moved(self, here: bool) -> None:
        self.update()

    def _leave(self) -> None:
        self.cursor_moved.emit(None)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        self.seen.emit()
        if self.view.hasFocus():
            painter = QPainter(self)
            painter.setPen(QPen(theme.current().accent, 1))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))

    # -- what it holds -----------------------------------------------------------------

    def curve(self, name: str, *, hue: str = "", dashed: bool = False) -> _Curve:
        """The curve of this name, made if there is none."""
        curve = self.curves.get(name)
        if curve is None:
            curve = self.curves[name] = _Curve(name, self.name, hue or self._hue, dashed)
            curve.dress()
            curve.entry.toggled.connect(lambda _: self.redraw())
            self.legend.add(curve.entry)
            for item in (curve.raw, curve.item):
                self._plot.addItem(item)
        return curve

    def add(
        self,
        name: str,
        x: float,
        y: float,
        *,
        hue: str = "",
        dashed: bool = False,
        seconds: float = math.nan,
    ) -> None:
        """A point of the curve `name` at step `x`; what is left out is as for those before."""
        self.curve(name, hue=hue, dashed=dashed).series.add(x, y, seconds)

    def clear(self) -> None:
        """Forget the curves and marks."""
        for curve in self.curves.values():
            for item in (curve.raw, curve.item):
                self._plot.removeItem(item)
        self.curves.clear()
        self.legend.clear()
        self._checkpoints = (Growing(), Growing())
        self._best = self._span = self._cursor = None
        for item in (self._line, self._best_line, self._best_word):
            item.hide()
        for item in (self._ticks, self._dots):
            item.clear()

    def rewind(self, step: float) -> None:
        """Forget what came after this step."""
        for curve in self.curves.values():
            curve.series.rewind(step)
        steps, seconds = self._checkpoints
        kept = int(np.searchsorted(steps.all, step, side="right"))
        steps.cut(kept)
        seconds.cut(kept)
        if self._best is not None and self._best[0] > step:
            self._best = None

    def mark_checkpoint(self, step: float, seconds: float) -> None:
        """A checkpoint was written here."""
        self._checkpoints[0].append(step)
        self._checkpoints[1].append(seconds)

    def mark_best(self, step: float, seconds: float) -> None:
        """The best epoch ended here."""
        self._best = (step, seconds)

    def to_csv(self) -> str:
        """The values as they came: a line a step, a column a curve."""
        series = {name: curve.series for name, curve in self.curves.items()}
        return csv_of(series, self._epoch_steps)

    def open_menu(self, place: QPoint) -> None:
        """Copy, fit, read off: what can be done with a plot."""
        plot_menu(self, self.to_csv, self.fit).popup(place)

    # -- how it is shown -----------------------------------------------------------------

    def set_log(self, on: bool) -> None:
        """A logarithmic value axis; values of 0 and less leave gaps, which is told."""
        self._log = on
        self._plot.getAxis("left").setLogMode(y=on)
        self._span = None
        self.redraw()

    def set_smoothing(self, weight: float) -> None:
        """How much the past counts, 0 (not at all) to 0.99; the raw curve stays, pale."""
        self._smoothing = weight
        self.redraw()

    def set_axis(self, kind: AxisKind, epoch_steps: int = 1) -> None:
        """What runs along the bottom, and how many steps an epoch has."""
        self._axis, self._epoch_steps = kind, max(1, epoch_steps)
        self.view.course.kind = kind
        self._span = None
        self.redraw()

    def fit(self) -> None:
        """Show all of it, and go on showing all that comes."""
        self._span = None
        self.redraw()

    @property
    def is_zoomed(self) -> bool:
        """Whether the person chose what is shown."""
        return self._span is not None

    def _zoomed(self) -> None:
        (left, right), (low, high) = self.view.box.viewRange()
        self._span = Span(left, right, low, high)
        self.redraw()

    def _course(self, series: Series) -> tuple[Array, float]:
        """What runs along the axis, and by how much it is to be divided."""
        if self._axis == "time":
            return series.seconds.all, 1.0
        return series.steps.all, float(self._epoch_steps) if self._axis == "epoch" else 1.0

    def _place(self, step: float, seconds: float) -> float:
        if self._axis == "time":
            return seconds
        return step / self._epoch_steps if self._axis == "epoch" else step

    def redraw(self) -> None:
        """Draw what came since the last time."""
        shown = [curve for curve in self.curves.values() if curve.shown and curve.series.count]
        for curve in self.curves.values():
            curve.item.setVisible(curve in shown)
            curve.raw.setVisible(curve in shown and self._smoothing > 0)
        if self._span is not None:
            left, right = self._span.left, self._span.right
        else:
            left, right = 0.0, 0.0
            for curve in shown:
                axis, unit = self._course(curve.series)
                right = max(right, float(axis[-1]) / unit)
            right = right or 1.0
        columns = max(16, int(self.view.box.width()))
        low, high = math.inf, -math.inf
        dots: list[dict[str, Any]] = []
        for curve in shown:
            weights = (0.0, self._smoothing) if self._smoothing > 0 else (0.0,)
            for weight, item in zip(weights[::-1], (curve.item, curve.raw), strict=False):
                axis, unit = self._course(curve.series)
                pyramid = curve.series.column(weight, self._log)
                xs, ys = decimate(axis, pyramid, left * unit, right * unit, columns)
                xs /= unit
                item.setData(xs, ys, antialias=len(xs) <= SMOOTH_ENOUGH)
                known = np.isfinite(ys)
                if known.any():
                    low = min(low, float(ys[known].min()))
                    high = max(high, float(ys[known].max()))
                    if item is curve.item:
                        at = int(np.flatnonzero(known)[-1])
                        color = theme.current().family(curve.hue)
                        dots.append({"pos": (xs[at], ys[at]), "brush": color, "pen": None})
        self._tell_left_out(shown)
        if low > high:
            low, high = (-1.0, 0.0) if self._log else (0.0, 1.0)
        margin = (high - low) * 0.07 or abs(high) * 0.1 or 1.0
        span = self._span or Span(left, right, low - margin, high + margin)
        room = 0.0 if self._span else 8 * (span.right - span.left) / columns
        self.view.box.setRange(
            xRange=(span.left, span.right + room), yRange=(span.low, span.high), padding=0
        )
        self._dots.setData(dots)
        ends = [float(dot["pos"][1]) for dot in dots]
        upper = bool(ends) and sum(ends) / len(ends) > (span.low + span.high) / 2
        self._draw_marks(span, free=span.low if upper else span.high)
        self._read()

    def _draw_marks(self, span: Span, free: float) -> None:
        """The checkpoints as ticks at the bottom, the best epoch as a line.

        Its name stands where the curves leave room, at the top or at the bottom.
        """
        steps, seconds = self._checkpoints
        places = seconds.all if self._axis == "time" else steps.all
        if self._axis == "epoch":
            places = places / self._epoch_steps
        places = places[(places >= span.left) & (places <= span.right)]
        if len(places) > 400:
            places = places[:: len(places) // 200]
        foot = [span.low, span.low + 0.05 * (span.high - span.low)]
        self._ticks.setData(np.repeat(places, 2), np.tile(foot, len(places)))
        best = self._best
        inside = False
        if best is not None:
            place = self._place(*best)
            inside = span.left <= place <= span.right
            self._best_line.setPos(place)
            late = place > span.left + 0.8 * (span.right - span.left)
            self._best_word.setAnchor((int(late), int(free < span.high)))
            self._best_word.setPos(place, free)
        self._best_line.setVisible(inside)
        self._best_word.setVisible(inside and not self.small)

    def _tell_left_out(self, shown: list[_Curve]) -> None:
        count = sum(curve.series.left_out for curve in shown) if self._log else 0
        values = "value" if count == 1 else "values"
        self._left_out = f"{count:,} {values} of 0 or less left out" if count else ""

    # -- reading values --------------------------------------------------------------------

    def _hover(self, position: QPointF) -> None:
        inside = self.view.box.sceneBoundingRect().contains(position)
        self.cursor_moved.emit(self.view.box.mapSceneToView(position).x() if inside else None)

    def _point(self, by: int) -> None:
        """The cross hair to the next point of the curve that has the most of them in view."""
        left, right = self.view.box.viewRange()[0]
        longest = max(
            (c.series for c in self.curves.values() if c.shown), key=lambda s: s.count, default=None
        )
        if longest is None or not longest.count:
            return
        axis, unit = self._course(longest)
        x = self._cursor
        if x is None or not left <= x <= right:
            x = left if by > 0 else right
            at = longest.nearest(axis, x * unit)
        else:
            at = longest.nearest(axis, x * unit) + by
        at = min(max(at, 0), longest.count - 1)
        self.cursor_moved.emit(float(axis[at]) / unit)
        values = [f"{c.name} {c.entry.value}" for c in self.curves.values() if c.shown]
        self.view.setAccessibleDescription(f"{self.legend.note.text()}: {', '.join(values)}")

    def set_cursor(self, x: float | None) -> None:
        """The cross hair stands here, and the values are those of the nearest points."""
        self._cursor = x
        self._read()

    def _read(self) -> None:
        x = self._cursor
        self._line.setVisible(x is not None and bool(self.curves))
        notes = []
        if x is not None:
            self._line.setPos(x)
            notes.append(clock(round(x, 1)) if self._axis == "time" else f"{self._axis} {x:.4g}")
        for curve in self.curves.values():
            series = curve.series
            if x is None:
                value = series.last_y
            else:
                axis, unit = self._course(series)
                at = series.nearest(axis, x * unit)
                value = float(series.values()[at]) if at >= 0 else math.nan
            curve.entry.say(number(value))
        if self._left_out:
            notes.append(self._left_out)
        self.legend.say("   ".join(notes))

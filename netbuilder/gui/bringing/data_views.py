"""What the Data panel paints by hand of a whole data set: classes, distributions, a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from netbuilder.gui.bringing.data_pictures import class_color
from netbuilder.gui.look import theme
from netbuilder.gui.look.cells import Cells

LINES = 12
"""Classes that are shown one by one."""


def figure(value: float) -> str:
    """A number in few letters."""
    return f"{value:,.0f}" if abs(value) >= 1000 and abs(value) < 1e7 else f"{value:.4g}"


class Balance(QWidget):
    """How many samples each class has: a line a class, the rest told in words."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[tuple[str, int]] = []
        self.rest = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_counts(self, counts: Mapping[str, int]) -> None:
        """Counts by class name, in the order of classes; of many the largest are shown."""
        lines = list(counts.items())
        self.rest = ""
        if len(lines) > LINES:
            lines.sort(key=lambda entry: -entry[1])
            others = [count for _, count in lines[LINES - 1 :]]
            lines = lines[: LINES - 1]
            low, high = min(others), max(others)
            each = f"{low:,}" if low == high else f"{low:,} to {high:,}"
            self.rest = f"and {len(others):,} more with {each} each"
        self._lines = lines
        told = ", ".join(f"{name}: {count:,}" for name, count in lines)
        self.setAccessibleName("Samples of each class")
        self.setAccessibleDescription(f"{told} {self.rest}".strip())
        self.setFixedHeight((len(lines) + bool(self.rest)) * self._pitch())
        self.update()

    def _pitch(self) -> int:
        return self.fontMetrics().height() + 4

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._lines:
            return
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.mono("small"))
        metrics = QFontMetrics(painter.font())
        pitch, middle = self._pitch(), Qt.AlignmentFlag.AlignVCenter
        widest = max(metrics.horizontalAdvance(name) for name, _ in self._lines)
        names = min(widest, self.width() * 2 // 5)
        figures = max(metrics.horizontalAdvance(f"{count:,}") for _, count in self._lines)
        room = max(8, self.width() - names - figures - 24)
        most = max(1, *(count for _, count in self._lines))
        for number, (name, count) in enumerate(self._lines):
            top = float(number * pitch)
            painter.setPen(tokens.text)
            cut = metrics.elidedText(name, Qt.TextElideMode.ElideRight, names)
            painter.drawText(QRectF(0, top, names + 1, pitch), middle, cut)
            bar = QRectF(names + 8, top + 4, max(1.0, room * count / most), pitch - 8)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.family("data") if count else tokens.error)
            painter.drawRoundedRect(bar, 2, 2)
            painter.setPen(tokens.muted if count else tokens.error)
            after = QRectF(bar.right() + 8, top, figures + 8, pitch)
            painter.drawText(after, middle, f"{count:,}")
        if self.rest:
            painter.setPen(tokens.muted)
            line = QRectF(0, len(self._lines) * pitch, self.width(), pitch)
            painter.drawText(line, middle, self.rest)


class Distributions(Cells):
    """A histogram for each column: from where to where its numbers run, and how often."""

    CELL = QSize(184, 116)

    def __init__(self) -> None:
        super().__init__()
        self._columns_shown: list[Mapping[str, Any]] = []
        self.setMouseTracking(True)

    def show_columns(self, columns: Sequence[Mapping[str, Any]]) -> None:
        """Columns as `data.overview.distribution` describes them."""
        self._columns_shown = list(columns)
        self.setAccessibleName("Distributions")
        self.setAccessibleDescription("; ".join(self.told(column) for column in columns))
        self.set_count(len(columns))

    @staticmethod
    def told(column: Mapping[str, Any]) -> str:
        """A column in words."""
        if "counts" not in column:
            return f"{column['name']}: no numbers"
        missing = f", {column['missing']:.1%} missing" if column["missing"] else ""
        return (
            f"{column['name']}: {figure(column['low'])} to {figure(column['high'])}, "
            f"mean {figure(column['mean'])}, deviation {figure(column['deviation'])}{missing}"
        )

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            under = QPointF(event.pos())
            at = next((n for n in range(self._count) if self.cell(n).contains(under)), None)
            if at is not None:
                QToolTip.showText(event.globalPos(), self.told(self._columns_shown[at]), self)
                return True
        return super().event(event)

    def paint_cell(self, painter: QPainter, cell: QRectF, number: int) -> None:
        tokens, column = theme.current(), self._columns_shown[number]
        metrics = painter.fontMetrics()
        line = metrics.height()
        painter.setPen(tokens.text)
        name = metrics.elidedText(
            str(column["name"]), Qt.TextElideMode.ElideMiddle, int(cell.width())
        )
        painter.drawText(QRectF(cell.left(), cell.top(), cell.width(), line), 0, name)
        plot = cell.adjusted(0, line + 4, 0, -line - 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.field)
        painter.drawRoundedRect(plot, 4, 4)
        counts = column.get("counts") or ()
        below = QRectF(cell.left(), plot.bottom() + 2, cell.width(), line)
        painter.setPen(tokens.muted)
        if not counts:
            painter.drawText(plot, Qt.AlignmentFlag.AlignCenter, "no numbers")
            return
        low, high = figure(column["low"]), figure(column["high"])
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, high)
        self._middle(painter, column, below, metrics.horizontalAdvance(max(low, high, key=len)))
        inside = plot.adjusted(4, 5, -4, -1)
        pitch, most = inside.width() / len(counts), max(counts)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.family("data"))
        for at, count in enumerate(counts):
            # What is rare is still seen.
            tall = max(1.5, inside.height() * count / most) if count else 0.0
            bar = QRectF(inside.left() + at * pitch, inside.bottom() - tall, pitch - 1, tall)
            painter.drawRect(bar)

    @staticmethod
    def _middle(painter: QPainter, column: Mapping[str, Any], line: QRectF, beside: int) -> None:
        """The mean between both ends, or, where some are missing, how many."""
        text, color = f"⌀ {figure(column['mean'])}", theme.current().muted
        if column["missing"]:
            text, color = f"{column['missing']:.0%} missing", theme.current().warning
        if painter.fontMetrics().horizontalAdvance(text) <= line.width() - 2 * beside - 16:
            painter.setPen(color)
            painter.drawText(line, Qt.AlignmentFlag.AlignHCenter, text)


class GraphPlot(QWidget):
    """A graph: nodes coloured by class and marked by its first letter, edges between them."""

    def __init__(self) -> None:
        super().__init__()
        self._points: list[tuple[float, float]] = []
        self._edges: list[tuple[int, int]] = []
        self._classes: list[int] = []
        self._names: list[str] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setMinimumHeight(200)

    def show_graph(self, graph: Mapping[str, Any]) -> None:
        """What `data.drawing.draw` made."""
        self._points = [(float(x), float(y)) for x, y in graph["points"]]
        self._edges = [(a, b) for a, b in graph["edges"]]
        self._classes, self._names = list(graph["classes"]), list(graph["names"])
        self.setAccessibleName("Graph")
        self.setAccessibleDescription(f"{len(self._points)} nodes, {len(self._edges)} edges")
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(420, max(200, round(width * 0.62)))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.field)
        painter.drawRoundedRect(QRectF(self.rect()), 4, 4)
        legend = self._legend(painter)
        room = QRectF(self.rect()).adjusted(16, 12 + legend, -16, -12)
        middle = room.center()
        xs, ys = [abs(x) for x, _ in self._points], [abs(y) for _, y in self._points]
        wide, tall = max(xs, default=1.0) or 1.0, max(ys, default=1.0) or 1.0
        places = [
            QPointF(
                middle.x() + x / wide * room.width() / 2, middle.y() - y / tall * room.height() / 2
            )
            for x, y in self._points
        ]
        painter.setPen(QPen(tokens.wire, 1))
        painter.drawLines([QLineF(places[a], places[b]) for a, b in self._edges])
        radius = 7.0 if len(places) <= 60 else 4.0
        painter.setPen(QPen(tokens.field, 1))
        for number, place in enumerate(places):
            known = self._classes[number] >= 0
            painter.setBrush(class_color(self._classes[number]) if known else tokens.muted)
            painter.drawEllipse(place, radius, radius)

    def _legend(self, painter: QPainter) -> int:
        """The names of the classes in a line above; how high it is."""
        if not self._names:
            return 0
        painter.setFont(theme.font("small"))
        metrics, x = painter.fontMetrics(), 12.0
        for number, name in enumerate(self._names):
            width = metrics.horizontalAdvance(name)
            if x + width + 20 > self.width():
                break
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(class_color(number))
            painter.drawEllipse(QPointF(x + 4, 8 + metrics.height() / 2), 4, 4)
            painter.setPen(theme.current().text)
            painter.drawText(QPointF(x + 13, 8 + metrics.ascent()), name)
            x += width + 28
        return metrics.height()

"""Samples painted by hand in cells of a grid: sounds, curves, pictures and their variations."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from netbuilder.gui.bringing.data_pictures import class_color, heat
from netbuilder.gui.look import theme

GAP = 12


class Cells(QWidget):
    """Cells of one size in as many columns as fit."""

    CELL = QSize(168, 96)

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def set_count(self, count: int) -> None:
        """So many cells from now on."""
        self._count = count
        self._resize()
        self.update()

    def _columns(self) -> int:
        return max(1, (self.width() + GAP) // (self.CELL.width() + GAP))

    def _resize(self) -> None:
        rows = -(-self._count // self._columns())
        self.setMinimumHeight(rows * (self.CELL.height() + GAP))

    def resizeEvent(self, event: object) -> None:
        self._resize()

    def cell(self, number: int) -> QRectF:
        """Where a cell lies."""
        line, place = divmod(number, self._columns())
        left, top = place * (self.CELL.width() + GAP), line * (self.CELL.height() + GAP)
        return QRectF(left, top, self.CELL.width(), self.CELL.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.mono("small"))
        for number in range(self._count):
            cell = self.cell(number)
            if cell.intersects(QRectF(event.rect())):
                self.paint_cell(painter, cell, number)

    def paint_cell(self, painter: QPainter, cell: QRectF, number: int) -> None:
        raise NotImplementedError


class Sounds(Cells):
    """Recordings: the wave above, below it how strong each pitch is over time."""

    CELL = QSize(200, 116)

    def __init__(self) -> None:
        super().__init__()
        self._sounds: list[tuple[Sequence[float], Sequence[float], QImage | None, str]] = []

    def show_sounds(
        self, sounds: Sequence[tuple[Sequence[float], Sequence[float], QImage | None, str]]
    ) -> None:
        """Bounds of the wave by column, the spectrogram, and a line of text, for each."""
        self._sounds = list(sounds)
        self.set_count(len(self._sounds))

    def paint_cell(self, painter: QPainter, cell: QRectF, number: int) -> None:
        tokens = theme.current()
        low, high, spectrum, text = self._sounds[number]
        line = painter.fontMetrics().height()
        wave = QRectF(cell.left(), cell.top(), cell.width(), (cell.height() - line) * 0.42)
        below = QRectF(cell.left(), wave.bottom() + 2, cell.width(), 0)
        below.setBottom(cell.bottom() - line - 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.field)
        painter.drawRoundedRect(wave, 4, 4)
        most = max((abs(x) for x in (*low, *high)), default=0.0) or 1.0
        middle, scale = wave.center().y(), (wave.height() / 2 - 3) / most
        step = wave.width() / max(1, len(high))
        painter.setPen(QPen(tokens.accent, 1))
        painter.drawLines(
            [
                QLineF(x, middle - up * scale - 0.5, x, middle - down * scale + 0.5)
                for x, down, up in (
                    (wave.left() + (at + 0.5) * step, low[at], high[at]) for at in range(len(high))
                )
            ]
        )
        if spectrum is not None:
            painter.drawImage(below, heat(spectrum))
        painter.setPen(tokens.muted)
        under = QRectF(cell.left(), cell.bottom() - line, cell.width(), line)
        painter.drawText(under, Qt.AlignmentFlag.AlignLeft, text)


class Variants(Cells):
    """A picture a line: as it is, and as augmentation varies it."""

    SIDE, BESIDE = 68, 14

    def __init__(self, count: int) -> None:
        """`count` variations of each."""
        super().__init__()
        self.CELL = QSize((count + 1) * (self.SIDE + 4) + self.BESIDE, self.SIDE)
        self._lines: list[tuple[QImage, Sequence[QImage]]] = []

    def show_lines(self, lines: Sequence[tuple[QImage, Sequence[QImage]]]) -> None:
        """Each picture, and its variations."""
        self._lines = list(lines)
        self.setAccessibleName("Samples and how they are varied")
        self.set_count(len(self._lines))

    def paint_cell(self, painter: QPainter, cell: QRectF, number: int) -> None:
        before, after = self._lines[number]
        border = theme.current().border
        for at, image in enumerate((before, *after)):
            left = cell.left() + at * (self.SIDE + 4) + (self.BESIDE if at else 0)
            place = QRectF(left, cell.top(), self.SIDE, self.SIDE)
            small = max(image.width(), image.height()) <= self.SIDE
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not small)
            painter.drawImage(place, image)
            painter.setPen(QPen(border, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(theme.current().muted)
        between = QRectF(cell.left() + self.SIDE + 2, cell.top(), self.BESIDE, self.SIDE)
        painter.drawText(between, Qt.AlignmentFlag.AlignCenter, "→")


class Curves(Cells):
    """Small curves, several a cell where a sample has several; a dot for what comes next."""

    CELL = QSize(152, 72)

    def __init__(self) -> None:
        super().__init__()
        self._curves: list[tuple[Sequence[Sequence[float | None]], float | None, str]] = []

    def show_curves(
        self, curves: Sequence[tuple[Sequence[Sequence[float | None]], float | None, str]]
    ) -> None:
        """The lines of each sample, what follows or None, and a line of text."""
        self._curves = list(curves)
        self.set_count(len(self._curves))

    def paint_cell(self, painter: QPainter, cell: QRectF, number: int) -> None:
        tokens = theme.current()
        lines, following, text = self._curves[number]
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.field)
        painter.drawRoundedRect(cell, 4, 4)
        known = [x for line in lines for x in line if x is not None]
        known += [following] if following is not None else []
        if not known:
            return
        low = min(known)
        span = max(known) - low or 1.0
        inside = cell.adjusted(6, 8, -6, -8)
        longest = max(map(len, lines)) + (following is not None)
        step = inside.width() / max(1, longest - 1)

        def at(place: int, value: float) -> QPointF:
            share = (value - low) / span
            return QPointF(inside.left() + place * step, inside.bottom() - share * inside.height())

        painter.setBrush(Qt.BrushStyle.NoBrush)
        for hue, line in enumerate(lines):
            color = tokens.accent if len(lines) == 1 else class_color(hue)
            painter.setPen(QPen(color, 1.2))
            points = [at(place, x) for place, x in enumerate(line) if x is not None]
            painter.drawPolyline(QPolygonF(points))
        if following is not None:
            painter.setBrush(tokens.family("activation"))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawEllipse(at(longest - 1, following), 3, 3)
        if text:
            painter.setPen(tokens.muted)
            painter.drawText(cell.adjusted(6, 3, -6, 0), Qt.AlignmentFlag.AlignRight, text)

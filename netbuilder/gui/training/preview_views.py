"""Pictures of what a network says that are no images: texts, certainties, points in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from netbuilder.gui.look import theme

CLASS_HUES = (
    "convolution",
    "loss",
    "arithmetic",
    "activation",
    "recurrent",
    "normalisation",
    "linear",
    "attention",
    "pooling",
    "metric",
)
"""Hues far apart for classes; from the eleventh on they come again."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What is said of a sample: the class, how sure, and whether it is right (None: unknown)."""

    name: str
    confidence: float
    right: bool | None
    truth: str = ""


class CertaintyBars(QWidget):
    """A line a sample: the class that is said, and a bar as long as it is sure of it."""

    def __init__(self) -> None:
        super().__init__()
        self._guesses: list[Guess] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_guesses(self, guesses: Sequence[Guess]) -> None:
        """One for each sample."""
        self._guesses = list(guesses)
        self.setFixedHeight(self._pitch() * len(self._guesses))
        words = [f"{g.name} {g.confidence:.0%}" for g in self._guesses]
        self.setAccessibleDescription(", ".join(words))
        self.update()

    def _pitch(self) -> int:
        return self.fontMetrics().height() + 6

    def sizeHint(self) -> QSize:
        return QSize(240, self._pitch() * len(self._guesses))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.mono("small"))
        metrics = QFontMetrics(painter.font())
        names = max((metrics.horizontalAdvance(g.name) for g in self._guesses), default=0)
        truths = max((metrics.horizontalAdvance(g.truth) for g in self._guesses), default=0)
        names = min(names, self.width() // 3)
        pitch = self._pitch()
        room = self.width() - names - truths - metrics.horizontalAdvance("100 %") - 32
        middle = Qt.AlignmentFlag.AlignVCenter
        for line, guess in enumerate(self._guesses):
            top = float(line * pitch)
            color = tokens.accent
            if guess.right is not None:
                color = tokens.success if guess.right else tokens.error
            name = metrics.elidedText(guess.name, Qt.TextElideMode.ElideRight, names)
            painter.setPen(tokens.text)
            painter.drawText(QRectF(0, top, names, pitch), middle, name)
            track = QRectF(names + 8, top + 5, max(8, room), pitch - 10)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.field)
            painter.drawRoundedRect(track, 3, 3)
            filled = QRectF(track)
            filled.setWidth(max(2.0, track.width() * min(1.0, max(0.0, guess.confidence))))
            painter.setBrush(color)
            painter.drawRoundedRect(filled, 3, 3)
            painter.setPen(tokens.muted)
            after = QRectF(track.right() + 8, top, self.width() - track.right() - 8, pitch)
            wrong = f"  {guess.truth}" if guess.right is False else ""
            painter.drawText(after, middle, f"{guess.confidence:4.0%}{wrong}")


class TextList(QWidget):
    """Texts, each with the right one above it where there is one; differing letters stand out."""

    def __init__(self) -> None:
        super().__init__()
        self._pairs: list[tuple[str, str]] = []
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_texts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """What is said and what is right (empty if unknown), for each sample."""
        self._pairs = [(said.replace("\n", "⏎"), right.replace("\n", "⏎")) for said, right in pairs]
        self.setAccessibleDescription("; ".join(said for said, _ in self._pairs))
        self.setMinimumHeight(self.heightForWidth(max(self.width(), 160)))
        self.update()

    def _cell(self) -> tuple[int, int]:
        metrics = QFontMetrics(theme.mono("small"))
        return max(1, metrics.horizontalAdvance("0")), metrics.height() + 1

    def _letters(self, width: int) -> int:
        return max(8, (width - 12) // self._cell()[0])

    def _lines(self, pair: tuple[str, str], letters: int) -> int:
        said, right = pair
        wrapped = -(-max(len(said), len(right), 1) // letters)
        return wrapped * (2 if right else 1)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        letters = self._letters(width)
        lines = sum(self._lines(pair, letters) for pair in self._pairs)
        return lines * self._cell()[1] + 16 * len(self._pairs)

    def sizeHint(self) -> QSize:
        return QSize(320, self.heightForWidth(max(self.width(), 160)))

    def resizeEvent(self, event: object) -> None:
        self.setMinimumHeight(self.heightForWidth(self.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setFont(theme.mono("small"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        wide, tall = self._cell()
        letters, y = self._letters(self.width()), 0
        for said, right in self._pairs:
            height = self._lines((said, right), letters) * tall + 10
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.field)
            painter.drawRoundedRect(QRectF(0, y, self.width(), height), 4, 4)
            line = y + 5
            for start in range(0, max(len(said), len(right), 1), letters):
                part = slice(start, start + letters)
                if right:
                    painter.setPen(tokens.muted)
                    painter.drawText(QRectF(6, line, self.width(), tall), 0, right[part])
                    line += tall
                for at, letter in enumerate(said[part]):
                    wrong = bool(right) and right[start + at : start + at + 1] != letter
                    painter.setPen(tokens.error if wrong else tokens.text)
                    painter.drawText(QRectF(6 + at * wide, line, 2 * wide, tall), 0, letter)
                line += tall
            y += height + 6


class PointCloud(QWidget):
    """Points in a plane, coloured by class, with the names of the classes at their middles."""

    def __init__(self) -> None:
        super().__init__()
        self._points: npt.NDArray[np.float64] = np.zeros((0, 2))
        self._labels: list[int] = []
        self._names: Sequence[str] = ()
        self.setMinimumHeight(180)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_points(self, points: Any, labels: Sequence[int], names: Sequence[str]) -> None:
        """N pairs, a class number for each or none at all, and the names of the classes."""
        array = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        known = np.flatnonzero(np.isfinite(array).all(axis=1))
        self._points = array[known]
        self._labels = [labels[at] for at in known.tolist() if at < len(labels)]
        self._names = names
        self.setAccessibleDescription(f"{len(self._points)} points")
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(360, max(180, round(width * 0.8)))

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.field)
        painter.drawRoundedRect(frame, 4, 4)
        points = self._points
        if not len(points):
            return
        low, high = points.min(axis=0), points.max(axis=0)
        # The same scale both ways: distances are what an embedding is about.
        room = np.array([frame.width() - 28, frame.height() - 28])
        scale = float((room / np.maximum(high - low, 1e-12)).min())
        middle = (low + high) / 2
        places = np.array([frame.width(), frame.height()]) / 2 + (points - middle) * scale * [1, -1]
        for number, (x, y) in enumerate(places.tolist()):
            color = QColor(tokens.accent)
            if number < len(self._labels):
                color = QColor(tokens.family(CLASS_HUES[self._labels[number] % len(CLASS_HUES)]))
            color.setAlpha(190)
            painter.setBrush(color)
            painter.drawEllipse(QPointF(x, y), 3.0, 3.0)
        painter.setFont(theme.font("small", medium=True))
        labels = np.array(self._labels[: len(points)])
        for number in sorted(set(self._labels)):
            x, y = np.median(places[: len(labels)][labels == number], axis=0).tolist()
            name = self._names[number] if 0 <= number < len(self._names) else str(number)
            box = QRectF(painter.fontMetrics().boundingRect(name)).adjusted(-4, -1, 4, 1)
            box.moveCenter(QPointF(x, y))
            ground = QColor(tokens.card)
            ground.setAlpha(215)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ground)
            painter.drawRoundedRect(box, 3, 3)
            painter.setPen(tokens.family_text(CLASS_HUES[number % len(CLASS_HUES)]))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

"""Templates as cards in a grid that one walks through by keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from netbuilder.gui.clamped import Clamped
from netbuilder.gui.look.widgets import column, label, set_tip
from netbuilder.gui.starting.thumbnails import GraphPicture

if TYPE_CHECKING:
    from netbuilder.app.templates import TemplateInfo

CARD_WIDTH = 232
PICTURE_HEIGHT = 96
LINES = 5
"""Lines of the description on a card."""
GAP = 16
COLUMNS = 5
_OPENING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)


def count(number: int) -> str:
    """A number of parameters in few letters: 9,978; 61.1 M."""
    if number < 1_000_000:
        return f"{number:,}"
    return f"{number / 1e6:.1f} M" if number < 1e9 else f"{number / 1e9:.1f} G"


class Card(QFrame):
    """A template: its graph, what it does, on what data. One press opens it.

    `left(key)`: an arrow key that leads to another card; `typed(text)`: letters that are meant
    for the search.
    """

    chosen = Signal(str)
    left = Signal(int)
    typed = Signal(str)

    def __init__(self, info: TemplateInfo) -> None:
        super().__init__()
        self.info = info
        self.setProperty("role", "card")
        self.setMinimumWidth(CARD_WIDTH)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(info.title)
        self.setAccessibleDescription(f"{info.task}. {info.description}")
        self.setObjectName(f"template.{info.id}")
        self.picture = GraphPicture(PICTURE_HEIGHT)
        self.description = Clamped(info.description, LINES)
        title = label(info.title, "heading")
        facts = label(f"{info.dataset}  ·  {count(info.parameters)} parameters", "small")
        exact = ", ".join(f"{name}: {number:,}" for name, number in info.networks.items())
        set_tip(facts, f"{info.family}. Parameters: {exact}.\n{info.paper}".strip())
        for text in (title, facts):
            # A long title must not widen its column.
            text.setMinimumWidth(1)
        texts = column(title, self.description, 4, label(info.task, "small"), facts, gap=3)
        texts.setContentsMargins(14, 9, 14, 11)
        layout = column(self.picture, gap=0, margins=(1, 1, 1, 1))
        layout.addLayout(texts, 1)
        self.setLayout(layout)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.chosen.emit(self.info.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, text = event.key(), event.text()
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in _OPENING:
            self.chosen.emit(self.info.id)
        elif not held and Qt.Key(key) in CardGrid.STEPS:
            self.left.emit(key)
        elif text.isprintable() and text and not held & ~Qt.KeyboardModifier.ShiftModifier:
            self.typed.emit(text)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None:
            area.ensureWidgetVisible(self, 0, GAP)


class CardGrid(QWidget):
    """Cards in as many columns as fit. `left_above`: a step up from the first line."""

    left_above = Signal()
    STEPS = frozenset(
        (
            Qt.Key.Key_Left,
            Qt.Key.Key_Right,
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
            Qt.Key.Key_Home,
            Qt.Key.Key_End,
        )
    )

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[Card] = []
        self.shown: list[Card] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._columns = 1

    def add(self, card: Card) -> None:
        """One more card, at the end; `show_only` gives it a place."""
        card.setParent(self)
        card.left.connect(lambda key: self._step(card, Qt.Key(key)))
        self.cards.append(card)

    def show_only(self, cards: Sequence[Card]) -> None:
        """These alone, in this order."""
        self.shown = list(cards)
        wanted = set(map(id, cards))
        for card in self.cards:
            card.setVisible(id(card) in wanted)
        self._arrange()

    def resizeEvent(self, event: QEvent) -> None:
        if self._fitting() != self._columns:
            self._arrange()

    def _fitting(self) -> int:
        return max(1, min(COLUMNS, (self.width() + GAP) // (CARD_WIDTH + GAP)))

    def _arrange(self) -> None:
        self._columns = columns = self._fitting()
        while self._grid.count():
            self._grid.takeAt(0)
        for at in range(COLUMNS):
            self._grid.setColumnStretch(at, 1 if at < columns else 0)
            self._grid.setColumnMinimumWidth(at, CARD_WIDTH if at < columns else 0)
        for number, card in enumerate(self.shown):
            self._grid.addWidget(card, number // columns, number % columns)
            # Tab goes as one reads.
            if number:
                QWidget.setTabOrder(self.shown[number - 1], card)

    def _step(self, card: Card, key: Qt.Key) -> None:
        at = self.shown.index(card)
        goal = {
            Qt.Key.Key_Left: at - 1,
            Qt.Key.Key_Right: at + 1,
            Qt.Key.Key_Up: at - self._columns,
            Qt.Key.Key_Down: at + self._columns,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: len(self.shown) - 1,
        }[key]
        if key == Qt.Key.Key_Up and goal < 0:
            self.left_above.emit()
        elif 0 <= goal < len(self.shown):
            self.shown[goal].setFocus(Qt.FocusReason.OtherFocusReason)

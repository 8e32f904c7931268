"""The first thing one sees: templates as pictures, recent projects, an empty project, Open.

The page itself is cheap, so that the window paints at once; templates and pictures are
filled in afterwards, by `fill`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from netbuilder.app.kinds import KINDS
from netbuilder.gui.recovery_list import RecoveryList, short
from netbuilder.gui.thumbnails import GraphPicture
from netbuilder.gui.widgets import button, clear, column, label, link, row, scroller, set_tip

if TYPE_CHECKING:
    from netbuilder.app.templates import TemplateInfo

CARD_WIDTH, CARD_HEIGHT = 264, 304
PICTURE_HEIGHT = 104
GAP = 16


class Card(QFrame):
    """A template: its graph, what it does, on what data. One press opens it."""

    chosen = Signal(str)

    def __init__(self, info: TemplateInfo) -> None:
        super().__init__()
        self.info = info
        self.setProperty("role", "card")
        self.setMinimumWidth(CARD_WIDTH)
        self.setFixedHeight(CARD_HEIGHT)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(info.title)
        self.setAccessibleDescription(f"{info.task}. {info.description}")
        self.setObjectName(f"template.{info.id}")
        self.picture = GraphPicture(PICTURE_HEIGHT)
        self.description = label(info.description, "muted", wrap=True)
        self.description.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.description.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        set_tip(self.description, info.description)
        facts = label(f"{info.dataset}  ·  {info.parameters:,} parameters", "small")
        texts = column(label(info.title, "heading"), self.description, gap=4)
        texts.setStretch(1, 1)
        texts.addWidget(label(info.task, "small"))
        texts.addWidget(facts)
        texts.setContentsMargins(14, 10, 14, 12)
        layout = column(self.picture, gap=0, margins=(1, 1, 1, 1))
        layout.addLayout(texts, 1)
        self.setLayout(layout)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.chosen.emit(self.info.id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.chosen.emit(self.info.id)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()


class CardGrid(QWidget):
    """Cards in as many columns as fit."""

    def __init__(self) -> None:
        super().__init__()
        self.cards: list[Card] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self._columns = 0

    def show_cards(self, cards: Sequence[Card]) -> None:
        """Replace the cards."""
        clear(self._grid)
        self.cards = list(cards)
        self._columns = 0
        self._arrange()

    def resizeEvent(self, event: QEvent) -> None:
        self._arrange()

    def _arrange(self) -> None:
        columns = max(1, min(4, (self.width() + GAP) // (CARD_WIDTH + GAP)))
        if columns == self._columns:
            return
        self._columns = columns
        for at in range(self._grid.columnCount()):
            self._grid.setColumnStretch(at, 0)
        for at in range(columns):
            self._grid.setColumnStretch(at, 1)
        for number, card in enumerate(self.cards):
            self._grid.addWidget(card, number // columns, number % columns)


def kinds_menu(parent: QWidget, chosen: Callable[[str], object]) -> QMenu:
    """The usual kinds of training by name; `chosen` gets the id of one."""
    menu = QMenu(parent)
    menu.setToolTipsVisible(True)
    for kind in KINDS:
        action = menu.addAction(kind.title, partial(chosen, kind.id))
        action.setObjectName(f"kind.{kind.id}")
        action.setToolTip(kind.help)
        action.setStatusTip(kind.help)
    return menu


class StartPage(QWidget):
    """`template_chosen(id)`, `project_chosen(path)`, `new_wanted`, `kind_wanted(id)`,
    `open_wanted`."""

    template_chosen = Signal(str)
    project_chosen = Signal(object)
    new_wanted = Signal()
    kind_wanted = Signal(str)
    open_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("surface")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._waiting: list[Card] = []
        self.grid = CardGrid()
        self.new = button("New empty project", self.new_wanted.emit, "primary")
        self.kinds = button("New project", tip="Begin with the training of a usual kind")
        self.kinds.setMenu(kinds_menu(self.kinds, self.kind_wanted.emit))
        self.open = button("Open…", self.open_wanted.emit)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(8)
        recent = column(self.new, self.kinds, self.open, 16, label("Recent", "group"), gap=8)
        recent.addLayout(self._recent)
        recent.addStretch(1)
        side = QWidget()
        side.setLayout(recent)
        side.setFixedWidth(220)
        title = label("netbuilder", "hero")
        subtitle = label(
            "Draw a network, watch it learn, ship it. Start from one that works:", "muted"
        )
        self.recovery = RecoveryList()
        main = column(self.recovery, title, subtitle, 8, self.grid, gap=4)
        main.addStretch(1)
        content = QWidget()
        content.setObjectName("surface")
        body = row(gap=48, margins=(48, 40, 48, 32))
        body.addStretch(1)
        body.addLayout(main, 12)
        body.addWidget(side)
        body.addStretch(1)
        content.setLayout(body)
        self.setLayout(column(scroller(content)))

    def show_recents(self, recents: Sequence[str]) -> None:
        """Paths of projects, the latest first."""
        clear(self._recent)
        if not recents:
            self._recent.addWidget(label("What you save appears here.", "small", wrap=True))
        for text in recents[:8]:
            path = Path(text)
            open_it = link(path.stem, partial(self.project_chosen.emit, path))
            set_tip(open_it, text)
            folder = label(short(path.parent), "small")
            self._recent.addLayout(column(open_it, folder, gap=0))

    def fill(self, templates: Sequence[TemplateInfo]) -> None:
        """The templates' cards; their pictures follow, one at a time."""
        cards = [Card(info) for info in templates]
        for card in cards:
            card.chosen.connect(self.template_chosen)
        self.grid.show_cards(cards)
        self._waiting = cards
        QTimer.singleShot(0, self, self._next_picture)

    def _next_picture(self) -> None:
        if not self._waiting:
            return
        # Reading a project needs the catalogue: not before the first paint.
        from netbuilder.app.templates import open_template
        from netbuilder.errors import NetbuilderError
        from netbuilder.layers.catalogue import layers

        card = self._waiting.pop(0)
        # A template that can't be read says so when it is opened; here it has no picture.
        with suppress(NetbuilderError):
            families = {id: layer.family.value for id, layer in layers().items()}
            card.picture.show_document(open_template(card.info.id), families)
        QTimer.singleShot(0, self, self._next_picture)

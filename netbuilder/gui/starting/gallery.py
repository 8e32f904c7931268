"""The templates on the start page: a search, families to choose from, and cards.

Some sixty templates are read, made into cards and painted bit by bit, so that the window never
stands still for them; the picture of a card is made when the card is first seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QLineEdit, QPushButton, QWidget

from netbuilder.gui.look.flow import Flow
from netbuilder.gui.look.widgets import button, column, holder, label
from netbuilder.gui.starting.template_cards import Card, CardGrid
from netbuilder.gui.starting.thumbnails import GraphPicture

if TYPE_CHECKING:
    from netbuilder.app.templates import TemplateInfo

TURN_MS = 12
"""How long the window is kept from other things at a time."""
ALL = "All"


def fit(words: Sequence[str], info: TemplateInfo) -> int | None:
    """How well a template fits all words, 0 the best; None if one is nowhere in it."""
    title = f"{info.title} {info.id}".lower()
    about = f"{info.family} {info.task} {info.dataset}".lower()
    rest = f"{info.description} {info.paper}".lower()
    places = []
    for word in words:
        place = next((n for n, text in enumerate((title, about, rest)) if word in text), None)
        if place is None:
            return None
        places.append(place)
    return sum(places)


class _Search(QLineEdit):
    """`went_down`: a step down, into the cards."""

    went_down = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() == Qt.Key.Key_Down:
            self.went_down.emit()
        else:
            super().keyPressEvent(event)


class Gallery(QWidget):
    """`chosen(id)`; `failed(text)`: a template can't be read."""

    chosen = Signal(str)
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.search = _Search()
        self.search.setObjectName("templates.search")
        self.search.setPlaceholderText("Search templates: image, GPT, noise, Linear…")
        self.search.setAccessibleName("Search templates")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(420)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._open_first)
        self.search.went_down.connect(self._into_cards)
        self.chips = QButtonGroup(self)
        self.chips.buttonClicked.connect(self._filter)
        self._row = Flow()
        self.grid = CardGrid()
        self.grid.left_above.connect(self.search.setFocus)
        self.nothing = label("No template fits. Try another word, or another family.", "muted")
        self.nothing.hide()
        self._work: Iterator[None] = iter(())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._go_on)
        self._pictures: list[GraphPicture] = []
        self._done = True
        self._families: dict[str, str] = {}
        chips = holder(self._row)
        self.setLayout(column(self.search, 4, chips, 8, self.nothing, self.grid, gap=4))

    @property
    def busy(self) -> bool:
        """Whether cards or pictures are still to be made."""
        return not self._done

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._done:
            self._timer.start(0)

    # -- filling -----------------------------------------------------------------------------

    def load(self) -> None:
        """Read the templates and show them, bit by bit."""
        self._work = self._fill()
        self._begin()

    def _begin(self) -> None:
        self._done = False
        if not self._timer.isActive():
            self._timer.start(0)

    def _go_on(self) -> None:
        """Work on for a moment; the rest follows when the window has had its turn, and only
        while somebody sees it."""
        if not self.isVisible():
            return
        spent = QElapsedTimer()
        spent.start()
        while spent.elapsed() < TURN_MS:
            try:
                next(self._work)
            except StopIteration:
                if not self._pictures:
                    self._done = True
                    return
                self._picture(self._pictures.pop(0))
        self._timer.start(0)

    def _fill(self) -> Iterator[None]:
        from netbuilder.app import templates
        from netbuilder.errors import NetbuilderError

        found = []
        for path in templates.paths():
            try:
                found.append(templates.info(path))
            except (NetbuilderError, OSError, LookupError, TypeError) as error:
                self.failed.emit(f"{path.name}: {error}")
            yield
        infos = templates.in_order(found)
        self._add_chips(infos)
        yield
        for info in infos:
            self._add_card(info)
            if len(self.grid.cards) % 6 == 0:
                self._filter()
            yield
        self._filter()

    def _add_card(self, info: TemplateInfo) -> None:
        card = Card(info)
        card.chosen.connect(self.chosen)
        card.typed.connect(self._type)
        card.picture.wanted.connect(lambda: self._want(card.picture))
        card.picture.setProperty("template", info.id)
        self.grid.add(card)

    def _add_chips(self, infos: Sequence[TemplateInfo]) -> None:
        families = list(dict.fromkeys(info.family for info in infos))
        for name in [ALL, *sorted(families)]:
            many = sum(name in (ALL, info.family) for info in infos)
            chip = button(f"{name}  {many}", role="chip")
            chip.setCheckable(True)
            chip.setChecked(name == ALL)
            chip.setObjectName(f"family.{name}")
            chip.setAccessibleName(f"{name}, {many} templates")
            chip.setProperty("family", name)
            self.chips.addButton(chip)
            self._row.addWidget(chip)

    def _want(self, picture: GraphPicture) -> None:
        """A card is seen for the first time."""
        self._pictures.append(picture)
        self._begin()

    def _picture(self, picture: GraphPicture) -> None:
        # Reading a project needs the catalogue: not before the first paint.
        from netbuilder.app.templates import open_template
        from netbuilder.errors import NetbuilderError
        from netbuilder.layers.catalogue import layers

        if not self._families:
            self._families = {id: layer.family.value for id, layer in layers().items()}
        # A template that can't be read says so when it is opened; here it has no picture.
        with suppress(NetbuilderError):
            document = open_template(str(picture.property("template")))
            picture.show_document(document, self._families)

    # -- finding -----------------------------------------------------------------------------

    def _filter(self) -> None:
        words = self.search.text().lower().split()
        chip = self.chips.checkedButton()
        family = chip.property("family") if chip is not None else ALL
        ranked = [
            (place, number, card)
            for number, card in enumerate(self.grid.cards)
            if family in (ALL, card.info.family) and (place := fit(words, card.info)) is not None
        ]
        # Those that fit alike stay in their order.
        ranked.sort(key=lambda entry: entry[:2])
        self.grid.show_only([card for _, _, card in ranked])
        self.nothing.setVisible(not ranked and bool(self.grid.cards))

    def _open_first(self) -> None:
        if self.grid.shown and self.search.text():
            self.chosen.emit(self.grid.shown[0].info.id)

    def _into_cards(self) -> None:
        if self.grid.shown:
            self.grid.shown[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def _type(self, text: str) -> None:
        """Letters that were typed while a card had the keys."""
        self.search.setFocus(Qt.FocusReason.OtherFocusReason)
        self.search.insert(text)

    def chip(self, family: str) -> QPushButton | None:
        """The button of a family."""
        found = [b for b in self.chips.buttons() if b.property("family") == family]
        return found[0] if found and isinstance(found[0], QPushButton) else None

"""The choice of a data set: a list that is searched by typing, sorted by what the data is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from PySide6.QtCore import Signal

from netbuilder.data.depicting import kind_of
from netbuilder.data.sources import Source, source_classes
from netbuilder.gui.look.widgets import Choice
from netbuilder.gui.picker import Offer, Picker, score

GROUPS = ("Pictures", "Tables", "Series", "Text", "Sound", "Graphs", "Your own")
_OF_KIND = {
    "image": "Pictures",
    "mask": "Pictures",
    "text": "Text",
    "sound": "Sound",
    "curve": "Series",
}
FOLDER, FILE = "a folder of your own", "a file of your own"
"""What is offered besides the data sets."""


@cache
def group_of(kind: type[Source]) -> str:
    """What a data set is, by its first field."""
    if kind.on_disk:
        return "Your own"
    fields = kind().fields()
    if any(not field.batched for field in fields):
        return "Graphs"
    return _OF_KIND.get(kind_of(fields[0]), "Tables") if fields else "Tables"


@cache
def facts_of(kind: type[Source]) -> str:
    """Its fields in a line."""
    fields = kind().fields()
    shapes = ["×".join(map(str, field.shape)) for field in fields]
    told = [f"{f.name} {shape}".strip() for f, shape in zip(fields, shapes, strict=True)]
    return ", ".join(told[:3]) + (", …" if len(told) > 3 else "")


def offers(query: str) -> Sequence[Offer]:
    """The data sets that fit what is typed, the best first; without any by groups."""
    found = [
        (Offer(f"{kind.title}", id, f"{group}  ·  {facts_of(kind)}"), group, kind)
        for id, kind in source_classes().items()
        if (group := group_of(kind)) != "Your own"
    ]
    own = [Offer("Open a folder of your own…", FOLDER), Offer("Open a file of your own…", FILE)]
    if not query:
        found.sort(key=lambda entry: GROUPS.index(entry[1]))
        return [*own, *(offer for offer, _, _ in found), Offer("none", None)]
    ranked: list[tuple[float, Offer]] = []
    for offer, group, kind in found:
        # A word of the title says more than one of what it is about.
        fits = [score(query, kind.title), *_weaker(query, f"{group} {facts_of(kind)}", kind)]
        known = [fit for fit in fits if fit is not None]
        if known:
            ranked.append((max(known), offer))
    ranked.sort(key=lambda entry: -entry[0])
    return [offer for _, offer in ranked] + own


def _weaker(query: str, text: str, kind: type[Source]) -> Iterator[float | None]:
    meanings = " ".join(field.meaning for field in kind().fields())
    words = f"{text} {kind.help()} {meanings}".lower()
    yield 0.0 if all(word in words for word in query.lower().split()) else None


class SourceChoice(Choice):
    """A field that opens a search. `own_wanted(what)`: `FOLDER` or `FILE`."""

    own_wanted = Signal(str)

    def __init__(self, chosen: object) -> None:
        super().__init__()
        self.addItem("none", None)
        for id, kind in source_classes().items():
            if group_of(kind) != "Your own" or id == chosen:
                self.addItem(kind.title, id)
        if chosen is not None and self.findData(chosen) < 0:
            self.addItem(str(chosen), chosen)
        self.picker: Picker | None = None

    def showPopup(self) -> None:
        """The search instead of a list of all."""
        picker = self.picker = Picker(self.window(), "Search data: digits, text, …", "Data sets")
        picker.chosen.connect(self._take)
        picker.offer(offers)
        picker.open()

    def hidePopup(self) -> None:
        """The search closes by itself."""

    def _take(self, data: object) -> None:
        self.picker = None
        if data in (FOLDER, FILE):
            self.own_wanted.emit(str(data))
            return
        self.setCurrentIndex(self.findData(data))
        self.activated.emit(self.currentIndex())

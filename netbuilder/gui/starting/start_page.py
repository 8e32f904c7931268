"""The first thing one sees: templates as pictures, recent projects, an empty project, Open.

The page itself is cheap, so that the window paints at once; the templates come afterwards, when
`gallery.load` is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from netbuilder.app.kinds import KINDS
from netbuilder.gui.look.widgets import button, clear, column, label, link, row, scroller, set_tip
from netbuilder.gui.starting.gallery import Gallery
from netbuilder.gui.starting.recovery_list import RecoveryList, short

NARROW = 1180
"""Under this width margins give way to cards."""


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
        self.gallery = Gallery()
        self.gallery.chosen.connect(self.template_chosen)
        self.new = button("New empty project", self.new_wanted.emit, "primary")
        self.kinds = button("New project", tip="Begin with the training of a usual kind")
        self.kinds.setMenu(kinds_menu(self.kinds, self.kind_wanted.emit))
        self.open = button("Open…", self.open_wanted.emit)
        tip = "Begin with a file or a folder of your own: images, a table, sound, text"
        self.data = button("Open data", tip=tip)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(8)
        drop = label(
            "Or drop a project, a model (.onnx, .pt2) or your data here.", "small", wrap=True
        )
        recent = column(self.new, self.kinds, self.open, self.data, drop, 16, gap=8)
        recent.addWidget(label("Recent", "group"))
        recent.addLayout(self._recent)
        recent.addStretch(1)
        side = QWidget()
        side.setLayout(recent)
        side.setFixedWidth(220)
        title = label("netbuilder", "hero")
        subtitle = label(
            "Draw a network, watch it learn, ship it. Start from one that works:", "muted"
        )
        self.grid = self.gallery.grid
        self.recovery = RecoveryList()
        main = column(self.recovery, title, subtitle, 8, self.gallery, gap=4)
        main.addStretch(1)
        content = QWidget()
        content.setObjectName("surface")
        self._body = row()
        self._body.addLayout(main, 1)
        self._body.addWidget(side)
        content.setLayout(self._body)
        self.setLayout(column(scroller(content)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        side = 48 if self.width() >= NARROW else 20
        self._body.setSpacing(side)
        self._body.setContentsMargins(side, 40 if side > 20 else 20, side, 32)

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

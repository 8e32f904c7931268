"""Weights of a file for a network: which tensor goes where, then taking them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from netbuilder.errors import NetbuilderError
from netbuilder.gui.look import style, theme
from netbuilder.gui.look.widgets import (
    Choice,
    EmptyState,
    Switch,
    button,
    column,
    holder,
    label,
    plain_tip,
    row,
)

Answer = dict[str, Any] | NetbuilderError
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
"""Usual endings; what a file is, its first bytes say."""
_STATES = {
    "same": ("taken", "success"),
    "renamed": ("taken", "success"),
    "order": ("taken, a guess", "warning"),
    "shape": ("does not fit", "error"),
    "kind": ("does not fit", "error"),
    "missing": ("stays as it is", "muted"),
    "spare": ("has no place", "muted"),
}


class Looks(Protocol):
    """What the dialog needs of `app.session.Session`."""

    def look(
        self, what: str, params: Mapping[str, Any], on_done: Callable[[Answer], None]
    ) -> None: ...


class WeightsDialog(QDialog):
    """Not modal. `taken(network, entry)`: the file beside the project, and what it says of it."""

    taken = Signal(str, object)

    def __init__(
        self,
        session: Looks,
        path: Path,
        folder: Path,
        networks: Sequence[str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Weights from {path.name}")
        self.setObjectName("weightsDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(760, 540)
        self._session, self._path, self._folder = session, path, folder
        self._closed = False
        self._asked = 0
        self._build(networks)
        self._look()

    def _build(self, networks: Sequence[str]) -> None:
        self.network = Choice()
        for name in networks:
            self.network.addItem(name, name)
        if "main" in networks:
            self.network.setCurrentIndex(list(networks).index("main"))
        self.network.setAccessibleName("Network")
        self.network.currentIndexChanged.connect(self._look)
        self.by_order = Switch("Match the rest by shape and order: a guess")
        self.by_order.toggled.connect(self._look)
        self.by_order.hide()
        self.waiting = EmptyState("Reading…", "The weights of the file find their places.")
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["In the network", "In the file", "Shape", "Outcome"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        # As far from the left as the words of the header; the tree itself adds a few pixels.
        self.tree.setIndentation(0)
        self.tree.setStyleSheet("QTreeView::item { padding: 3px 5px; }")
        # Long names begin alike and end differently; what becomes of them is always seen.
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.tree.setAccessibleName("Tensors and what becomes of them")
        header = self.tree.header()
        header.setStretchLastSection(False)
        for section in range(4):
            mode = QHeaderView.ResizeMode
            header.setSectionResizeMode(
                section, mode.Stretch if section < 2 else mode.ResizeToContents
            )
        self.about = label("", "muted", wrap=True)
        page = column(self.about, self.tree, self.by_order, gap=8)
        page.setStretch(1, 1)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.waiting)
        self._pages.addWidget(holder(page))
        self.take = button("Take weights", self._take, "primary")
        self.take.setDefault(True)
        cancel = button("Cancel", self.close)
        layout = column(
            label(f"Weights from {self._path.name}", "title"), gap=8, margins=(24, 24, 24, 16)
        )
        if len(networks) > 1:
            layout.addLayout(row(label("Network", "field"), self.network, None))
        layout.addLayout(self._pages, 1)
        layout.addLayout(row(None, cancel, self.take))
        self.setLayout(layout)

    def done(self, result: int) -> None:
        self._closed = True
        super().done(result)

    def closeEvent(self, event: Any) -> None:
        self._closed = True
        super().closeEvent(event)

    # -- the match -----------------------------------------------------------------------

    def _ask(self, then: Callable[[Answer], None], **more: Any) -> None:
        """Ask the worker; what was asked before is no longer wanted."""
        self._asked += 1
        number = self._asked
        self.take.setEnabled(False)

        def answered(answer: Answer) -> None:
            if not self._closed and number == self._asked:
                then(answer)

        params = {
            "path": str(self._path),
            "folder": str(self._folder),
            "network": self.network.currentData(),
            "by_order": self.by_order.isChecked(),
        }
        self._session.look("weights", params | more, answered)

    def _look(self, *_: object) -> None:
        self._ask(self._arrived)

    def _arrived(self, answer: Answer) -> None:
        if isinstance(answer, NetbuilderError):
            self._refuse(answer)
            return
        self.tree.clear()
        tokens = theme.current()
        for entry in answer["items"]:
            words, color = _STATES[entry["state"]]
            shape = entry["wanted"] if entry["wanted"] is not None else entry["found"]
            dims = "×".join(map(str, shape)) or "1"
            texts = [entry["key"], entry["source"], dims, words]
            item = QTreeWidgetItem([plain_line(text) for text in texts])
            item.setForeground(3, getattr(tokens, color))
            for section in range(4):
                # Names may be cut short.
                tip = "\n".join(filter(None, (item.text(section), entry["why"])))
                item.setToolTip(section, plain_tip(tip))
            self.tree.addTopLevelItem(item)
        self.about.setText(_summary(answer))
        self.by_order.setVisible(bool(answer["in_order"]) or self.by_order.isChecked())
        self._pages.setCurrentIndex(1)
        self.take.setEnabled(answer["matched"] > 0)

    def _refuse(self, error: NetbuilderError) -> None:
        self.waiting.say("That can't be done", f"{error} {error.hint}".strip())
        self._pages.setCurrentIndex(0)

    # -- taking --------------------------------------------------------------------------

    def _take(self) -> None:
        self._ask(self._took, take=True)

    def _took(self, answer: Answer) -> None:
        if isinstance(answer, NetbuilderError):
            self._refuse(answer)
            return
        self.taken.emit(str(answer["network"]), answer["entry"])
        self.close()


def plain_line(text: str) -> str:
    """Names of a file of somebody's, as one short line."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])


def _summary(answer: Mapping[str, Any]) -> str:
    counts, matched, of = answer["counts"], answer["matched"], answer["of"]
    text = f"{matched} of {of} tensors get weights of the file."
    if matched < of:
        text += " The others stay as they are."
    if answer["prefix"]:
        text += f" Its names begin with '{plain_line(answer['prefix'])}', which is left out."
    if answer["in_order"]:
        text += f" {answer['in_order']} more would fit by shape and order: see below."
    if counts.get("spare"):
        text += f" {counts['spare']} of the file have no place."
    return " ".join([text, *answer["notes"]])

"""What this person trusts of own code, and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDialog, QVBoxLayout, QWidget

from netbuilder.app.trust import Record, TrustedFolder, TrustStore
from netbuilder.gui.asking.trust_dialog import visible
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, clear, column, label, row, scroller, selectable

NONE = "No code is trusted. You are asked when a project's own layers are to run."
SHOWN = 12
"""Digits of a hash in the list; all of them stand below."""


class ForgetDialog(QDialog):
    """`forgotten`: something is trusted no longer. Texts are plain: paths come from anywhere."""

    forgotten = Signal()

    def __init__(self, store: TrustStore, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._store = store
        self.setWindowTitle("netbuilder")
        self.setObjectName("forget")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(640, 480)
        self.boxes: dict[QCheckBox, Record | TrustedFolder] = {}
        self._entries = QVBoxLayout()
        self._entries.setContentsMargins(0, 0, 0, 0)
        self._entries.setSpacing(12)
        inside = QWidget()
        inside.setLayout(self._entries)
        text = selectable(
            "This code may run without a question. What you forget is asked for again before it "
            "runs the next time; what is running goes on until it ends."
        )
        self.some = button("Forget chosen", self._forget_chosen)
        self.all = button("Forget all", self._forget_all, "danger")
        close = button("Close", self.close)
        close.setDefault(True)
        for other in (self.some, self.all):
            other.setAutoDefault(False)
        layout = column(label("Trusted code", "title"), text, gap=8, margins=(24, 24, 24, 16))
        layout.addSpacing(8)
        layout.addWidget(scroller(inside), 1)
        layout.addLayout(row(self.all, None, self.some, close))
        self.setLayout(layout)
        store.refresh()
        self._fill()

    def _fill(self) -> None:
        clear(self._entries)
        self.boxes = {}
        known: Sequence[Record | TrustedFolder] = (*self._store.folders, *self._store.records)
        for entry in known:
            self._entries.addWidget(self._entry(entry))
        if not known:
            self._entries.addWidget(selectable(NONE))
        self._entries.addStretch(1)
        self.all.setEnabled(bool(known))
        self._chosen_changed()

    def _entry(self, entry: Record | TrustedFolder) -> QWidget:
        title, facts = _words(entry)
        # An ampersand would underline the letter behind it.
        box = QCheckBox(title.replace("&", "&&"))
        box.toggled.connect(self._chosen_changed)
        self.boxes[box] = entry
        result = QWidget()
        result.setLayout(column(box, selectable(facts, "small"), gap=2))
        return result

    def _chosen(self) -> list[Record | TrustedFolder]:
        return [entry for box, entry in self.boxes.items() if box.isChecked()]

    def _chosen_changed(self) -> None:
        self.some.setEnabled(bool(self._chosen()))

    def _forget_chosen(self) -> None:
        self._forget(lambda: self._store.forget(self._chosen()))

    def _forget_all(self) -> None:
        self._forget(self._store.forget)

    def _forget(self, job: Callable[[], None]) -> None:
        job()
        self._fill()
        self.forgotten.emit()


def _words(entry: Record | TrustedFolder) -> tuple[str, str]:
    date = visible(entry.date)
    if isinstance(entry, TrustedFolder):
        return f"All code in {visible(entry.path)}", f"Trusted on {date}"
    name = visible(entry.first_seen_path.replace("\\", "/").rpartition("/")[2]) or "A file"
    return (
        f"{name}  ·  {entry.sha256[:SHOWN]}",
        f"First seen at {visible(entry.first_seen_path)}, trusted on {date}\nsha256:{entry.sha256}",
    )

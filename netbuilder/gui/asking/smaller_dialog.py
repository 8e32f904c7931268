"""Making a run's network smaller: choose how, wait, and see what each file comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHeaderView,
    QProgressBar,
    QSpinBox,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from netbuilder.app import smaller
from netbuilder.errors import NetbuilderError
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import Choice, Switch, button, column, holder, label, row, set_role

Answer = dict[str, Any] | NetbuilderError
LOOKS_EVERY_MS = 300
"""Rows are in the run's folder as they come."""
_ABOUT = (
    "Each file is compared with the whole network, judged on the validation part and timed on "
    "one thread of this machine, in ONNX Runtime. The files lie in the run's folder, with a table "
    "of them."
)


class Shrinks(Protocol):
    """What the dialog needs of `app.session.Session`."""

    def shrink(
        self, run: Path, wish: Mapping[str, Any], on_done: Callable[[Answer], None]
    ) -> None: ...
    def stop_looking(self) -> None: ...


class SmallerDialog(QDialog):
    """`project_wanted`: open the project that begins with pruned weights; its path."""

    project_wanted = Signal(object)

    def __init__(self, session: Shrinks, run: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Make {run.name} smaller")
        self.setObjectName("smallerDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(940, 560)
        self._session, self._run = session, run
        self._waiting = self._stopped = self._closed = False
        self._lines: list[smaller.Line] = []
        self._total = 0
        self._before: dict[str, tuple[int, ...]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(LOOKS_EVERY_MS)
        self._timer.timeout.connect(self._look)
        self._build(smaller.networks(run))
        self._changed()
        self._look()

    def _build(self, networks: list[str]) -> None:
        self.network = Choice()
        self.network.setAccessibleName("Network")
        for name in networks:
            self.network.addItem(name, name)
        self.network.currentIndexChanged.connect(lambda _: self._look())
        self.fp16 = Switch("Weights as 16-bit floats: half the size")
        self.int8 = Switch("8-bit integers: a quarter of the size")
        self.structured = Switch("Take out whole channels")
        self.prune = Switch("Set the smallest weights to zero")
        self.fp16.setChecked(True)
        self.int8.setChecked(True)
        self.structured_share, self.prune_share = _share(), _share()
        self.structured_share.setAccessibleName("Share of the channels to take out")
        self.prune_share.setAccessibleName("Share of the weights to set to zero")
        for one in (self.fp16, self.int8, self.structured, self.prune):
            one.toggled.connect(lambda _: self._changed())
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(4, 1)
        grid.addWidget(self.fp16, 0, 0)
        grid.addWidget(self.int8, 1, 0)
        grid.addWidget(self.structured, 0, 2)
        grid.addWidget(self.structured_share, 0, 3)
        grid.addWidget(self.prune, 1, 2)
        grid.addWidget(self.prune_share, 1, 3)
        grid.setColumnMinimumWidth(1, 24)
        self.table = QTableWidget(0, 0)
        self.table.setAccessibleName("Files and what they come to")
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(28)
        self.table.itemSelectionChanged.connect(self._selected)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.verdict = label("", "muted", wrap=True)
        self.folder = button("Show in folder", self._show_folder)
        self.open_project = button("Open the pruned project", self._open)
        self.close_button = button("Close", self._leave)
        self.make = button("Make", self.begin, "primary")
        self.make.setDefault(True)
        title = f"Make {self._run.name} smaller"
        layout = column(label(title, "title"), gap=8, margins=(24, 24, 24, 16))
        layout.addWidget(label(_ABOUT, "muted", wrap=True))
        layout.addSpacing(4)
        which = holder(row(label("Network", "field"), self.network, None))
        which.setVisible(self.network.count() > 1)
        layout.addWidget(which)
        layout.addLayout(grid)
        layout.addSpacing(4)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.progress)
        layout.addWidget(self.verdict)
        layout.addLayout(row(self.folder, self.open_project, None, self.close_button, self.make))
        self.setLayout(layout)

    def wish(self) -> dict[str, Any]:
        """What is chosen, as the worker is asked for it."""
        return {
            "network": self.network.currentData(),
            "fp16": self.fp16.isChecked(),
            "int8": self.int8.isChecked(),
            "prune": self.prune_share.value() / 100 if self.prune.isChecked() else None,
            "structured": (
                self.structured_share.value() / 100 if self.structured.isChecked() else None
            ),
        }

    def _changed(self) -> None:
        self.prune_share.setEnabled(self.prune.isChecked() and not self._waiting)
        self.structured_share.setEnabled(self.structured.isChecked() and not self._waiting)
        for one in (self.network, self.fp16, self.int8, self.structured, self.prune):
            one.setEnabled(not self._waiting)
        self._selected()
        self.make.setEnabled(smaller.count(self.wish()) > 1 and not self._waiting)

    # -- making ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Ask the worker for what is chosen."""
        wish = self.wish()
        self._waiting, self._stopped = True, False
        self._total = smaller.count(wish)
        self._before = smaller.stamps(self._run)
        self.progress.setRange(0, self._total + 1)
        self.progress.setValue(0)
        self.progress.show()
        self._say("muted", "Writing the whole network…")
        self.close_button.setText("Stop")
        self._changed()
        self._timer.start()
        self._session.shrink(self._run, wish, self._done)

    def _look(self) -> None:
        """Show the rows that are there."""
        network = self.network.currentData() if self.network.count() > 1 else ""
        heads, lines = smaller.table(self._run, str(network or ""))
        if lines != self._lines or self.table.columnCount() != len(heads):
            self._lines = lines
            self._fill(heads)
        if self._waiting and not self._stopped:
            made = self._made()
            self.progress.setValue(len(made))
            if made:
                of = f"{len(made)} of {self._total}"
                self._say("muted", f"{of} files: {made[-1]} is there.")

    def _made(self) -> list[str]:
        """The names of the files that are new since it was begun."""
        now = smaller.stamps(self._run)
        return [name for name, stamp in now.items() if self._before.get(name) != stamp]

    def _fill(self, heads: tuple[str, ...]) -> None:
        chosen = self.table.currentRow()
        self.table.setColumnCount(len(heads))
        self.table.setHorizontalHeaderLabels(list(heads))
        self.table.setRowCount(len(self._lines))
        middle = Qt.AlignmentFlag.AlignVCenter
        right, left = (Qt.AlignmentFlag.AlignRight | middle, Qt.AlignmentFlag.AlignLeft | middle)
        for at, line in enumerate(self._lines):
            tips = [""] * (len(line.cells) - len(line.tips)) + list(line.tips)
            for place, text in enumerate(line.cells):
                item = QTableWidgetItem(text)
                if place:
                    item.setTextAlignment(right)
                item.setToolTip(tips[place])
                self.table.setItem(at, place, item)
        header = self.table.horizontalHeader()
        # Figures stay beside each other, however few there are.
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for place in range(len(heads)):
            head = self.table.horizontalHeaderItem(place)
            if head is not None:
                head.setTextAlignment(right if place else left)
        if 0 <= chosen < len(self._lines):
            self.table.selectRow(chosen)
        self._selected()

    def _done(self, answer: Answer) -> None:
        if self._closed:
            return
        self._waiting = False
        self._timer.stop()
        self.progress.hide()
        self.close_button.setText("Close")
        self.close_button.setEnabled(True)
        self.make.setText("Make again")
        self._changed()
        self._look()
        if isinstance(answer, NetbuilderError):
            if self._stopped:
                # The call itself may tell of the one file that it was at.
                kept = f"{len(self._made())} of {self._total} files were made before."
                self._say("muted", f"Stopped. {kept}")
                return
            self._say("error", f"{answer} {answer.hint}".strip())
            return
        refused = answer.get("refused") or []
        words = [f"{len(answer.get('rows') or [])} files made."]
        words += [f"{each['name']}: {each['message']} {each['hint']}".strip() for each in refused]
        stays = answer.get("stays") or []
        if stays:
            shown = "; ".join(
                f"{each['name']} ({each['reason'].rstrip('.')})" for each in stays[:3]
            )
            more = f"; and {len(stays) - 3} more" if len(stays) > 3 else ""
            words.append(f"Left whole: {shown}{more}.")
        self._say("error" if refused else "muted", " ".join(words))

    def _say(self, role: str, text: str) -> None:
        set_role(self.verdict, role)
        self.verdict.setText(text)

    # -- what can be done with it --------------------------------------------------------------

    def _selected(self) -> None:
        at = self.table.currentRow()
        project = self._lines[at].project if 0 <= at < len(self._lines) else None
        self.open_project.setEnabled(project is not None and not self._waiting)
        self.folder.setEnabled(bool(self._lines))

    def _open(self) -> None:
        line = self._lines[self.table.currentRow()]
        self.project_wanted.emit(line.project)
        self.close()

    def _show_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(smaller.folder(self._run))))

    def _leave(self) -> None:
        """Stop what is under way; else close."""
        if self._waiting:
            self._stopped = True
            self._say("muted", "Stopping…")
            self.close_button.setEnabled(False)
            self._session.stop_looking()
        else:
            self.close()

    def _gone(self) -> None:
        if self._waiting:
            self._waiting = False
            self._session.stop_looking()
        self._timer.stop()
        self._closed = True

    def done(self, result: int) -> None:
        self._gone()
        super().done(result)

    def closeEvent(self, event: Any) -> None:
        self._gone()
        super().closeEvent(event)


def _share() -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, 99)
    box.setValue(50)
    box.setSuffix(" %")
    box.setFixedWidth(72)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    box.lineEdit().setTextMargins(0, 0, 6, 0)
    return box

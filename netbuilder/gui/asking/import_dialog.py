"""Import: where the project goes, how far it is, and what was proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QFrame,
    QGridLayout,
    QLineEdit,
    QProgressBar,
    QWidget,
)

from netbuilder.engine.protocol import ExportProgress
from netbuilder.errors import NetbuilderError
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, label, row, selectable, set_role

UNVERIFIED = "Imported, but not verified."
MOST = 6
"""Lines of a kind that are shown; the rest is counted."""
Answer = dict[str, Any] | NetbuilderError


class Imports(Protocol):
    """What the dialog needs of `app.session.Session`."""

    def bring_in(
        self,
        model: Path,
        out: Path,
        on_done: Callable[[Answer], None],
        *,
        fold: bool = False,
        tell: Callable[[ExportProgress], None] | None = None,
    ) -> None: ...
    def cancel_export(self) -> None: ...
    def expect_import(self, wanted: bool) -> None: ...


class ImportDialog(QDialog):
    """Not modal: one may look at the open project meanwhile. `imported` tells the new one.

    It is told as soon as it is written; the comparison goes on, and the dialog says how it went.
    """

    imported = Signal(object)

    def __init__(self, session: Imports, model: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import")
        self.setObjectName("importDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.setMinimumWidth(520)
        self._session, self._model = session, model
        self._closed = False
        self._written = False
        self._build()
        session.expect_import(True)

    def _build(self) -> None:
        self.path = QLineEdit(str(self._model.with_suffix(".netb")))
        self.path.setAccessibleName("Project to write")
        self.path.textChanged.connect(self._check)
        self.choose = button("Choose…", self._choose)
        self.replaces = label("", "muted", wrap=True)
        self.fold = QCheckBox("Fold repeated runs into blocks")
        self.fold.setToolTip("What comes again in the network is drawn once, as a block.")
        self.doing = label("", "muted", wrap=True)
        self.doing.hide()
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.box = QFrame()
        self.verdict = label("", "heading", wrap=True)
        self.details = selectable("", "muted")
        self.box.setLayout(column(self.verdict, self.details, gap=4, margins=(12, 8, 12, 8)))
        self.box.hide()
        self.close_button = button("Close", self._leave)
        self.start = button("Import", self._start, "primary")
        self.start.setDefault(True)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("Model", "field"), 0, 0)
        grid.addWidget(selectable(str(self._model)), 0, 1, 1, 2)
        grid.addWidget(label("Project", "field"), 1, 0)
        grid.addWidget(self.path, 1, 1)
        grid.addWidget(self.choose, 1, 2)
        grid.addWidget(self.replaces, 2, 1, 1, 2)
        grid.addWidget(self.fold, 3, 1, 1, 2)
        layout = column(label("Import", "title"), gap=8, margins=(24, 24, 24, 16))
        about = "The model becomes a project with its weights. Both are run and compared."
        layout.addWidget(label(about, "muted", wrap=True))
        layout.addSpacing(8)
        layout.addLayout(grid)
        layout.addSpacing(8)
        layout.addWidget(self.doing)
        layout.addWidget(self.progress)
        layout.addWidget(self.box)
        layout.addStretch(1)
        layout.addSpacing(8)
        layout.addLayout(row(None, self.close_button, self.start))
        self.setLayout(layout)
        self._check()

    # -- before ------------------------------------------------------------------------------

    @property
    def out(self) -> Path:
        """Where the project goes."""
        path = Path(self.path.text().strip()).expanduser()
        return path if path.suffix == ".netb" else path.with_name(f"{path.name}.netb")

    def _choose(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save the project", str(self.out), "netbuilder projects (*.netb)"
        )
        if chosen:
            self.path.setText(chosen)

    def _check(self) -> None:
        named = bool(self.path.text().strip())
        self.start.setEnabled(named and self.progress.isHidden())
        there = named and self.out.exists()
        self.replaces.setText("The project that is there will be replaced." if there else "")
        self.replaces.setVisible(there)

    # -- meanwhile ---------------------------------------------------------------------------

    def _start(self) -> None:
        self.box.hide()
        self._busy(True)
        self._written = False
        self.doing.setText("Starting")
        self.close_button.setText("Cancel")
        out = self.out.absolute()

        def done(answer: Answer) -> None:
            if not self._closed:
                self._done(answer, out)

        def tell(progress: ExportProgress) -> None:
            if not self._closed and not self.progress.isHidden():
                self._tell(progress)
                if progress.written and not self._written:
                    self._written = True
                    self.imported.emit(out)

        model = self._model.absolute()
        self._session.bring_in(model, out, done, fold=self.fold.isChecked(), tell=tell)

    def _busy(self, busy: bool) -> None:
        self.progress.setRange(0, 0)
        self.progress.setVisible(busy)
        self.doing.setVisible(busy)
        for part in (self.path, self.choose, self.fold):
            part.setEnabled(not busy)
        self._check()

    def _tell(self, progress: ExportProgress) -> None:
        count = f" ({progress.done + 1} of {progress.total})" if progress.total else ""
        self.doing.setText(f"{progress.what}{count}")
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)

    def _leave(self) -> None:
        """Call off what is under way; else close."""
        if self.progress.isHidden():
            self.close()
        else:
            self.close_button.setEnabled(False)
            self._session.cancel_export()

    # -- afterwards --------------------------------------------------------------------------

    def _done(self, answer: Answer, out: Path) -> None:
        self._busy(False)
        self.close_button.setText("Close")
        self.close_button.setEnabled(True)
        if isinstance(answer, NetbuilderError) and not self._written:
            self._say("errorbox", str(answer), answer.hint)
            return
        self.start.hide()
        self.replaces.hide()
        self.close_button.setDefault(True)
        self.close_button.setFocus()
        for part in (self.path, self.choose, self.fold):
            part.setEnabled(False)
        if isinstance(answer, NetbuilderError):
            self._say("errorbox", UNVERIFIED, f"{answer}\n{answer.hint}".strip())
            return
        if answer.get("verified"):
            self._say("okbox", f"It computes what {self._model.name} does.", proof(answer))
        else:
            self._say("errorbox", UNVERIFIED, proof(answer))
        if answer.get("redrawn") or not self._written:
            self.imported.emit(out)

    def _say(self, role: str, verdict: str, details: str) -> None:
        set_role(self.box, role)
        self.verdict.setText(verdict)
        self.details.setText(details)
        self.details.setVisible(bool(details))
        self.box.show()
        self.adjustSize()

    def _gone(self) -> None:
        """Nobody would see how it ends: what is under way is called off."""
        if not self._closed:
            if not self.progress.isHidden():
                self._session.cancel_export()
            self._session.expect_import(False)
        self._closed = True

    def done(self, result: int) -> None:
        self._gone()
        super().done(result)

    def closeEvent(self, event: Any) -> None:
        self._gone()
        super().closeEvent(event)


def proof(answer: Mapping[str, Any]) -> str:
    """What an import came to, and what was compared, for a person."""
    nodes, made = answer.get("nodes", 0), answer.get("blocks", 0)
    blocks = f", {_many(made, 'block')}" if made else ""
    lines = [f"{_many(nodes, 'node')}{blocks}."]
    missing: Sequence[Any] = answer.get("unsupported") or ()
    for entry in missing[:MOST]:
        times = "" if entry["count"] == 1 else f", {entry['count']} times"
        lines.append(f"No layer for {entry['op']}{times}: a node keeps its place.")
    if missing:
        more = f"{len(missing) - MOST} more have none. " if len(missing) > MOST else ""
        lines.append(f"{more}The project can be edited and saved, but not run as it is.")
    error, trials = answer.get("max_rel_error"), answer.get("trials") or ()
    if error is not None:
        lines.append(f"Largest relative error {error:.1e}, on {'; '.join(trials)}.")
    notes: Sequence[str] = answer.get("notes") or ()
    lines += notes[:MOST]
    if len(notes) > MOST:
        lines.append(f"And {_many(len(notes) - MOST, 'more note')}.")
    return "\n".join(lines)


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"

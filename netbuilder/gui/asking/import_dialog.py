"""Import: where the project goes, how far it is, and what was proven."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QGridLayout, QLineEdit, QWidget

from netbuilder.engine.protocol import ExportProgress
from netbuilder.errors import NetbuilderError
from netbuilder.gui.asking.waiting_dialog import CallsOff, WaitingDialog
from netbuilder.gui.look.widgets import Switch, button, label, selectable

UNVERIFIED = "Imported, but not verified."
GOES_ON = (
    "The project is open. The comparison goes on when this is closed; the window says how it went."
)
MOST = 6
"""Lines of a kind that are shown; the rest is counted."""
Answer = dict[str, Any] | NetbuilderError


class Imports(CallsOff, Protocol):
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


class ImportDialog(WaitingDialog):
    """`imported` tells the new project as soon as it is written; the comparison goes on then.

    The dialog says how it went. Where it was closed meanwhile, `late` hears the answer.
    """

    imported = Signal(object)

    def __init__(
        self,
        session: Imports,
        model: Path,
        late: Callable[[Answer, Path], None] = lambda answer, out: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(session, "import", parent)
        self._session, self._model, self._late = session, model, late
        self._written = False
        self._build()

    def _build(self) -> None:
        self.path = QLineEdit(str(self._model.with_suffix(".netb")))
        self.path.setAccessibleName("Project to write")
        self.path.textChanged.connect(self._check)
        self.choose = button("Choose…", self._choose)
        self.replaces = label("", "muted", wrap=True)
        self.fold = Switch("Fold repeated runs into blocks")
        self.fold.setToolTip("What comes again in the network is drawn once, as a block.")
        self.goes_on = label(GOES_ON, "muted", wrap=True)
        self.goes_on.hide()
        self.stop = button("Stop comparing", self._stop)
        self.stop.hide()
        self.start = button("Import", self._start, "primary")
        self.start.setDefault(True)
        grid = QGridLayout()
        grid.addWidget(label("Model", "field"), 0, 0)
        grid.addWidget(selectable(str(self._model)), 0, 1, 1, 2)
        grid.addWidget(label("Project", "field"), 1, 0)
        grid.addWidget(self.path, 1, 1)
        grid.addWidget(self.choose, 1, 2)
        grid.addWidget(self.replaces, 2, 1, 1, 2)
        grid.addWidget(self.fold, 3, 1, 1, 2)
        about = "The model becomes a project with its weights. Both are run and compared."
        page = self._page("Import", about, grid)
        page.addWidget(self.goes_on)
        page.addStretch(1)
        self._lay_out(page, self.stop, None, self.close_button, self.start)
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
        self.start.setEnabled(named and not self.busy)
        there = named and self.out.exists()
        self.replaces.setText("The project that is there will be replaced." if there else "")
        self.replaces.setVisible(there)

    # -- meanwhile ---------------------------------------------------------------------------

    def _start(self) -> None:
        self._written = False
        self._begin("Starting")
        self._lock(True)
        out = self.out.absolute()

        def done(answer: Answer) -> None:
            if not self._closed:
                self._done(answer, out)
            elif self._written:
                self._late(answer, out)

        def tell(progress: ExportProgress) -> None:
            self._tell(progress)
            if progress.written and not self._closed and not self._written:
                self._wrote(out)

        model = self._model.absolute()
        self._session.bring_in(model, out, done, fold=self.fold.isChecked(), tell=tell)

    def _lock(self, locked: bool) -> None:
        for part in (self.path, self.choose, self.fold):
            part.setEnabled(not locked)
        self._check()

    def _wrote(self, out: Path) -> None:
        """The project is there: from now on the dialog may be closed, and nothing is lost."""
        self._written = True
        self.start.hide()
        self.replaces.hide()
        self.goes_on.show()
        self.stop.show()
        self.close_button.setText("Close")
        self._fit()
        self.imported.emit(out)

    def _stop(self) -> None:
        self.stop.setEnabled(False)
        self._call_off()

    def _leave(self) -> None:
        if self.busy and self._written:
            self.close()
        else:
            super()._leave()

    def _gone(self) -> None:
        if not self._written:
            super()._gone()

    # -- afterwards --------------------------------------------------------------------------

    def _done(self, answer: Answer, out: Path) -> None:
        self._end()
        self.goes_on.hide()
        self.stop.hide()
        if isinstance(answer, NetbuilderError) and not self._written:
            self._lock(False)
            self._say("errorbox", str(answer), answer.hint)
            return
        self.start.hide()
        self.replaces.hide()
        self.close_button.setDefault(True)
        self.close_button.setFocus()
        if isinstance(answer, NetbuilderError):
            self._say("errorbox", UNVERIFIED, f"{answer}\n{answer.hint}".strip())
            return
        if answer.get("verified"):
            self._say("okbox", f"It computes what {self._model.name} does.", proof(answer))
        else:
            self._say("errorbox", UNVERIFIED, proof(answer))
        if answer.get("redrawn") or not self._written:
            self.imported.emit(out)


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

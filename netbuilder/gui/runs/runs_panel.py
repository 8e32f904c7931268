"""Every run of the project: sort, filter, pin, note, compare, and what to do with one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    Qt,
    QUrl,
    Signal,
    SignalInstance,
)
from PySide6.QtGui import QDesktopServices, QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QLineEdit,
    QMenu,
    QSizePolicy,
    QSplitter,
    QStackedLayout,
    QWidget,
)

from netbuilder.app import run_care
from netbuilder.app.run_rows import RunRow
from netbuilder.errors import RunError
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import (
    EmptyState,
    button,
    column,
    holder,
    label,
    row,
    set_role,
)
from netbuilder.gui.runs.run_model import NAME, PIN, RunModel
from netbuilder.gui.runs.run_reading import RunReading
from netbuilder.gui.runs.runs_table import RunsTable
from netbuilder.gui.runs.trash import Trash
from netbuilder.gui.runs.verdict import Verdict

if TYPE_CHECKING:
    from netbuilder.gui.runs.run_curves import RunCurves

WIDE = 640
"""From this width on all actions have a button; below they are in the menu."""
NARROW = 420
_HALTED = ("stopped", "crashed", "failed")


class RunsPanel(QWidget):
    """`refresh_wanted`: the panel became visible; the others: a run's folder, for the window."""

    refresh_wanted = Signal()
    project_wanted = Signal(object)
    resume_wanted = Signal(object)
    difference_wanted = Signal(object)
    start_wanted = Signal(object)
    use_wanted = Signal(object)
    report_wanted = Signal(object)
    smaller_wanted = Signal(object)
    refused = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.reading = RunReading(self)
        self.curves: RunCurves | None = None
        self.model = RunModel()
        self.table = RunsTable(self.model)
        self.table.horizontalHeader().setSortIndicator(3, Qt.SortOrder.DescendingOrder)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: lr>0.01 accuracy>0.9 or words")
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName("Filter runs")
        self.filter.setMinimumWidth(120)
        self.count = label("", "small")
        self.resume = button("Resume", self._resume, "quiet")
        self.open = button("Open project", self._open, "quiet", "A copy of exactly what it trained")
        self.changes = button(
            "Changes…", self._compare, "quiet", "What differs from now, or between two runs"
        )
        self.start = button(
            "Start from…", self._start, "quiet", "Train the graph as it is now from its weights"
        )
        self.more = button("More", None, "quiet", "Everything that can be done with the run")
        self.menu = QMenu(self.more)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.more.setMenu(self.menu)
        self.empty = EmptyState(
            "No runs yet", "Every training becomes a run here, with its settings and results."
        )
        self.verdict = Verdict()
        self.trash = Trash()
        self._build()
        self._connect()
        self._selected()

    def _build(self) -> None:
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.addWidget(self.table)
        self._split.setChildrenCollapsible(False)
        self._bar = row(
            self.filter,
            self.count,
            self.resume,
            self.open,
            self.changes,
            self.start,
            self.more,
            gap=4,
            margins=(8, 4, 8, 4),
        )
        self._bar.setStretch(0, 1)
        content = column(gap=0)
        bar = holder(self._bar)
        # It gives way by hiding buttons: the panel may be narrower than all of them.
        bar.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        content.addWidget(bar)
        content.addWidget(self.verdict)
        content.addWidget(self.trash)
        content.addWidget(self._split, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(holder(content))

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._narrow)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._selected())
        self.table.customContextMenuRequested.connect(self._menu_at)
        self.table.tick_wanted.connect(self._tick)
        self.table.delete_wanted.connect(self._delete)
        self.table.clicked.connect(self._clicked)
        self.model.ticked_changed.connect(self._overlay)
        self.model.note_wanted.connect(self._note)
        self.model.modelAboutToBeReset.connect(self._remember)
        self.model.modelReset.connect(self._recall)
        self.reading.arrived.connect(self.show_runs)
        self.trash.changed.connect(self._reload)
        self.trash.refused.connect(self.refused)
        theme.notifier.changed.connect(self.table.viewport().update)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh_wanted.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for one, width in ((self.resume, WIDE), (self.open, WIDE), (self.changes, NARROW)):
            one.setVisible(self.width() >= width)

    # -- reading -------------------------------------------------------------------------

    def follow(self, folder: Path) -> None:
        """A run went on: show it, but not more often than its status is written."""
        if self.reading.rested and not self.table.editing:
            self.load(folder)

    def load(self, folder: Path) -> None:
        """Show the runs in a folder."""
        if folder != self.reading.folder:
            self.trash.forget()
        self.reading.load(folder)

    def _reload(self) -> None:
        self.load(self.reading.folder)

    def show_runs(self, runs: Sequence[RunRow]) -> None:
        """These runs; which are chosen and ticked stays."""
        self._stack.setCurrentIndex(1 if runs or self.trash.offers else 0)
        self.model.show(runs)
        self._tell_count([])
        self._overlay()

    def _narrow(self, text: str) -> None:
        self._tell_count(self.model.set_filter(text))

    def _tell_count(self, unknown: Sequence[str]) -> None:
        shown, all = len(self.model.shown), len(self.model.runs)
        text = f"No run has '{unknown[0]}'" if unknown else f"{shown:,} of {all:,}"
        self.count.setText(text if unknown or shown != all else f"{all:,}")
        set_role(self.count, "error" if unknown else "small")

    def _remember(self) -> None:
        self._chosen_before = [run.path for run in self.chosen()]
        current = self.table.currentIndex()
        shown = self.model.shown
        here = current.isValid() and current.row() < len(shown)
        self._current_before = shown[current.row()].path if here else None
        bars = self.table.verticalScrollBar(), self.table.horizontalScrollBar()
        self._scrolled = [(bar, bar.value()) for bar in bars]

    def _recall(self) -> None:
        header = self.table.horizontalHeader()
        key, down = self.model.order
        order = Qt.SortOrder.DescendingOrder if down else Qt.SortOrder.AscendingOrder
        header.blockSignals(True)
        try:
            header.setSortIndicator(self.model.column_of(key), order)
        except ValueError:
            header.setSortIndicator(-1, order)
        header.blockSignals(False)
        self.table.fit()
        selection = self.table.selectionModel()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for path in self._chosen_before:
            at = self.model.row_of(path)
            if at is not None:
                selection.select(self.model.index(at, 0), flags)
        at = self.model.row_of(self._current_before) if self._current_before else None
        if at is not None:
            name = self.model.index(at, self.model.column_of(NAME))
            selection.setCurrentIndex(name, QItemSelectionModel.SelectionFlag.NoUpdate)
        for bar, value in self._scrolled:
            bar.setValue(value)
        self._selected()

    # -- choosing ------------------------------------------------------------------------

    def chosen(self) -> list[RunRow]:
        """The selected runs, from the top."""
        lines = sorted({index.row() for index in self.table.selectionModel().selectedIndexes()})
        return [self.model.shown[line] for line in lines if line < len(self.model.shown)]

    def _selected(self) -> None:
        chosen = self.chosen()
        one = len(chosen) == 1
        for each in (self.open, self.start):
            each.setEnabled(one)
        self.changes.setEnabled(len(chosen) in (1, 2))
        self.verdict.show_run(chosen[0] if one else None)
        self.resume.setEnabled(one and chosen[0].status in _HALTED)
        self.more.setEnabled(bool(chosen) or bool(run_care.in_trash(self.reading.folder)))

    def _clicked(self, index: QModelIndex) -> None:
        if self.model.columns[index.column()].key == PIN:
            run = self.model.shown[index.row()]
            self._pin([run], not run.pinned)

    def _tick(self) -> None:
        chosen = self.chosen()
        on = any(run.path not in self.model.ticked for run in chosen)
        state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
        for run in chosen:
            at = self.model.row_of(run.path)
            if at is not None and (run.path in self.model.ticked) != on:
                cell = self.model.index(at, self.model.column_of(NAME))
                self.model.setData(cell, state, Qt.ItemDataRole.CheckStateRole)

    def _overlay(self) -> None:
        """The curves of the ticked runs beside the table, which has all the room without any."""
        if self.curves is None:
            if not self.model.ticked:
                return
            from netbuilder.gui.runs.run_curves import RunCurves

            self.curves = RunCurves()
            self._split.addWidget(self.curves)
            self._split.setStretchFactor(0, 3)
            self._split.setStretchFactor(1, 2)
            self._split.setSizes([round(0.6 * self.width()), round(0.4 * self.width())])
        self.curves.setVisible(bool(self.model.ticked))
        if self.model.ticked:
            self.curves.show_runs(self.model.ticked)

    # -- what can be done ----------------------------------------------------------------

    def _menu_at(self, place: QPoint) -> None:
        self.menu.popup(self.table.viewport().mapToGlobal(place))

    def _fill_menu(self) -> None:
        chosen = self.chosen()
        one = len(chosen) == 1
        self.menu.clear()

        def add(text: str, job: object, on: bool = True) -> None:
            action = self.menu.addAction(text)
            action.setEnabled(on)
            action.triggered.connect(job)

        add("Resume", self._resume, one and chosen[0].status in _HALTED)
        add("Use", partial(self._one, self.use_wanted), one)
        add("Open its project", self._open, one)
        words = "What differs between them…" if len(chosen) == 2 else "What changed since…"
        add(words, self._compare, len(chosen) in (1, 2))
        add("Start from its weights…", self._start, one)
        self.menu.addSeparator()
        add("Show its curves  (Space)", self._tick, bool(chosen))
        if self.model.ticked:
            add("Show no curves", self._untick)
        pinned = bool(chosen) and all(run.pinned for run in chosen)
        text = "Let go" if pinned else "Keep on top"
        add(text, partial(self._pin, chosen, not pinned), bool(chosen))
        add("Write a note  (F2)", self._write, one)
        self.menu.addSeparator()
        add("Make it smaller…", partial(self._one, self.smaller_wanted), one)
        add("Save a report…", partial(self._one, self.report_wanted), one)
        add("Show in file manager", self._show_folder, one)
        add("Copy path", self._copy_path, bool(chosen))
        self.menu.addSeparator()
        add("Delete…", self._delete, bool(chosen))
        trash = run_care.in_trash(self.reading.folder)
        if trash:
            add(f"Empty the trash ({len(trash)})…", self._empty_trash)

    def _delete(self) -> None:
        self.trash.delete(self.chosen())

    def _empty_trash(self) -> None:
        self.trash.empty(self.reading.folder)

    def _untick(self) -> None:
        for path in list(self.model.ticked):
            self.model.tick(path, "")

    def _one(self, signal: SignalInstance) -> None:
        chosen = self.chosen()
        if len(chosen) == 1:
            signal.emit(chosen[0].path)

    def _open(self) -> None:
        self._one(self.project_wanted)

    def _resume(self) -> None:
        self._one(self.resume_wanted)

    def _compare(self) -> None:
        chosen = sorted(self.chosen(), key=lambda run: (run.started, run.name))
        if len(chosen) in (1, 2):
            self.difference_wanted.emit([run.path for run in chosen])

    def _start(self) -> None:
        self._one(self.start_wanted)

    def _write(self) -> None:
        for run in self.chosen():
            at = self.model.row_of(run.path)
            if at is not None:
                self.table.write_note(at)

    def _note(self, run: Path, text: str) -> None:
        self._do(lambda: run_care.set_note(run, text))

    def _pin(self, runs: Sequence[RunRow], pinned: bool, *_: object) -> None:
        for run in runs:
            self._do(partial(run_care.set_pinned, run.path, pinned))

    def _do(self, job: Callable[[], object]) -> None:
        try:
            job()
        except RunError as error:
            self.refused.emit(f"{error} {error.hint}".strip())
        self._reload()

    def _show_folder(self) -> None:
        for run in self.chosen():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.path)))

    def _copy_path(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(str(run.path) for run in self.chosen()))

"""Every run of the project: results, the settings that differ, curves laid over one another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHeaderView,
    QSplitter,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from netbuilder.app.runs import RunSummary
from netbuilder.gui.training_panel import duration, figure
from netbuilder.gui.widgets import EmptyState, button, column, holder, row
from netbuilder.training.folder import read_events

if TYPE_CHECKING:
    from netbuilder.gui.plots import CurvePlot

OVERLAID = 6
"""At most so many curves at once."""


@lru_cache(maxsize=512)
def settings_of(run: Path) -> Mapping[str, str]:
    """The training and data settings a run was made with, flat; a run's project never changes."""
    try:
        value = json.loads((run / "project.netb").read_bytes())
        found: dict[str, str] = {}
        for name in ("training", "data"):
            _flatten("" if name == "training" else name, value.get(name, {}), found)
        for graph in value.get("graphs", ()):
            if graph.get("kind") == "step":
                _flatten("", graph.get("settings", {}), found)
        return found
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}


def _flatten(prefix: str, value: Any, into: dict[str, str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _flatten(f"{prefix}.{key}" if prefix else str(key), item, into)
    else:
        into[prefix] = str(value)


def differing(settings: Sequence[Mapping[str, str]]) -> list[str]:
    """The names of the settings that are not the same in all of these."""
    names = sorted({name for entry in settings for name in entry})
    return [name for name in names if len({entry.get(name) for entry in settings}) > 1]


class _Cell(QTableWidgetItem):
    """A cell that sorts by its value, not by its text."""

    def __init__(self, text: str, value: float | None = None) -> None:
        super().__init__(text)
        self._value = value
        self.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        if value is not None:
            self.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def __lt__(self, other: QTableWidgetItem) -> bool:
        theirs = other._value if isinstance(other, _Cell) else None
        if self._value is None or theirs is None:
            return self.text() < other.text()
        return self._value < theirs


class RunsPanel(QWidget):
    """`refresh_wanted`: the panel became visible; `project_wanted(path)`: open a run's project."""

    refresh_wanted = Signal()
    project_wanted = Signal(object)
    resume_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[RunSummary] = []
        self._plot: CurvePlot | None = None
        self.table = QTableWidget()
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.setShowGrid(False)
        self.table.horizontalHeader().setDefaultAlignment(
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        )
        self.table.setSortingEnabled(True)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        self.table.setAccessibleName("Runs")
        self.table.itemSelectionChanged.connect(self._selected)
        self.open = button("Open its project", self._open, "quiet")
        self.folder = button("Show folder", self._show_folder, "quiet")
        self.resume = button("Resume", self._resume, "quiet")
        self.empty = EmptyState(
            "No runs yet", "Every training becomes a run here, with its settings and results."
        )
        self._curves = QVBoxLayout()
        self._curves.setContentsMargins(0, 0, 0, 0)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.table)
        split.addWidget(holder(self._curves))
        split.setSizes([600, 400])
        bar = row(None, self.resume, self.open, self.folder, margins=(8, 2, 8, 2))
        content = column(gap=0)
        content.addLayout(bar)
        content.addWidget(split, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(holder(content))
        self._selected()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh_wanted.emit()

    def show_runs(self, runs: Sequence[RunSummary]) -> None:
        """All runs of the project."""
        self._runs = list(runs)
        self._stack.setCurrentIndex(1 if runs else 0)
        chosen = {run.path for run in self._chosen()}
        metrics = sorted({key for run in runs for key in run.metrics if key.startswith("val/")})
        settings = [settings_of(run.path) for run in runs]
        names = differing(settings)
        columns = ["run", "status", "epochs", "time", *metrics, *names]
        table = self.table
        table.setSortingEnabled(False)
        table.clear()
        table.setColumnCount(len(columns))
        table.setRowCount(len(runs))
        table.setHorizontalHeaderLabels(columns)
        for at, (run, values) in enumerate(zip(runs, settings, strict=True)):
            cells = [
                _Cell(run.name),
                _Cell(run.status),
                _Cell(str(run.epoch), run.epoch),
                _Cell(duration(run.seconds), run.seconds),
                *(_Cell(_shown(run, key), run.metrics.get(key)) for key in metrics),
                *(_Cell(values.get(name, "")) for name in names),
            ]
            cells[0].setData(Qt.ItemDataRole.UserRole, at)
            for number, cell in enumerate(cells):
                table.setItem(at, number, cell)
        table.setSortingEnabled(True)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for line in range(table.rowCount()):
            shown = self._run_at(line)
            if shown is not None and shown.path in chosen:
                table.selectRow(line)

    def _run_at(self, line: int) -> RunSummary | None:
        cell = self.table.item(line, 0)
        at = cell.data(Qt.ItemDataRole.UserRole) if cell is not None else None
        return self._runs[at] if isinstance(at, int) and at < len(self._runs) else None

    def _chosen(self) -> list[RunSummary]:
        lines = sorted({index.row() for index in self.table.selectedIndexes()})
        return [run for line in lines if (run := self._run_at(line)) is not None]

    def _selected(self) -> None:
        chosen = self._chosen()
        for one in (self.open, self.folder):
            one.setEnabled(len(chosen) == 1)
        halted = len(chosen) == 1 and chosen[0].status in ("stopped", "crashed", "failed")
        self.resume.setEnabled(halted)
        if chosen:
            self._overlay(chosen[:OVERLAID])
        elif self._plot is not None:
            self._plot.clear()

    def _overlay(self, runs: Sequence[RunSummary]) -> None:
        from netbuilder.gui.plots import HUES, CurvePlot

        if self._plot is None:
            self._plot = CurvePlot("Validation loss", HUES[0])
            self._curves.addWidget(self._plot)
        self._plot.clear()
        for run, hue in zip(runs, HUES, strict=False):
            events, _ = read_events(run.path)
            for event in events:
                value = event.values.get("val/loss")
                if event.event == "epoch" and isinstance(value, int | float):
                    self._plot.add(run.name, event.step, float(value), hue=hue)
        self._plot.redraw()

    def _open(self) -> None:
        for run in self._chosen():
            self.project_wanted.emit(run.path / "project.netb")

    def _resume(self) -> None:
        for run in self._chosen():
            self.resume_wanted.emit(run.path)

    def _show_folder(self) -> None:
        for run in self._chosen():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.path)))


def _shown(run: RunSummary, key: str) -> str:
    return figure(run.metrics[key]) if key in run.metrics else ""

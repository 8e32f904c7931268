"""Curves of several runs in one plot. Imports pyqtgraph: import it when it is first needed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from PySide6.QtWidgets import QVBoxLayout, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import Choice, row

HUES = ("convolution", "activation", "normalisation", "recurrent", "loss", "arithmetic")
FIRST = "val/loss"
_MARKS = (b'"event":"epoch"', b'"event": "epoch"')
Point = tuple[int, int, Mapping[str, object]]
"""An epoch, a step, and the metrics at the end of the epoch."""


def epochs_of(run: Path) -> list[Point]:
    """What a run told at the end of each epoch; of what a resume went back behind, the latest."""
    found: dict[int, Point] = {}
    for epoch, step, values in _told(run):
        found = {at: point for at, point in found.items() if at < epoch}
        found[epoch] = epoch, step, values
    return list(found.values())


def _told(run: Path) -> Iterator[Point]:
    try:
        with open(run / "events.jsonl", "rb") as file:
            # Most lines are of steps: those are not even parsed.
            lines = [line for line in file if any(mark in line for mark in _MARKS)]
    except OSError:
        return
    for line in lines:
        try:
            match json.loads(line):
                case {"event": "epoch", "epoch": int(epoch), "step": int(step), "values": values}:
                    yield epoch, step, values if isinstance(values, Mapping) else {}
        except (ValueError, RecursionError):
            continue


class RunCurves(QWidget):
    """One metric of the chosen runs over their epochs or steps."""

    def __init__(self) -> None:
        super().__init__()
        from netbuilder.gui.plotting.plots import CurvePlot

        self._epochs: dict[Path, list[Point]] = {}
        self._stamps: dict[Path, tuple[int, int]] = {}
        self._shown: dict[Path, str] = {}
        self.chosen_metric = Choice()
        self.chosen_metric.setAccessibleName("Metric of the curves")
        self.chosen_metric.currentIndexChanged.connect(lambda _: self._draw())
        self.course = Choice()
        self.course.setAccessibleName("What runs along the bottom")
        self.course.addItem("over epochs", "epoch")
        self.course.addItem("over steps", "step")
        self.course.currentIndexChanged.connect(lambda _: self._draw())
        self.plot = CurvePlot("Runs", HUES[0])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        bar = row(self.chosen_metric, self.course, gap=4, margins=(8, 4, 8, 2))
        layout.addLayout(bar)
        layout.addWidget(self.plot, 1)
        theme.notifier.changed.connect(self._dress)

    def show_runs(self, runs: Mapping[Path, str]) -> None:
        """The curves of these runs, each in its hue."""
        self._shown = dict(runs)
        for path in runs:
            self._read(path)
        self._fill_metrics()
        self._draw()

    def _read(self, run: Path) -> None:
        try:
            status = (run / "events.jsonl").stat()
            stamp = (status.st_mtime_ns, status.st_size)
        except OSError:
            stamp = (0, 0)
        if self._stamps.get(run) != stamp:
            self._stamps[run] = stamp
            self._epochs[run] = epochs_of(run)

    def _fill_metrics(self) -> None:
        keys = {
            key
            for run in self._shown
            for _, _, values in self._epochs[run][-1:]
            for key, value in values.items()
            if "/" in key and isinstance(value, int | float)
        }
        wanted = sorted(keys, key=lambda key: (not key.startswith("val/"), key))
        there = [self.chosen_metric.itemText(at) for at in range(self.chosen_metric.count())]
        if there == wanted:
            return
        before = self.chosen_metric.currentText() or FIRST
        self.chosen_metric.blockSignals(True)
        self.chosen_metric.clear()
        self.chosen_metric.addItems(wanted)
        if wanted:
            self.chosen_metric.setCurrentIndex(wanted.index(before) if before in wanted else 0)
        self.chosen_metric.blockSignals(False)

    def _draw(self) -> None:
        key, axis = self.chosen_metric.currentText(), self.course.currentData()
        self.plot.clear()
        used: list[str] = []
        names = [run.name for run in self._shown]
        for run, hue in self._shown.items():
            name = run.name if names.count(run.name) == 1 else f"{run.parent.name}/{run.name}"
            for epoch, step, values in self._epochs[run]:
                value = values.get(key)
                if isinstance(value, int | float):
                    x = epoch if axis == "epoch" else step
                    self.plot.add(name, x, float(value), hue=hue, dashed=hue in used)
            used.append(hue)
        self.plot.redraw()

    def _dress(self) -> None:
        self.plot.dress()
        self.plot.redraw()

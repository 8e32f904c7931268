"""Plots as a hand finds them: what is drawn, read off, switched, zoomed and taken out."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLayout, QMenu

from netbuilder.app.runs import RunView
from netbuilder.gui.plotting.curve_plot import CurvePlot
from netbuilder.gui.plotting.plot_view import AxisKind, CourseAxis, clock, log_ticks
from netbuilder.gui.plotting.plots import Plots
from netbuilder.gui.training.training_panel import TrainingPanel
from netbuilder.training.records.events import Event
from tests.gui.window_hand import LEFT, settle, wait_for

CONTROL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


class Course:
    """A panel that hears of a run."""

    def __init__(self) -> None:
        self.panel = TrainingPanel()
        # In a dock it may be smaller than its parts want; as a window of its own it could not.
        layout = self.panel.layout()
        assert layout is not None
        layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.panel.resize(1000, 500)
        self.panel.show()
        self.run = RunView(Path("run-001"))
        self.panel.show_run(self.run)
        self._seq = 0

    def tell(self, event: Any, epoch: int = 0, step: int = 0, **values: Any) -> None:
        self._seq += 1
        told = Event(self._seq, float(self._seq), event, epoch, step, values)
        self.run = self.run.after(told)
        self.panel.add_event(self.run, told)

    def start(self, *metrics: str, resumed_from: int | None = None) -> None:
        self.tell(
            "started",
            epochs=4,
            steps=40,
            epoch_steps=10,
            metrics=list(metrics),
            resumed_from=resumed_from,
        )

    @property
    def plots(self) -> Plots:
        assert self.panel.plots is not None
        return self.panel.plots

    def drawn(self) -> None:
        """Wait until all that came is drawn."""
        wait_for(lambda: not self.plots._stale)


@pytest.fixture
def course(qapp: QApplication) -> Iterator[Course]:
    result = Course()
    yield result
    result.panel.close()
    result.panel.deleteLater()
    settle()


@pytest.fixture
def plot(qapp: QApplication) -> Iterator[CurvePlot]:
    """Two curves of a hundred steps, ten an epoch, drawn."""
    result = CurvePlot("Loss", "convolution")
    result.resize(500, 300)
    for step in range(100):
        result.add("train", step, 2.0 - step / 50, seconds=step * 2.0)
        if step % 10 == 9:
            result.add("val", step, 2.5 - step / 50, dashed=True, seconds=step * 2.0)
    result.set_axis("step", 10)
    result.show()
    settle()
    result.redraw()
    yield result
    result.close()
    result.deleteLater()
    settle()


def shown(plot: CurvePlot, name: str) -> tuple[Any, Any]:
    item = plot.curves[name].item
    return item.xData, item.yData


def place(plot: CurvePlot, x: float) -> QPoint:
    """Where on the plot's surface a value of the axis is."""
    low, high = plot.view.box.viewRange()[1]
    scene = plot.view.box.mapViewToScene(QPointF(x, (low + high) / 2))
    found: QPoint = plot.view.mapFromScene(scene)
    return found


# -- which plots there are ----------------------------------------------------------------------


def test_each_kind_of_metric_has_a_plot_and_each_step_its_colour(course: Course) -> None:
    keys = [f"{part}/{step}/loss" for part in ("train", "val") for step in ("judge", "make")]
    course.start(*keys, "val/make/energy")
    values = dict.fromkeys(keys, 1.0)
    rates = {"lr": 0.1, "lr/judge": 0.1, "lr/make": 0.2, "grad_norm/judge": 3.0}
    course.tell("metrics", 0, 5, **{**values, **rates, "seconds": 1.0})
    course.tell("epoch", 1, 10, **values, **{"val/make/energy": 0.5}, best=True)
    plots = course.plots.plots
    assert list(plots) == ["loss", "energy", "lr", "grad_norm"]
    assert list(plots["loss"].curves) == ["judge train", "make train", "judge val", "make val"]
    hues = {name: curve.hue for name, curve in plots["loss"].curves.items()}
    assert hues["judge train"] == hues["judge val"] != hues["make train"] == hues["make val"]
    assert plots["energy"].curves["make val"].hue == hues["make val"]
    assert {name: curve.hue for name, curve in plots["lr"].curves.items()} == {
        "judge": hues["judge train"],
        "make": hues["make train"],
    }
    assert [curve.dashed for curve in plots["loss"].curves.values()] == [False, False, True, True]
    assert [plots[name].small for name in plots] == [False, False, True, True]
    # What the epoch event repeats of the loss is an average, and no point of the curve.
    assert plots["loss"].curves["judge train"].series.count == 1
    assert plots["loss"].curves["judge val"].series.count == 1


def test_a_resumed_run_is_told_once(course: Course) -> None:
    course.start("train/loss")
    for step in range(1, 21):
        course.tell("metrics", 0, step, **{"train/loss": 1.0, "seconds": step / 2})
    course.tell("checkpoint", 1, 10, kind="last", path="x")
    course.tell("checkpoint", 1, 15, kind="last", path="x")
    course.start("train/loss", resumed_from=10)
    course.tell("metrics", 1, 11, **{"train/loss": 2.0, "seconds": 5.5})
    plot = course.plots.plots["loss"]
    assert plot.curves["train"].series.steps.all.tolist() == [*range(1, 11), 11]
    assert plot._checkpoints[0].all.tolist() == [10]


# -- when it is drawn ----------------------------------------------------------------------------


def test_nothing_is_drawn_while_the_panel_is_hidden(course: Course) -> None:
    course.start("train/loss")
    course.tell("metrics", 0, 1, **{"train/loss": 1.0})
    course.tell("metrics", 0, 2, **{"train/loss": 1.0})
    course.drawn()
    plot = course.plots.plots["loss"]
    assert len(shown(plot, "train")[0]) == 2
    course.panel.hide()
    course.tell("metrics", 0, 3, **{"train/loss": 1.0})
    wait_for(lambda: not course.plots._timer.isActive())
    assert len(shown(plot, "train")[0]) == 2
    course.panel.show()
    course.drawn()
    assert len(shown(plot, "train")[0]) == 3
    # And where nothing comes nothing is to be done.
    wait_for(lambda: not course.plots._timer.isActive())


def test_what_was_scrolled_away_is_drawn_when_it_is_seen(course: Course) -> None:
    course.panel.resize(500, 240)
    course.start("train/loss", "val/accuracy")
    course.tell("metrics", 0, 1, **{"train/loss": 1.0, "lr": 0.1, "seconds": 1.0})
    course.tell("metrics", 0, 2, **{"train/loss": 1.0, "lr": 0.1, "seconds": 2.0})
    rate = course.plots.plots["lr"]
    wait_for(lambda: course.plots._stale == {"lr"})
    assert len(shown(rate, "learning rate")[0]) == 0
    course.panel.resize(1400, 900)
    course.drawn()
    assert len(shown(rate, "learning rate")[0]) == 2


# -- how it is drawn --------------------------------------------------------------------------


def test_lines_are_a_pixel_wide(plot: CurvePlot) -> None:
    for curve in plot.curves.values():
        for item in (curve.item, curve.raw):
            assert item.opts["pen"].widthF() == 1.0
            assert item.opts["pen"].isCosmetic()


def test_a_log_scale_leaves_out_what_it_cannot_show_and_says_so(plot: CurvePlot) -> None:
    for step in (100, 101):
        plot.add("train", step, -1.0)
    plot.set_log(True)
    _, ys = shown(plot, "train")
    assert np.isnan(ys[-2:]).all()
    assert ys[0] == pytest.approx(math.log10(2))
    assert "2 values of 0 or less left out" in plot.legend.note.text()
    QTest.mouseClick(plot.curves["train"].entry, LEFT)
    assert plot.legend.note.text() == ""
    plot.set_log(False)
    QTest.mouseClick(plot.curves["train"].entry, LEFT)
    assert shown(plot, "train")[1][-1] == -1.0


def test_smoothing_keeps_the_raw_curve_pale_behind(plot: CurvePlot) -> None:
    plot.add("train", 100, 50.0)
    plot.set_smoothing(0.9)
    curve = plot.curves["train"]
    assert curve.raw.isVisible()
    assert curve.raw.opts["pen"].color().alpha() < curve.item.opts["pen"].color().alpha()
    assert curve.raw.yData[-1] == 50.0
    assert curve.item.yData[-1] < 10.0
    plot.set_smoothing(0.0)
    assert not curve.raw.isVisible()
    assert curve.item.yData[-1] == 50.0


def test_steps_epochs_and_time_run_along_the_bottom(plot: CurvePlot) -> None:
    for kind, end in (("step", 99.0), ("epoch", 9.9), ("time", 198.0)):
        plot.set_axis(kind, 10)  # type: ignore[arg-type]
        assert shown(plot, "train")[0][-1] == pytest.approx(end)
        left, right = plot.view.box.viewRange()[0]
        assert left == 0
        assert end < right < 1.1 * end


def test_an_entry_of_the_legend_switches_its_curve_off(plot: CurvePlot) -> None:
    entry = plot.curves["val"].entry
    assert entry.accessibleName() == "Curve val of Loss"
    high = plot.view.box.viewRange()[1][1]
    entry.setFocus()
    QTest.keyClick(entry, Qt.Key.Key_Space)
    assert not plot.curves["val"].item.isVisible()
    assert plot.view.box.viewRange()[1][1] < high
    QTest.mouseClick(entry, LEFT)
    assert plot.curves["val"].item.isVisible()


# -- reading off -------------------------------------------------------------------------------


def test_the_cross_hair_reads_all_curves_and_stands_in_all_plots(course: Course) -> None:
    course.start("train/loss", "val/loss", "val/accuracy")
    for step in range(1, 41):
        course.tell("metrics", 0, step, **{"train/loss": float(step), "seconds": step * 1.0})
        if step % 10 == 0:
            course.tell("epoch", step // 10, step, **{"val/loss": 10.0 * step, "val/accuracy": 0.5})
    course.drawn()
    loss, accuracy = course.plots.plots["loss"], course.plots.plots["accuracy"]
    QTest.mouseMove(loss.view.viewport(), place(loss, 19.2))
    settle()
    assert loss.curves["train"].entry.value == "19"
    assert loss.curves["val"].entry.value == "200"
    assert loss.legend.note.text().startswith("step 19")
    assert accuracy._line.isVisible()
    assert accuracy._line.value() == pytest.approx(loss._line.value())
    loss.view.left.emit()
    assert loss.curves["train"].entry.value == "40"
    assert not accuracy._line.isVisible()


def test_keys_walk_along_a_curve_zoom_and_fit(plot: CurvePlot) -> None:
    view = plot.view
    assert view.accessibleName() == "Plot of Loss"
    view.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
        QTest.keyClick(view, key)
    assert plot.curves["train"].entry.value == "1.98"
    assert "train 1.98" in view.accessibleDescription()
    left, right = view.box.viewRange()[0]
    QTest.keyClick(view, Qt.Key.Key_Plus)
    zoomed = view.box.viewRange()[0]
    assert zoomed[1] - zoomed[0] == pytest.approx(0.7 * (right - left))
    QTest.keyClick(view, Qt.Key.Key_Right, SHIFT)
    assert view.box.viewRange()[0][0] > zoomed[0]
    plot.add("train", 100, 0.0)
    plot.redraw()
    assert plot.is_zoomed
    QTest.keyClick(view, Qt.Key.Key_F)
    assert view.box.viewRange()[0][1] > 100


def test_the_wheel_scrolls_the_panel_and_zooms_with_ctrl(plot: CurvePlot) -> None:
    view = plot.view

    def wheel(modifiers: Qt.KeyboardModifier) -> bool:
        where = QPointF(view.viewport().rect().center())
        event = QWheelEvent(
            where,
            QPointF(view.mapToGlobal(where.toPoint())),
            QPoint(),
            QPoint(0, 120),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        event.ignore()
        QApplication.sendEvent(view.viewport(), event)
        return event.isAccepted()

    before = view.box.viewRange()
    assert not wheel(NONE)
    assert view.box.viewRange() == before
    wheel(CONTROL)
    assert plot.is_zoomed
    assert view.box.viewRange()[0][1] < before[0][1]
    QTest.mouseDClick(view.viewport(), LEFT, pos=view.viewport().rect().center())
    assert view.box.viewRange() == before


def test_a_frame_dragged_over_a_plot_shows_what_is_in_it(plot: CurvePlot) -> None:
    surface = plot.view.viewport()
    start, end = place(plot, 20.0), place(plot, 60.0)
    start, end = start - QPoint(0, 40), end + QPoint(0, 40)
    QTest.mousePress(surface, LEFT, pos=start)
    for share in (0.2, 0.6, 1.0):
        QTest.mouseMove(surface, start + (end - start) * share)
        settle()
    QTest.mouseRelease(surface, LEFT, pos=end)
    settle()
    left, right = plot.view.box.viewRange()[0]
    assert left == pytest.approx(20, abs=1.5)
    assert right == pytest.approx(60, abs=1.5)
    assert shown(plot, "train")[0].min() >= 18


# -- taking out -------------------------------------------------------------------------------


def test_the_menu_copies_picture_and_data(plot: CurvePlot) -> None:
    plot.add("train", 100, math.nan)
    centre = plot.view.rect().center()
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Keyboard, centre, plot.view.mapToGlobal(centre)
    )
    QApplication.sendEvent(plot.view.viewport(), event)
    settle()
    menu = plot.findChild(QMenu, "plotMenu")
    assert menu is not None
    actions = {action.text(): action for action in menu.actions()}
    actions["Copy picture"].trigger()
    picture = QApplication.clipboard().pixmap()
    assert picture.size() == plot.size()
    actions["Copy data as CSV"].trigger()
    rows = list(csv.reader(io.StringIO(QApplication.clipboard().text())))
    menu.close()
    settle()
    assert rows[0] == ["step", "epoch", "seconds", "train", "val"]
    assert rows[10] == ["9", "0.9", "18.000", "1.82", "2.32"]
    assert rows[11] == ["10", "1", "20.000", "1.8", ""]
    assert rows[-1][3:] == ["", ""]
    assert len(rows) == 102


# -- marks and axes -----------------------------------------------------------------------------


def test_checkpoints_and_the_best_epoch_are_marked(course: Course) -> None:
    course.start("train/loss", "val/loss")
    for epoch in (1, 2, 3):
        step = 10 * epoch
        course.tell("metrics", epoch - 1, step, **{"train/loss": 1.0, "lr": 1.0, "seconds": 1.0})
        course.tell("epoch", epoch, step, **{"val/loss": 1.0}, best=epoch != 3)
        course.tell("checkpoint", epoch, step, kind="best" if epoch == 2 else "last", path="x")
    course.drawn()
    plot = course.plots.plots["loss"]
    assert plot._ticks.xData.tolist() == [10, 10, 30, 30]
    assert plot._best_line.value() == 20
    assert plot._best_line.isVisible()
    assert not course.plots.plots["lr"]._best_line.isVisible()


@pytest.mark.parametrize(
    ("low", "high", "most", "values"),
    [
        (-3, 0, 5, [0.001, 0.01, 0.1, 1]),
        (-3, 0, 8, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]),
        (-0.2, 0.8, 6, [1, 2, 5]),
        (-12, 3, 4, [1e-10, 1e-5, 1]),
        (math.log10(0.984), math.log10(0.996), 8, [0.984, 0.986, 0.988, 0.99, 0.992, 0.994, 0.996]),
    ],
)
def test_ticks_of_a_log_scale_are_round_and_few(
    low: float, high: float, most: int, values: list[float]
) -> None:
    found = [10**tick for tick in log_ticks(low - 1e-9, high + 1e-9, most)]
    assert found == pytest.approx(values)


def test_moments_are_said_as_clocks_do() -> None:
    said = [clock(seconds) for seconds in (0.5, 90, 125, 3600, 45_296)]
    assert said == ["0.5 s", "90 s", "2:05", "1:00:00", "12:34:56"]


@pytest.mark.parametrize(
    ("kind", "high", "whole"),
    [("epoch", 1.0, True), ("epoch", 2.4, True), ("step", 3.0, True), ("epoch", 0.5, False)],
)
def test_steps_and_epochs_are_counted_whole(
    qapp: QApplication, kind: AxisKind, high: float, whole: bool
) -> None:
    axis = CourseAxis("bottom")
    axis.kind = kind
    ticks = [value for _, values in axis.tickValues(0.0, high, 600.0) for value in values]
    assert len(ticks) > 1
    assert all(value == int(value) for value in ticks) == whole

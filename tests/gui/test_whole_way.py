"""The whole way with the real worker: draw, undo, train on real digits, export, verify."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.app.running import trainer_of
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.gui.asking.export_dialog import ExportDialog
from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.main_window import MainWindow
from tests.gui.window_hand import WindowHand, settle


class RealHand(WindowHand):
    """A hand on a window with a real worker."""

    def __init__(self) -> None:
        self.clients = []
        self.window = MainWindow()
        self.window.resize(1400, 900)
        self.window.show()
        self.window.prepare()
        settle()

    def wait(self, done: Callable[[], object], seconds: float = 60.0) -> None:
        """Handle events until `done`; fails after `seconds`."""
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, "it took too long"
            QTest.qWait(10)

    def wait_for_report(self) -> None:
        """Until the report of the present document is there."""
        self.wait(lambda: self.session.report is not None and self.session.report.graphs)

    def drop(self, title: str, x: float, y: float) -> Node:
        """Drag a layer from the palette to a place of the scene; the new node."""
        before = set(self.session.graph.nodes)
        panel = self.bench.palette_panel
        panel.field.clear()
        QTest.keyClicks(panel.field, title)
        settle()
        entries = panel.list
        start = entries.visualRect(entries.currentIndex()).center()
        canvas = self.bench.canvas
        end = canvas.mapFromScene(QPointF(x, y))
        self.drag(entries.viewport(), start, canvas.viewport(), end)
        (new,) = set(self.session.graph.nodes) - before
        return self.session.graph.nodes[new]

    def connect(self, source: Node, target: Node) -> None:
        """Drag a wire from the first output to the first input."""
        canvas = self.bench.canvas
        start = _port(canvas, source, output=True)
        end = _port(canvas, target, output=False)
        self.drag(canvas.viewport(), start, canvas.viewport(), end)


def _port(canvas: CanvasView, node: Node, *, output: bool) -> QPoint:
    item = canvas.canvas.nodes[node.id]
    at = item.port(output, "output" if output else "input")
    assert at is not None
    return canvas.mapFromScene(QPointF(*at))


@pytest.fixture
def real(qapp: QApplication, home: Path) -> Iterator[RealHand]:
    hand = RealHand()
    yield hand
    hand.close()


@pytest.mark.timeout(240)
def test_from_a_palette_drag_to_a_verified_file(real: RealHand, tmp_path: Path) -> None:
    real.window.open_template("digits_mlp")
    settle()
    real.wait_for_report()
    graph, history = real.session.graph, real.session.history
    assert real.window.runner.can_train()

    # Palette to canvas, wires by mouse, an edit by keys, all of it undone and done again.
    canvas = real.bench.canvas
    canvas.set_zoom(0.8)
    last = max(graph.nodes.values(), key=lambda node: node.y)
    drawn = real.session.document.copy()
    canvas.centerOn(last.x + 300, last.y)
    settle()
    linear = real.drop("Linear", last.x + 360, last.y - 120)
    relu = real.drop("ReLU", last.x + 360, last.y + 40)
    real.connect(linear, relu)
    assert graph.wire_into(relu.id, "input") is not None
    canvas.select([linear.id])
    settle()
    real.type(real.field("out_features"), "24")
    assert graph.nodes[linear.id].params["out_features"] == 24
    while history.undo_title is not None:
        real.command("edit.undo")
    assert real.session.document == drawn
    while history.redo_title is not None:
        real.command("edit.redo")
    assert graph.nodes[linear.id].params["out_features"] == 24
    real.wait(lambda: real.session.report is not None and real.session.report.problems)
    edits.delete(history, graph, [linear.id, relu.id])
    settle()
    real.wait(real.window.runner.can_train)

    # Train on the digits, and look at what the window tells of it.
    canvas.select([])
    settle()
    real.type(real.field("epochs"), "3")
    real.wait(real.window.runner.can_train)
    real.command("run.train")
    real.wait(lambda: real.window.runner.status() == "finished", 120)
    run = real.session.run
    assert run is not None
    assert run.epoch == 3
    assert (run.metrics["val/accuracy"] or 0) > 0.8
    plots = real.bench.training.plots
    assert plots is not None
    assert {"loss", "accuracy"} <= set(plots.plots)
    assert plots.plots["accuracy"].curves["val"].series.count == 3
    assert real.bench.training.banner.isVisible()

    # Export, checked against ONNX Runtime.
    real.command("run.export")
    dialog = real.window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    out = tmp_path / "digits.onnx"
    dialog.path.setText(str(out))
    real.press(dialog.export)
    real.wait(lambda: dialog.progress.isHidden(), 120)
    assert dialog.verdict.text().startswith("Written and verified.")
    assert out.stat().st_size > 10_000
    dialog.close()
    real.session.history.mark_saved()


@pytest.mark.nightly
@pytest.mark.timeout(240)
def test_a_worker_killed_in_mid_training_comes_back(real: RealHand) -> None:
    real.window.open_template("digits_cnn")
    settle()
    real.wait_for_report()
    real.type(real.field("epochs"), "400")
    real.wait(real.window.runner.can_train)
    before = real.session.document.copy()
    real.command("run.train")
    real.wait(lambda: real.session.run is not None and real.session.run.step > 5, 90)
    assert real.session.run is not None
    # Workers of earlier windows may still be ending: it is the one that trains.
    trainer = trainer_of(Path(real.session.run.path))
    assert trainer is not None
    os.kill(trainer.pid, signal.SIGKILL)
    real.wait(lambda: real.window.runner.status() == "crashed")
    assert real.bench.training.banner.isVisible()
    assert real.session.document == before
    real.wait(real.window.runner.can_train)

    # It can be trained again, by a new worker.
    real.type(real.field("epochs"), "1")
    real.wait(real.window.runner.can_train)
    real.wait(lambda: real.window.status.worker.text().startswith("PyTorch"))
    real.command("run.train")
    real.wait(lambda: real.window.runner.status() == "finished", 90)
    real.session.history.mark_saved()

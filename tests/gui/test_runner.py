"""Training and export by command: what stands in the way, going on, calling off, the worker."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from netbuilder.app.events import device_words
from netbuilder.compiler.report import GraphReport, Report
from netbuilder.engine.protocol import ExportProgress, WorkerDied, WorkerReady
from netbuilder.errors import ExportError, Problem
from netbuilder.graph import edits
from netbuilder.gui.asking.export_dialog import ExportDialog
from netbuilder.gui.canvas.entries import ENTRY
from netbuilder.gui.look import theme
from tests.gui.window_hand import LEFT, WindowHand, settle


def tip(hand: WindowHand, id: str) -> str:
    return hand.window.commands.actions[id].toolTip()


def test_train_tells_what_stands_in_its_way(hand: WindowHand) -> None:
    hand.window.open_template("digits_cnn")
    settle()
    assert "The shapes are being worked out." in tip(hand, "run.train")
    graph = hand.session.graph
    problem = Problem("error", "x", "Wrong.", graph=graph.id, node=hand.select("conv1"))
    hand.report(Report((problem,), {graph.id: GraphReport()}).to_json())
    assert "Mend the error under Problems." in tip(hand, "run.train")
    assert not hand.window.commands.actions["run.train"].isEnabled()
    hand.window.projects.new()
    settle()
    hand.report()
    assert "Choose a data set" in tip(hand, "run.train")


def test_the_status_bar_says_what_comes_next(hand: WindowHand) -> None:
    """A newcomer is led by it from the empty window to the training."""
    said = hand.window.status.notice
    hand.window.projects.new()
    settle()
    hand.report()
    assert said.text().startswith("Next: Choose a data set")
    history = hand.session.history
    edits.set_project(history, data={"source": "netbuilder.Digits"})
    settle()
    hand.report()
    assert said.text().startswith("Next: Draw a network")
    edits.add_node(history, hand.session.graph, "netbuilder.Input")
    settle()
    hand.report()
    assert said.text().startswith("Next: Add a training step")
    hand.command("edit.step")
    hand.report()
    assert said.text() == ""
    # A notice comes first, and the next step again after it.
    history.undo()
    settle()
    hand.report()
    hand.window.status.say("Saved")
    assert said.text() == "Saved"
    hand.window.status.say("")
    assert said.text().startswith("Next: Add a training step")


def test_a_stopped_run_goes_on_where_it_stopped(hand: WindowHand) -> None:
    hand.open()
    hand.command("run.train")
    hand.event(1, "started", epochs=2, steps=40, device="cpu")
    hand.event(2, "metrics", step=7)
    run = hand.session.run
    assert run is not None
    hand.command("run.stop")
    hand.event(3, "finished", epoch=1, step=8, status="stopped", metrics={})
    hand.client.answer("train", result={"status": "stopped", "steps": 8})
    settle()
    action = hand.window.commands.actions["run.pause"]
    assert action.text() == "Resume"
    assert action.isEnabled()
    shown = [b.text() for b in hand.bench.training.banner.findChildren(QPushButton)]
    assert "Resume" in shown
    QTest.keyClick(hand.window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    settle()
    _, params, _ = hand.client.waiting("train")[0]
    assert params["resume"] is True
    assert params["run"] == str(run.path)
    hand.client.answer("train", result={"status": "finished"})
    settle()
    assert not hand.window.commands.actions["run.pause"].isEnabled()


def open_export(hand: WindowHand, tmp_path: Path) -> ExportDialog:
    hand.open()
    hand.command("run.export")
    dialog = hand.window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    dialog.path.setText(str(tmp_path / "net.onnx"))
    QTest.keyClick(dialog.path, Qt.Key.Key_Return)
    settle()
    assert hand.client.waiting("export")
    return dialog


def test_cancel_calls_off_the_export(hand: WindowHand, tmp_path: Path) -> None:
    dialog = open_export(hand, tmp_path)
    assert dialog.close_button.text() == "Cancel"
    QTest.mouseClick(dialog.close_button, LEFT)
    settle()
    assert hand.client.waiting("cancel")
    assert dialog.isVisible()
    hand.client.answer("cancel", result={"exports": 1})
    hand.client.answer(
        "export", error=ExportError("The export was cancelled; nothing was written.")
    )
    settle()
    assert dialog.verdict.text() == "The export was cancelled; nothing was written."
    assert dialog.close_button.text() == "Close"
    QTest.mouseClick(dialog.close_button, LEFT)
    settle()
    assert hand.window.findChild(ExportDialog) is None
    assert not hand.client.waiting("cancel")


def test_escape_during_an_export_calls_it_off_too(hand: WindowHand, tmp_path: Path) -> None:
    dialog = open_export(hand, tmp_path)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    settle()
    assert len(hand.client.waiting("cancel")) == 1
    hand.client.answer("export", error=ExportError("cancelled"))
    settle()


def test_a_worker_that_was_given_up_starts_by_a_press(hand: WindowHand) -> None:
    hand.open()
    status = hand.window.status
    assert not status.restart.isVisible()
    assert not hand.window.commands.actions["run.restart"].isEnabled()
    hand.client.say(WorkerDied("The worker was killed.", "A hint.", restart_in_s=None))
    settle()
    assert status.restart.isVisible()
    assert hand.window.commands.actions["run.restart"].isEnabled()
    hand.client.asked.clear()
    QTest.mouseClick(status.restart, LEFT)
    settle()
    assert not status.restart.isVisible()
    assert status.worker.text() == "PyTorch 2.13.0"
    assert hand.client.waiting("analyse"), "the shapes are asked for anew"
    hand.report()


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ([], ""),
        ([{"id": "cpu", "name": "x86_64", "memory": 8 * 2**30}], "CPU, 8 GB"),
        (
            [
                {"id": "cpu", "name": "x86_64", "memory": 8 * 2**30},
                {"id": "cuda:0", "name": "NVIDIA H100", "memory": 80 * 2**30},
            ],
            "NVIDIA H100, 80 GB",
        ),
        ([{"id": "mps", "name": "Apple GPU", "memory": "?"}], "Apple GPU"),
    ],
)
def test_the_status_bar_names_the_device(
    hand: WindowHand, devices: list[dict[str, object]], words: str
) -> None:
    assert device_words(devices) == words
    hand.client.say(WorkerReady("2.13.0", tuple(devices)))
    settle()
    assert hand.window.status.device.text() == words


def test_layers_that_this_pytorch_lacks_are_not_offered(hand: WindowHand) -> None:
    hand.open("digits_mlp")
    palette = hand.bench.palette_panel
    palette.field.setText("Mish")

    def offered() -> set[str]:
        model = palette.model
        entries = (model.index(row, 0).data(ENTRY) for row in range(model.rowCount()))
        return {entry.layer for entry in entries if entry is not None}

    assert "torch.nn.Mish" in offered()
    hand.client.say(WorkerReady("2.0.0", (), frozenset({"torch.nn.Mish"})))
    settle()
    assert "torch.nn.Mish" not in offered()
    hand.client.say(WorkerReady("2.13.0"))
    settle()
    assert "torch.nn.Mish" in offered()


def test_a_file_may_take_values_as_in_the_data(hand: WindowHand, tmp_path: Path) -> None:
    dialog = open_export(hand, tmp_path)
    assert hand.client.answer("export", error=ExportError("no"))["prepared"] is None
    settle()
    dialog.values.setFocus()
    QTest.keyClick(dialog.values, Qt.Key.Key_Down)
    QTest.keyClick(dialog.path, Qt.Key.Key_Return)
    settle()
    assert hand.client.answer("export", error=ExportError("no"))["prepared"] == "probabilities"
    settle()
    dialog.format.setCurrentIndex(dialog.format.findData("safetensors"))
    assert not dialog.values.isVisible()
    QTest.keyClick(dialog.path, Qt.Key.Key_Return)
    settle()
    assert hand.client.answer("export", error=ExportError("no"))["prepared"] is None


def test_the_export_tells_how_far_it_is_and_which_node_departs(
    hand: WindowHand, tmp_path: Path
) -> None:
    hand.open()
    hand.command("run.export")
    dialog = hand.window.findChild(ExportDialog)
    assert isinstance(dialog, ExportDialog)
    dialog.path.setText(str(tmp_path / "net.onnx"))
    dialog.per_node.setFocus()
    QTest.keyClick(dialog.per_node, Qt.Key.Key_Space)
    dialog.opset.setCurrentIndex(dialog.opset.findData(20))
    QTest.keyClick(dialog.path, Qt.Key.Key_Return)
    settle()
    hand.client.say(ExportProgress("Comparing on 2 real samples", 1, 6))
    settle()
    assert dialog.doing.text() == "Comparing on 2 real samples (2 of 6)"
    assert (dialog.progress.value(), dialog.progress.maximum()) == (1, 6)
    graph = hand.session.graph
    node = hand.select("conv1")
    nodes = [
        {"graph": graph.id, "node": node, "use": "", "name": name, "max_rel_error": error}
        for name, error in (("start", None), ("conv1", 0.5), ("relu1", "inf"))
    ]
    error = ExportError("It departs.", "Mend it.", graph=graph.id, node=node, nodes=nodes)
    params = hand.client.answer("export", error=error)
    assert (params["per_node"], params["opset"]) == (True, 20)
    settle()
    model, roles = dialog.nodes.model(), Qt.ItemDataRole
    cells = [[model.index(row, at) for at in range(2)] for row in range(model.rowCount())]
    shown = [[cell.data() for cell in row] for row in cells]
    assert shown == [["start", "joined or left out"], ["conv1", "5.0e-01"], ["relu1", "inf"]]
    assert cells[1][0].data(roles.ForegroundRole).color() == theme.current().error
    assert cells[2][0].data(roles.ForegroundRole) is None
    hand.bench.canvas.select([])
    hand.press(dialog.show_node)
    assert hand.bench.canvas.selection() == [node]
    # The node is marked until the next edit, and training is not in its way.
    assert [each.code for each in hand.bench.canvas.canvas.problems_of(node)] == ["export.departs"]
    assert "Mend" not in tip(hand, "run.train")
    edits.rename(hand.session.history, graph, node, "other")
    settle()
    hand.report()
    assert not hand.bench.canvas.canvas.problems_of(node)
    # Of a file in fewer bits one sees what the table is of.
    dialog.precision.setCurrentIndex(dialog.precision.findData("int8"))
    hand.press(dialog.export)
    sizes = {"before": 206_000, "after": 59_300}
    answer = {"verified": True, "precision": "int8", "bytes": sizes, "nodes": nodes[:1]}
    assert hand.client.answer("export", result=answer)["precision"] == "int8"
    settle()
    assert "206 KB before, 59.3 KB now." in dialog.details.text()
    assert "before it was made smaller" in dialog.details.text()


def test_many_nodes_fit_on_a_small_screen(hand: WindowHand, tmp_path: Path) -> None:
    """The first node that departs is in sight among them."""
    dialog = open_export(hand, tmp_path)
    before = dialog.width()
    nodes = [
        {"graph": "g", "node": "n", "use": "", "name": f"n{at}", "max_rel_error": float(at > 39)}
        for at in range(60)
    ]
    hand.client.answer("export", error=ExportError("It departs.", "Mend it.", nodes=nodes))
    settle()
    assert dialog.width() > before
    assert dialog.width() < 960
    assert dialog.height() < 580
    table = dialog.nodes
    row = table.visualRect(table.model().index(40, 0))
    assert table.viewport().rect().contains(row)
    hand.press(dialog.export)
    assert dialog.width() == before
    hand.client.answer("export", error=ExportError("cancelled"))
    settle()

"""The inspector: forms that edit, undo in one step, and are not disturbed while one types."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit

from netbuilder.errors import Problem
from netbuilder.graph import edits
from netbuilder.gui.inspecting.editors import NumberEditor, TextEditor
from netbuilder.gui.inspecting.field_row import LABEL_WIDTH, FieldRow
from netbuilder.gui.inspecting.fields import specs
from netbuilder.gui.look.widgets import Switch
from netbuilder.layers import catalogue
from tests.gui.window_hand import WindowHand, settle

CTRL = Qt.KeyboardModifier.ControlModifier


def params(hand: WindowHand, name: str) -> dict[str, Any]:
    node = hand.session.graph.named(name)
    assert node is not None
    return dict(node.params)


def report(hand: WindowHand, name: str, **inferred: Any) -> dict[str, Any]:
    """A report that tells shapes and inferred sizes of one node."""
    node = hand.session.graph.named(name)
    assert node is not None
    shapes = {"input": [["N", 1, 8, 8], "float32", "N×1×8×8"]}
    outputs = {"output": [["N", 32, 8, 8], "float32", "N×32×8×8"]}
    graph = {
        "parameters": 320,
        "code": "",
        "lines": {},
        "nodes": {node.id: [shapes, outputs, 320, inferred]},
    }
    return {"problems": [], "graphs": {hand.session.graph.id: graph}}


def test_typing_sets_the_parameter_in_one_step(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    before = params(hand, "conv1")
    hand.type(hand.field("out_channels"), "128")
    assert params(hand, "conv1")["out_channels"] == 128
    hand.command("edit.undo")
    assert params(hand, "conv1") == before
    assert hand.field("out_channels").text() == str(before["out_channels"])


def test_leaving_the_field_ends_the_step(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    hand.type(hand.field("out_channels"), "48")
    QTest.keyClick(hand.field("out_channels"), Qt.Key.Key_Return)
    hand.type(hand.field("out_channels"), "56")
    hand.command("edit.undo")
    assert params(hand, "conv1")["out_channels"] == 48


def test_undo_keys_in_a_field_undo_the_document(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    before = params(hand, "conv1")
    hand.type(hand.field("stride"), "2")
    line = hand.field("out_channels")
    hand.type(line, "77")
    for _ in range(2):
        # The second one takes back what was typed in another field.
        QTest.keyClick(line, Qt.Key.Key_Z, CTRL)
        settle()
    assert params(hand, "conv1") == before
    for _ in range(2):
        QTest.keyClick(line, Qt.Key.Key_Y, CTRL)
        settle()
    assert params(hand, "conv1") == {**before, "stride": 2, "out_channels": 77}


def test_a_report_does_not_disturb_typing(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    line = hand.field("out_channels")
    line.setFocus()
    line.selectAll()
    for typed in ("1", "12", "128"):
        QTest.keyClicks(line, typed[-1])
        settle()
        hand.report(report(hand, "conv1", in_channels=1))
        assert hand.field("out_channels") is line
        assert line.text() == typed
        assert line.cursorPosition() == len(typed)
    assert params(hand, "conv1")["out_channels"] == 128


def test_half_typed_text_survives_edits_elsewhere_and_reports(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    line = hand.field("kernel_size")
    hand.type(line, "3, ")
    page = hand.bench.inspector.page
    assert page is not None
    told = page.form.rows["kernel_size"].error.text()
    assert told
    other = hand.session.graph.named("conv2")
    assert other is not None
    edits.set_parameters(hand.session.history, hand.session.graph, [other.id], {"stride": 2})
    settle()
    hand.report()
    assert line.text() == "3, "
    assert page.form.rows["kernel_size"].error.text() == told


def test_an_impossible_value_is_told_at_its_field_and_changes_nothing(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    before = params(hand, "conv1")
    hand.type(hand.field("kernel_size"), "0")
    page = hand.bench.inspector.page
    assert page is not None
    row = page.form.rows["kernel_size"]
    assert params(hand, "conv1") == before
    assert row.error.isVisible()
    assert "1" in row.error.text()
    hand.type(hand.field("kernel_size"), "5")
    assert not row.error.isVisible()
    assert params(hand, "conv1")["kernel_size"] == 5


def test_a_default_is_left_out(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    hand.type(hand.field("stride"), "2")
    assert params(hand, "conv1")["stride"] == 2
    hand.type(hand.field("stride"), "1")
    assert "stride" not in params(hand, "conv1")
    hand.type(hand.field("stride"), "2")
    hand.type(hand.field("stride"), "")
    assert "stride" not in params(hand, "conv1")


def test_inferred_sizes_are_placeholders(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    assert hand.field("in_channels").placeholderText() == "inferred"
    hand.bench.canvas.select([])
    hand.select("conv1")
    hand.type(hand.field("out_channels"), "24")
    hand.report(report(hand, "conv1", in_channels=1))
    assert hand.field("in_channels").placeholderText() == "1"
    assert hand.field("in_channels").text() == ""


def test_shapes_and_count_are_shown(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    hand.type(hand.field("out_channels"), "31")
    hand.report(report(hand, "conv1"))
    page = hand.bench.inspector.page
    assert page is not None
    assert page.facts is not None
    facts = page.facts.lines()
    assert facts["input in"] == "N×1×8×8"
    assert facts["output out"] == "N×32×8×8"
    assert facts["parameters"] == "320"


def test_arrow_keys_step(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    editor = hand.field("out_channels").parentWidget()
    assert isinstance(editor, NumberEditor)
    before = params(hand, "conv1")["out_channels"]
    QTest.keyClick(editor, Qt.Key.Key_Up)
    assert params(hand, "conv1")["out_channels"] == before + 1
    hand.type(hand.field("kernel_size"), "1")
    kernel = hand.field("kernel_size").parentWidget()
    assert isinstance(kernel, NumberEditor)
    kernel.stepBy(-1)
    assert params(hand, "conv1")["kernel_size"] == 1


def test_switches(hand: WindowHand) -> None:
    hand.open()
    hand.select("classifier")
    switch = hand.bench.inspector.findChild(Switch, "field.bias")
    assert isinstance(switch, Switch)
    assert switch.isChecked()
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert params(hand, "classifier")["bias"] is False
    QTest.mouseClick(switch, Qt.MouseButton.LeftButton)
    assert "bias" not in params(hand, "classifier")


def test_a_long_name_goes_on_in_a_second_line(qapp: QApplication) -> None:
    spec = specs(catalogue.layers()["torch.nn.functional.interpolate"])["recompute_scale_factor"]
    name = FieldRow(spec, spec.name).name
    try:
        metrics = name.fontMetrics()
        assert name.heightForWidth(LABEL_WIDTH) >= 2 * metrics.height()
        assert (
            max(metrics.horizontalAdvance(part) for part in name.text().split("\u200b"))
            <= LABEL_WIDTH
        )
        assert name.accessibleName() == "recompute_scale_factor"
    finally:
        name.deleteLater()


def test_a_long_text_is_read_from_its_beginning(qapp: QApplication) -> None:
    editor = TextEditor(specs(catalogue.layers()["torch.einsum"])["equation"])
    editor.show_value("nijklmnop,nkj,nlj,nmj->niklm")
    assert editor.cursorPosition() == 0
    editor.deleteLater()


def test_several_nodes_of_a_layer_change_together(hand: WindowHand) -> None:
    hand.open()
    nodes = [hand.session.graph.named(name) for name in ("conv1", "conv2")]
    hand.bench.canvas.select([node.id for node in nodes if node is not None])
    settle()
    assert hand.field("out_channels").placeholderText() == "several values"
    hand.type(hand.field("out_channels"), "16")
    assert [params(hand, name)["out_channels"] for name in ("conv1", "conv2")] == [16, 16]
    hand.command("edit.undo")
    settle()
    assert params(hand, "conv1") != params(hand, "conv2")


def test_renaming_says_why_not(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    line = hand.find(QLineEdit, "node.name")
    hand.type(line, "conv2")
    QTest.keyClick(line, Qt.Key.Key_Return)
    page = hand.bench.inspector.page
    assert page is not None
    assert hand.session.graph.nodes[node].name == "conv1"
    assert "conv2" in page.name_error.text()
    hand.type(line, "stem")
    QTest.keyClick(line, Qt.Key.Key_Return)
    assert hand.session.graph.nodes[node].name == "stem"
    assert not page.name_error.isVisible()


def test_a_change_from_elsewhere_is_shown(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    line = hand.field("out_channels")
    edits.set_parameters(hand.session.history, hand.session.graph, [node], {"out_channels": 99})
    settle()
    assert hand.field("out_channels") is line
    assert line.text() == "99"


def test_a_deleted_node_leaves_the_inspector(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    edits.delete(hand.session.history, hand.session.graph, [node])
    settle()
    assert hand.bench.inspector.page is None


def test_problems_of_a_parameter_stand_at_its_field(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    problem = Problem("error", "parameter.invalid", "'groups' must divide 1.", node=node, graph="g")
    hand.type(hand.field("groups"), "3")
    hand.report({"problems": [replace(problem, fixes=()).to_json()], "graphs": {}})
    page = hand.bench.inspector.page
    assert page is not None
    assert page.form.rows["groups"].error.text() == "'groups' must divide 1."


# -- settings of the project -----------------------------------------------------------------


def test_training_settings_are_edited_and_undone(hand: WindowHand) -> None:
    hand.open()
    before = hand.session.document.project
    hand.type(hand.field("epochs"), "7")
    assert hand.session.document.project.training["epochs"] == 7
    hand.command("edit.undo")
    settle()
    assert hand.session.document.project == before
    assert hand.field("epochs").text() == str(before.training["epochs"])


def test_the_optimizer_changes_kind_and_keeps_what_fits(hand: WindowHand) -> None:
    hand.open()
    step = hand.session.document.of_kind("step")[0]
    hand.session.show(step.id)
    settle()
    hand.type(hand.field("lr"), "0.01")
    assert step.info.settings["optimizer"]["lr"] == 0.01
    kind = hand.bench.inspector.findChild(QComboBox, "field.optimizer.kind")
    assert isinstance(kind, QComboBox)
    kind.setCurrentIndex(kind.findText("SGD"))
    kind.activated.emit(kind.currentIndex())
    settle()
    assert step.info.settings["optimizer"] == {"kind": "SGD", "lr": 0.01}
    assert hand.field("momentum").placeholderText() == "0"
    hand.command("edit.undo")
    settle()
    assert step.info.settings["optimizer"]["kind"] == "AdamW"
    assert hand.bench.inspector.findChild(QLineEdit, "field.momentum") is None


def test_another_data_set_asks_for_other_samples(hand: WindowHand) -> None:
    hand.open()
    hand.bench.show_panel("data")
    settle()
    assert (
        hand.client.answer("sample", result=_no_samples())["data"]["source"] == "netbuilder.Digits"
    )
    source = hand.bench.inspector.findChild(QComboBox, "data.source")
    assert isinstance(source, QComboBox)
    source.setCurrentIndex(source.findText("Sines"))
    source.activated.emit(source.currentIndex())
    settle()
    assert hand.session.document.project.data["source"] == "netbuilder.Sines"
    hand.type(hand.field("length"), "64")
    assert hand.session.document.project.data["params"] == {"length": 64}
    assert hand.client.waiting("sample")


def _no_samples() -> dict[str, Any]:
    return {
        "title": "Digits",
        "help": "Digits.",
        "fields": [],
        "parts": {},
        "classes": {},
        "shown": {},
        "problems": [],
    }


def test_a_long_title_is_read_from_its_beginning(hand: WindowHand) -> None:
    hand.open("audio_cnn")
    title = hand.bench.inspector.settings.title
    assert title.text()
    assert title.cursorPosition() == 0

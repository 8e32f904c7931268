"""A model of others becomes a project in the window: chosen in the menu or dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QFileDialog

import netbuilder as nb
from netbuilder.engine.protocol import ExportProgress
from netbuilder.errors import DocumentError
from netbuilder.graph import edits
from netbuilder.gui.asking.import_dialog import ImportDialog
from netbuilder.storage import files
from tests.gui.window_hand import WindowHand, settle

GOOD: dict[str, Any] = {
    "verified": True,
    "max_rel_error": 6e-7,
    "trials": ["random inputs", "random inputs, batch = 3"],
    "unsupported": [],
    "notes": [],
    "nodes": 124,
    "blocks": 1,
}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model that is chosen; its project is to lie beside it."""
    path = tmp_path / "net.onnx"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    return path


def dialog(hand: WindowHand) -> ImportDialog:
    return hand.find(ImportDialog, "importDialog")


@pytest.mark.parametrize("dropped", [False, True])
def test_a_model_is_imported_and_opened(dropped: bool, hand: WindowHand, model: Path) -> None:
    """The worker writes the project; the window opens it and says what was proven."""
    if dropped:
        hand.window.bring_data.take(model)
    else:
        hand.command("file.import")
    settle()
    shown = dialog(hand)
    assert hand.client.answer("expect", result={}) == {"work": "import", "wanted": True}
    shown.fold.setChecked(dropped)
    hand.press(shown.start)
    hand.session.exporting.hear(ExportProgress("Comparing both", 1, 2))
    assert shown.doing.text() == "Comparing both (2 of 2)"
    out = model.with_suffix(".netb")
    nb.template("digits_cnn").save(out)
    params = hand.client.answer("import", result=GOOD)
    assert params == {"path": str(model), "out": str(out), "blocks": dropped, "early": True}
    settle()
    assert hand.session.path == out
    assert shown.verdict.text() == "It computes what net.onnx does."
    assert "124 nodes, 1 block." in shown.details.text()
    assert "6.0e-07, on random inputs; random inputs, batch = 3" in shown.details.text()
    assert shown.start.isHidden()
    hand.press(shown.close_button)
    assert hand.client.answer("expect", result={}) == {"work": "import", "wanted": False}
    assert not hand.client.waiting("expect")


def test_nodes_stand_in_line_for_the_sizes_they_have_here(hand: WindowHand, model: Path) -> None:
    """Once shapes and weights are known all graphs are laid out, unless somebody edits before."""
    out = model.with_suffix(".netb")
    for edited in (False, True):
        project = nb.Project()
        net = project.add_network("main")
        x = net.add("netbuilder.Input", shape=(4,), name="x")
        wide = net.add("torch.nn.Linear", name="a_name_that_makes_it_wide", out_features=4)
        net.connect(x, wide)
        net.connect(wide, net.add("netbuilder.Output", name="y"))
        project.save(out)
        hand.window.bring_data.take(model)
        settle()
        shown = dialog(hand)
        hand.press(shown.start)
        hand.client.answer("import", result=GOOD)
        settle()
        hand.press(shown.close_button)
        session = hand.session
        if edited:
            edits.set_node(session.history, session.graph, wide.id, note="mine")
        hand.report()
        settle()
        places = {node.id: (node.x, node.y) for node in session.graph.nodes.values()}
        items = hand.bench.canvas.canvas.nodes
        middles = {items[id].x() + items[id].width / 2 for id in places}
        assert (len(middles) == 1) is not edited
        if not edited:
            assert not session.dirty
            saved = files.load(out).graph(session.graph.id)
            assert {node.id: (node.x, node.y) for node in saved.nodes.values()} == places
            session.history.undo()
        session.history.mark_saved()


@pytest.mark.parametrize("ending", ["verified", "failed", "redrawn"])
def test_what_is_written_is_opened_before_it_is_compared(
    ending: str, hand: WindowHand, model: Path
) -> None:
    """The dialog says in the end how the comparison went; another drawing is opened anew."""
    hand.command("file.import")
    settle()
    shown = dialog(hand)
    hand.press(shown.start)
    out = model.with_suffix(".netb")
    nb.template("digits_cnn").save(out)
    for _ in range(2):
        hand.session.exporting.hear(ExportProgress("Comparing both", 0, 0, written=True))
    settle()
    opened = hand.session.document
    assert hand.session.path == out
    assert shown.box.isHidden()
    assert shown.doing.text() == "Comparing both"
    if ending == "failed":
        hand.client.answer("import", error=DocumentError("It took too long."))
    else:
        hand.client.answer("import", result=GOOD | {"redrawn": ending == "redrawn"})
    settle()
    assert (hand.session.document is opened) is (ending != "redrawn")
    assert hand.session.path == out
    assert ("not verified" in shown.verdict.text()) is (ending == "failed")
    assert ("took too long" in shown.details.text()) is (ending == "failed")
    assert shown.start.isHidden()
    hand.press(shown.close_button)


def test_what_is_missing_is_told(hand: WindowHand, model: Path) -> None:
    """An import that is not verified is opened, and says why."""
    hand.command("file.import")
    settle()
    shown = dialog(hand)
    shown.path.setText(str(model.with_name("other")))
    nb.template("digits_cnn").save(model.with_name("other.netb"))
    hand.press(shown.start)
    missing = [{"op": "onnx.NonZero", "count": 1}]
    bad = GOOD | {"verified": False, "max_rel_error": None, "unsupported": missing}
    hand.client.answer("import", result=bad)
    settle()
    assert hand.session.path == model.with_name("other.netb")
    assert "not verified" in shown.verdict.text()
    assert "No layer for onnx.NonZero" in shown.details.text()
    hand.press(shown.close_button)


def test_a_refusal_leaves_the_window_as_it_was(hand: WindowHand, model: Path) -> None:
    """The text is the one of the reader, and one may try again."""
    hand.command("file.import")
    settle()
    shown = dialog(hand)
    hand.press(shown.start)
    assert not shown.start.isEnabled()
    hand.client.answer("import", error=DocumentError("It is no ONNX file."))
    settle()
    assert "no ONNX file" in shown.verdict.text()
    assert shown.start.isEnabled()
    assert not hand.window.has_project()
    hand.press(shown.close_button)


def test_cancelled_and_closed(hand: WindowHand, model: Path) -> None:
    """Cancel calls it off; so does closing, after which no answer is heard."""
    hand.command("file.import")
    settle()
    shown = dialog(hand)
    hand.press(shown.start)
    hand.press(shown.close_button)
    assert len(hand.client.waiting("cancel")) == 1
    hand.client.answer("import", error=DocumentError("The import was cancelled."))
    settle()
    assert "cancelled" in shown.verdict.text()
    hand.press(shown.start)
    shown.close()
    assert len(hand.client.waiting("cancel")) == 2
    nb.template("digits_cnn").save(model.with_suffix(".netb"))
    hand.client.answer("import", result=GOOD)
    settle()
    assert not hand.window.has_project()


@pytest.mark.parametrize("ending", ["verified", "departs", "failed", "redrawn"])
def test_closed_while_it_is_compared_the_window_says_how_it_went(
    ending: str, hand: WindowHand, model: Path
) -> None:
    """The dialog says so before; what did not hold stays until somebody has read it."""
    hand.command("file.import")
    settle()
    shown = dialog(hand)
    hand.press(shown.start)
    assert not shown.goes_on.isVisible()
    nb.template("digits_cnn").save(model.with_suffix(".netb"))
    hand.session.exporting.hear(ExportProgress("Comparing both", 0, 0, written=True))
    settle()
    assert shown.goes_on.isVisible()
    assert shown.close_button.text() == "Close"
    opened = hand.session.document
    hand.press(shown.close_button)
    assert hand.window.findChild(ImportDialog) is None
    assert not hand.client.waiting("cancel")
    if ending == "failed":
        hand.client.answer("import", error=DocumentError("It took too long.", "Try again."))
    else:
        more: dict[str, dict[str, Any]] = {
            "departs": {"verified": False, "notes": ["They depart by 0.5."]},
            "redrawn": {"redrawn": True},
        }
        hand.client.answer("import", result=GOOD | more.get(ending, {}))
    settle()
    banner = hand.window.banners.shown("import")
    if ending in ("verified", "redrawn"):
        assert banner is None
        assert hand.window.status.notice.text().startswith("Compared: the project computes what")
        assert "6.0e-07" in hand.window.status.notice.text()
    else:
        assert banner is not None
        reason = {"failed": "It took too long. Try again.", "departs": "They depart by 0.5."}
        assert banner.text.text() == f"net.onnx is imported, but not verified. {reason[ending]}"
        hand.press(banner.choices[0])
        assert hand.window.banners.shown("import") is None
    assert (hand.session.document is opened) is (ending != "redrawn")


def test_a_comparison_can_be_stopped(hand: WindowHand, model: Path) -> None:
    """The project stays open, and is not said to be verified."""
    hand.command("file.import")
    settle()
    shown = dialog(hand)
    hand.press(shown.start)
    assert not shown.stop.isVisible()
    nb.template("digits_cnn").save(model.with_suffix(".netb"))
    hand.session.exporting.hear(ExportProgress("Comparing both", 0, 0, written=True))
    settle()
    hand.press(shown.stop)
    assert len(hand.client.waiting("cancel")) == 1
    hand.client.answer("import", error=DocumentError("The import was cancelled."))
    settle()
    assert "not verified" in shown.verdict.text()
    assert not shown.stop.isVisible()
    assert hand.session.path == model.with_suffix(".netb")
    hand.press(shown.close_button)
    assert len(hand.client.waiting("cancel")) == 1


def test_edits_meanwhile_are_not_taken_away(hand: WindowHand, model: Path) -> None:
    """A file that was drawn anew does not replace what somebody changed in the window."""
    hand.command("file.import")
    settle()
    shown = dialog(hand)
    hand.press(shown.start)
    nb.template("digits_cnn").save(model.with_suffix(".netb"))
    hand.session.exporting.hear(ExportProgress("Comparing both", 0, 0, written=True))
    settle()
    hand.press(shown.close_button)
    opened, graph = hand.session.document, hand.session.graph
    edits.set_node(hand.session.history, graph, next(iter(graph.nodes)), note="mine")
    hand.client.answer("import", result=GOOD | {"redrawn": True})
    settle()
    assert hand.session.document is opened
    hand.session.history.mark_saved()

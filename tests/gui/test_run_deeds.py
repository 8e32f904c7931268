"""What the window does with runs of the table: projects, what changed since, a new start."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTreeWidgetItem

from benchmarks import runs_table
from netbuilder.engine import overrides
from netbuilder.graph import edits
from netbuilder.gui.asking.start_dialog import StartDialog
from netbuilder.gui.comparing.window import ComparisonWindow
from netbuilder.storage import files, format
from tests.gui.test_runs import cell, click
from tests.gui.window_hand import LEFT, WindowHand, settle


def make_runs(hand: WindowHand, count: int = 3) -> Path:
    folder = hand.session.runs_folder()
    runs_table.make(folder, count, hand.session.document.copy())
    hand.bench.show_panel("runs")
    settle()
    return folder


def test_a_runs_project_is_opened_as_a_new_one(hand: WindowHand) -> None:
    hand.open()
    folder = make_runs(hand)
    panel = hand.bench.runs
    before = (folder / "run-0002" / "project.netb").read_bytes()
    click(panel, "run-0002")
    hand.press(panel.open) if panel.open.isVisible() else panel._open()
    settle()
    assert hand.session.path is None
    assert hand.session.document.project.title.endswith("from run-0002")
    assert not hand.session.dirty
    assert (folder / "run-0002" / "project.netb").read_bytes() == before


def test_changes_since_a_run_are_listed_and_lead_to_their_place(hand: WindowHand) -> None:
    hand.open()
    make_runs(hand)
    panel = hand.bench.runs
    graph = hand.session.graph
    conv = graph.named("conv1")
    assert conv is not None
    edits.set_parameters(hand.session.history, graph, [conv.id], {"out_channels": 99})
    click(panel, "run-0001")
    hand.press(panel.changes)
    dialog = hand.window.findChild(ComparisonWindow)
    assert dialog is not None
    found = dialog.list.findItems(
        "out_channels", Qt.MatchFlag.MatchContains | Qt.MatchFlag.MatchRecursive
    )
    assert [item.text(0) for item in found] == ["~  'conv1': out_channels 16 → 99"]
    place = dialog.list.visualItemRect(found[0]).center()
    QTest.mouseClick(dialog.list.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, place)
    assert dialog.right.canvas.selection == {conv.id}
    QTest.keyClick(dialog.list, Qt.Key.Key_Return)
    assert hand.bench.canvas.canvas.selection == {conv.id}
    dialog.close()
    settle()


def test_two_runs_are_compared_with_each_other(hand: WindowHand) -> None:
    hand.open()
    folder = make_runs(hand)
    conv = hand.session.graph.named("conv1")
    assert conv is not None
    path = folder / "run-0003" / "project.netb"
    changed = overrides.apply(files.load(path), {"main.conv1.out_channels": 9})
    files.save(changed, path)
    panel = hand.bench.runs
    click(panel, "run-0003")
    QTest.mouseClick(
        panel.table.viewport(),
        LEFT,
        Qt.KeyboardModifier.ControlModifier,
        cell(panel, "run-0001", "status"),
    )
    settle()
    hand.press(panel.changes)
    dialog = hand.window.findChild(ComparisonWindow)
    assert dialog is not None
    assert (dialog.left.accessibleName(), dialog.right.accessibleName()) == ("run-0001", "run-0003")
    assert "'conv1': out_channels 16 → 9" in [row.words for row in dialog.rows]
    assert not dialog.take.isVisible()
    dialog.close()
    settle()
    panel.table.selectAll()
    settle()
    assert not panel.changes.isEnabled()


REPORT = {
    "run": "r",
    "name": "run-0001",
    "checkpoint": "best",
    "epoch": 5,
    "metrics": {"val/loss": 0.5},
    "numbers": {},
    "items": [
        {
            "state": state,
            "network": "" if state == "lost" else "main",
            "name": "" if state == "lost" else name,
            "was_network": "main",
            "was": name,
            "part": f"main.{name.rpartition('.')[0]}",
            "numbers": count,
            "grown": grown,
            "reason": reason,
        }
        for state, name, count, grown, reason in (
            ("kept", "stem.weight", 10, False, ""),
            ("kept", "block.0.conv.weight", 20, False, ""),
            ("kept", "block.1.conv.weight", 30, False, ""),
            ("new", "head.weight", 40, True, "4×4 in the run, 4×10 now."),
            ("lost", "gone.weight", 5, False, "It is no longer there."),
        )
    ],
}


def item(dialog: StartDialog, text: str) -> QTreeWidgetItem:
    flags = Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive
    return dialog.tree.findItems(text, flags)[0]


def untick(dialog: StartDialog, text: str) -> None:
    found = item(dialog, text)
    dialog.tree.scrollToItem(found)
    dialog.tree.setCurrentItem(found)
    QTest.keyClick(dialog.tree, Qt.Key.Key_Space)


def test_starting_from_a_run_part_by_part(hand: WindowHand) -> None:
    hand.open()
    folder = make_runs(hand)
    click(hand.bench.runs, "run-0001")
    hand.press(hand.bench.runs.start)
    dialog = hand.window.findChild(StartDialog)
    assert dialog is not None
    assert not dialog.start.isEnabled()
    asked = hand.client.answer("carry", result=REPORT)
    settle()
    assert asked["from"] == {"run": str(folder / "run-0001")}
    assert asked["project"]["graphs"]
    assert dialog.total.text() == "Values: 60 kept, 40 new, 5 lost."
    assert item(dialog, "head").text(3) == "4×4 in the run, 4×10 now."
    assert item(dialog, "main.gone").text(1) == "lost"
    dialog.tree.expandAll()
    untick(dialog, "0")
    assert item(dialog, "block").checkState(0) == Qt.CheckState.PartiallyChecked
    assert item(dialog, "conv").text(1) == "new"
    assert dialog.kept_parts() == ["main.stem", "main.block.1", "main.head"]
    QTest.mouseClick(dialog.widen, LEFT)
    assert dialog.total.text() == "Values: 40 kept, 40 widened, 20 new, 5 lost."
    QTest.mouseClick(dialog.start, LEFT)
    settle()
    [(_, params, _)] = hand.client.waiting("train")
    assert params["from"] == {
        "run": str(folder / "run-0001"),
        "keep": ["main.stem", "main.block.1", "main.head"],
        "widen": True,
    }
    assert params["resume"] is False
    assert hand.session.run is not None
    assert hand.window.findChild(StartDialog) is None


def test_all_ticked_keeps_all_and_an_error_is_told(hand: WindowHand) -> None:
    from netbuilder.errors import RunError

    hand.open()
    make_runs(hand)
    hand.window.run_deeds.start_from(hand.session.runs_folder() / "run-0001")
    dialog = hand.window.findChild(StartDialog)
    assert dialog is not None
    hand.client.answer("carry", result=REPORT)
    settle()
    assert dialog.kept_parts() is None
    untick(dialog, "main")
    assert dialog.kept_parts() == []
    assert dialog.total.text() == "Values: 100 new, 5 lost."
    dialog.close()
    settle()
    hand.window.run_deeds.start_from(hand.session.runs_folder() / "run-0002")
    dialog = hand.window.findChild(StartDialog)
    assert dialog is not None
    hand.client.answer("carry", error=RunError("It has no weights.", "Train it."))
    settle()
    assert dialog.waiting.text.text() == "It has no weights. Train it."
    assert not dialog.start.isEnabled()
    dialog.close()
    settle()


def test_a_run_with_the_same_project_has_no_changes(hand: WindowHand) -> None:
    hand.open()
    folder = hand.session.runs_folder()
    run = folder / "run-001"
    run.mkdir(parents=True)
    (run / "project.netb").write_text(format.dumps(hand.session.document), encoding="utf-8")
    hand.window.run_deeds.compare([run])
    dialog = hand.window.findChild(ComparisonWindow)
    assert dialog is not None
    assert dialog.rows == []
    assert not dialog.list.isVisible()
    dialog.close()
    settle()

"""Making a run's network smaller from the Runs panel: asked of the worker, shown as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from netbuilder.app import smaller
from netbuilder.errors import ExportError
from netbuilder.gui.asking.smaller_dialog import SmallerDialog
from netbuilder.storage import format
from netbuilder.training import artifacts
from netbuilder.training.records.folder import RunFolder
from tests.gui.window_hand import WindowHand, settle, wait_for


def row(run: Path, name: str, size: int, **more: Any) -> dict[str, Any]:
    """A row of the table, with its file."""
    (run / "artifacts").mkdir(exist_ok=True)
    (run / "artifacts" / f"{name}.onnx").write_bytes(bytes(size))
    return {
        "name": name,
        "file": f"{name}.onnx",
        "kind": name,
        "bytes": size,
        "packed_bytes": size // 2,
        "parameters": 1000,
        "zeros": 0,
        "metrics": {"val/accuracy": 0.9876},
        "latency_ms": {"1": 0.0123, "64": 1.5},
        "against": None if name == "fp32" else "fp32",
        "network": "main",
        "project": None,
        **more,
    }


@pytest.fixture
def run(hand: WindowHand) -> Path:
    hand.open()
    project = format.dumps(hand.session.document).encode()
    path = hand.session.runs_folder() / "run-7"
    RunFolder.create(path, project)
    return path


def dialog_of(hand: WindowHand, run: Path) -> SmallerDialog:
    hand.bench.show_panel("runs")
    hand.bench.runs.load(run.parent)
    settle()
    hand.bench.runs.table.selectRow(0)
    hand.bench.runs._fill_menu()
    [action] = [a for a in hand.bench.runs.menu.actions() if a.text() == "Make it smaller…"]
    action.trigger()
    settle()
    return hand.window.findChildren(SmallerDialog)[-1]


def press(button: Any) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    settle()


def shown(dialog: SmallerDialog) -> list[list[str]]:
    table = dialog.table
    items = [
        [table.item(at, place) for place in range(table.columnCount())]
        for at in range(table.rowCount())
    ]
    return [[item.text() if item is not None else "" for item in line] for line in items]


def test_files_appear_as_they_are_made(hand: WindowHand, run: Path) -> None:
    dialog = dialog_of(hand, run)
    assert shown(dialog) == []
    dialog.structured.setChecked(True)
    dialog.structured_share.setValue(25)
    press(dialog.make)
    ((_, params, _),) = hand.client.waiting("shrink")
    asked = {key: params[key] for key in ("network", "fp16", "int8", "prune", "structured")}
    assert asked == {
        "network": "main",
        "fp16": True,
        "int8": True,
        "prune": None,
        "structured": 0.25,
    }
    assert params["run"] == str(run)
    assert dialog.progress.isVisible()
    assert not dialog.make.isEnabled()
    rows = [row(run, "fp32", 42_000), row(run, "fp16", 21_000)]
    artifacts.keep(run, rows)
    wait_for(lambda: len(shown(dialog)) == 2, 60)
    assert dialog.verdict.text() == "2 of 8 files: fp16 is there."
    made = row(run, "structured-25", 30_000, project="structured-25.netb", zeros=500)
    artifacts.keep(run, [made])
    refused = [{"name": "int8", "message": "It departs.", "hint": "Choose another."}]
    stays = [{"name": "head", "reason": "it is what its graph gives."}]
    answer = {"rows": [*rows, made], "refused": refused, "stays": stays}
    hand.client.answer("shrink", result=answer)
    settle()
    lines = shown(dialog)
    assert lines[0] == [
        *("fp32", "42.0 KB", "", "21.0 KB", "1,000", "0.988", "12.3 µs", "1.5 ms"),
    ]
    assert lines[1][1:3] == ["21.0 KB", "−50 %"]
    assert lines[2][4] == "1,000 (50 % zero)"
    assert dialog.verdict.text() == (
        "3 files made. int8: It departs. Choose another. "
        "Left whole: head (it is what its graph gives)."
    )
    assert not dialog.progress.isVisible()
    assert dialog.make.isEnabled()
    dialog.table.selectRow(0)
    settle()
    assert not dialog.open_project.isEnabled()
    dialog.table.selectRow(2)
    settle()
    wanted: list[Path] = []
    dialog.project_wanted.disconnect()
    dialog.project_wanted.connect(wanted.append)
    press(dialog.open_project)
    assert wanted == [run / "artifacts" / "structured-25.netb"]


def test_what_is_under_way_is_stopped_and_nothing_to_do_is_not_begun(
    hand: WindowHand, run: Path
) -> None:
    dialog = dialog_of(hand, run)
    press(dialog.make)
    artifacts.keep(run, [row(run, "fp32", 42_000)])
    press(dialog.close_button)
    assert hand.client.waiting("stop")
    assert dialog.isVisible()
    assert dialog.verdict.text() == "Stopping…"
    # That is said of the file it was at: the one before is there.
    hand.client.answer("shrink", error=ExportError("It was cancelled; nothing was written."))
    settle()
    assert dialog.verdict.text() == "Stopped. 1 of 4 files were made before."
    header = dialog.table.horizontalHeader()
    assert header.sectionSize(0) > header.sectionSize(header.count() - 1)
    press(dialog.make)
    hand.client.answer("shrink", error=ExportError("It departs.", "Look."))
    settle()
    assert dialog.verdict.text() == "It departs. Look."
    for one in (dialog.fp16, dialog.int8):
        one.setChecked(False)
    assert not dialog.make.isEnabled()
    dialog.prune.setChecked(True)
    assert dialog.make.isEnabled()
    press(dialog.close_button)
    assert not hand.window.findChildren(SmallerDialog)


def test_closing_the_dialog_calls_it_off(hand: WindowHand, run: Path) -> None:
    dialog = dialog_of(hand, run)
    press(dialog.make)
    dialog.close()
    settle()
    assert hand.client.waiting("stop")
    # Nobody is there for the answer.
    hand.client.answer("shrink", result={"rows": []})
    settle()


def test_a_table_that_others_wrote_is_read_with_care(run: Path) -> None:
    whole = row(run, "fp32", 10)
    foreign = row(run, "x", 5, project="../../elsewhere.netb")
    folder = run / "artifacts"
    text = json.dumps([whole, foreign, 5, {"name": "no more"}])
    (folder / "table.json").write_text(text)
    _, lines = smaller.table(run)
    assert [line.name for line in lines] == ["fp32", "x"]
    assert lines[1].project is None

"""The Runs panel by keys and mouse: columns, order, filter, ticks, notes, pins, deleting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from benchmarks import runs_table
from netbuilder.app import run_care, run_table
from netbuilder.gui.asking.dialogs import Message
from netbuilder.gui.runs.run_model import NAME, NOTE, PIN
from netbuilder.gui.runs.run_reading import AT_ONCE
from netbuilder.gui.runs.runs_panel import RunsPanel
from tests.gui.window_hand import LEFT, settle, wait_for


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "p.runs"
    runs_table.make(place, 8)
    return place


@pytest.fixture
def panel(folder: Path, qapp: QApplication) -> Iterator[RunsPanel]:
    made = RunsPanel()
    made.resize(900, 320)
    made.load(folder)
    made.show()
    QTest.qWaitForWindowExposed(made)
    settle()
    yield made
    made.close()
    made.deleteLater()
    settle()
    # pytest keeps the panel until after the check for leaks.
    vars(made).clear()


def names(panel: RunsPanel) -> list[str]:
    return [run.name for run in panel.model.shown]


def cell(panel: RunsPanel, run: str, key: str) -> QPoint:
    """The middle of a cell, scrolled to."""
    index = panel.model.index(names(panel).index(run), panel.model.column_of(key))
    panel.table.scrollTo(index)
    return panel.table.visualRect(index).center()


def click(panel: RunsPanel, run: str, key: str = "status") -> None:
    QTest.mouseClick(
        panel.table.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, cell(panel, run, key)
    )
    settle()


def click_header(panel: RunsPanel, key: str) -> None:
    header = panel.table.horizontalHeader()
    at = panel.model.column_of(key)
    panel.table.scrollTo(panel.model.index(0, at))
    place = QPoint(header.sectionViewportPosition(at) + 12, header.height() // 2)
    QTest.mouseClick(header.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, place)
    settle()


def answer_dialog(choice: int) -> list[str]:
    """Press a choice of the next question; what it asked."""
    asked: list[str] = []

    def press() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, Message)
        asked.append(dialog.title.text())
        QTest.mouseClick(dialog.choices[choice], LEFT)

    QTimer.singleShot(0, press)
    return asked


def test_a_click_on_a_header_sorts_and_pinned_runs_stay_on_top(panel: RunsPanel) -> None:
    assert names(panel) == [f"run-{n:04d}" for n in range(8, 0, -1)]
    click_header(panel, "optimizer.lr")
    rates = [run.settings["optimizer.lr"] for run in panel.model.shown]
    down = sorted(rates, key=lambda rate: -float(str(rate)))
    assert rates in (down, down[::-1])
    click_header(panel, "optimizer.lr")
    again = [run.settings["optimizer.lr"] for run in panel.model.shown]
    assert again == rates[::-1]
    last = names(panel)[-1]
    click(panel, last, PIN)
    assert names(panel)[0] == last
    assert json.loads((panel.reading.folder / last / "notes.json").read_text()) == {"pinned": True}
    click_header(panel, "optimizer.lr")
    assert names(panel)[0] == last
    click(panel, last, PIN)
    assert not run_table.row(panel.reading.folder / last).pinned


def test_only_settings_that_differ_between_the_shown_runs_are_columns(panel: RunsPanel) -> None:
    keys = {column.key for column in panel.model.columns}
    assert {"optimizer.lr", "batch_size", "epochs", "val/loss", "val/accuracy"} <= keys
    assert not keys & {"optimizer.kind", "seed", "data.source"} or "data.source" not in keys
    QTest.keyClicks(panel.filter, "run-0003")
    settle()
    assert names(panel) == ["run-0003"]
    assert "optimizer.lr" not in {column.key for column in panel.model.columns}
    assert panel.count.text() == "1 of 8"


def test_a_filter_keeps_the_choice_and_says_what_nobody_has(panel: RunsPanel) -> None:
    click(panel, "run-0003")
    accuracy = sorted(run.metrics["val/accuracy"] or 0 for run in panel.model.runs)[4]
    QTest.keyClicks(panel.filter, f"accuracy>={accuracy}")
    settle()
    assert len(panel.model.shown) == 4
    assert all((run.metrics["val/accuracy"] or 0) >= accuracy for run in panel.model.shown)
    panel.filter.clear()
    assert len(panel.model.shown) == 8
    QTest.keyClicks(panel.filter, "nonsense>3")
    assert panel.count.text() == "No run has 'nonsense'"
    QTest.keyClick(panel.filter, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(panel.filter, Qt.Key.Key_Delete)
    click(panel, "run-0004")
    panel.load(panel.reading.folder)
    assert [run.name for run in panel.chosen()] == ["run-0004"]


def test_ticked_runs_lay_their_curves_over_one_another(panel: RunsPanel) -> None:
    click(panel, "run-0002")
    QTest.keyClick(panel.table, Qt.Key.Key_Space)
    assert panel.curves is not None
    assert set(panel.curves.plot.curves) == {"run-0002"}
    click(panel, "run-0005")
    QTest.keyClick(panel.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(panel.table, Qt.Key.Key_Space)
    settle()
    assert set(panel.curves.plot.curves) == {"run-0002", "run-0005", "run-0004"}
    hues = set(panel.model.ticked.values())
    assert len(hues) == 3
    assert panel.curves.chosen_metric.currentText() == "val/loss"
    steps = panel.curves.plot.curves["run-0002"].series.steps.all
    assert list(steps) == [1, 2, 3, 4, 5]
    QTest.keyClick(panel.curves.course, Qt.Key.Key_Down)
    assert list(panel.curves.plot.curves["run-0002"].series.steps.all) == [20, 40, 60, 80, 100]
    QTest.keyClick(panel.table, Qt.Key.Key_Space)
    assert set(panel.curves.plot.curves) == {"run-0002"}
    box = cell(panel, "run-0002", NAME)
    rect = panel.table.visualRect(panel.table.indexAt(box))
    place = QPoint(rect.left() + 14, rect.center().y())
    QTest.mouseClick(panel.table.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, place)
    settle()
    assert panel.model.ticked == {}
    assert panel.curves.isHidden()


def test_a_resumed_runs_curve_has_each_epoch_once(panel: RunsPanel) -> None:
    run = panel.reading.folder / "run-0001"
    with open(run / "events.jsonl", "a") as events:
        events.write("{torn\n")
        for epoch in (3, 4):
            line = {"seq": 9, "time": 1, "event": "epoch", "epoch": epoch, "step": 20 * epoch}
            events.write(json.dumps({**line, "values": {"val/loss": 9.0}}) + "\n")
    click(panel, "run-0001")
    QTest.keyClick(panel.table, Qt.Key.Key_Space)
    assert panel.curves is not None
    series = panel.curves.plot.curves["run-0001"].series
    assert list(series.steps.all) == [1, 2, 3, 4]


def test_a_note_is_written_in_the_table(panel: RunsPanel) -> None:
    click(panel, "run-0006")
    QTest.keyClick(panel.table, Qt.Key.Key_F2)
    editor = panel.table.findChild(QLineEdit)
    assert editor is not None
    QTest.keyClicks(editor, "more dropout")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    settle()
    assert run_table.row(panel.reading.folder / "run-0006").note == "more dropout"
    at = panel.model.index(names(panel).index("run-0006"), panel.model.column_of(NOTE))
    assert at.data() == "more dropout"


def test_a_run_that_goes_on_disturbs_nobody(panel: RunsPanel) -> None:
    run = panel.reading.folder / "run-0005"
    click(panel, "run-0005")
    QTest.keyClick(panel.table, Qt.Key.Key_F2)
    editor = panel.table.findChild(QLineEdit)
    assert editor is not None
    QTest.keyClicks(editor, "half a no")
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "epoch": 77}))
    panel.reading._loaded = float("-inf")
    panel.follow(panel.reading.folder)
    QTest.keyClicks(editor, "te")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    settle()
    found = next(row for row in panel.model.shown if row.path == run)
    assert (found.note, found.epoch) == ("half a note", 77)
    (run / "status.json").write_text(json.dumps({**status, "epoch": 78}))
    panel.follow(panel.reading.folder)
    assert next(row for row in panel.model.shown if row.path == run).epoch == 77
    panel.reading._loaded = float("-inf")
    panel.follow(panel.reading.folder)
    assert next(row for row in panel.model.shown if row.path == run).epoch == 78
    # The keys go on where they were.
    QTest.keyClick(panel.table, Qt.Key.Key_Down)
    assert [row.name for row in panel.chosen()] == ["run-0004"]


def test_deleted_runs_can_be_put_back(panel: RunsPanel) -> None:
    click(panel, "run-0003")
    asked = answer_dialog(1)
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    assert asked == ["Delete run-0003?"]
    assert len(names(panel)) == 8
    answer_dialog(0)
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    settle()
    assert "run-0003" not in names(panel)
    assert [path.name for path in run_care.in_trash(panel.reading.folder)] == ["run-0003"]
    QTest.mouseClick(panel.trash.undo, LEFT)
    assert "run-0003" in names(panel)
    assert not panel.trash.undo.isVisible()


def test_a_run_that_is_trained_is_not_deleted(panel: RunsPanel) -> None:
    run = panel.reading.folder / "run-0003"
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps({**status, "status": "running"}))
    panel.load(panel.reading.folder)
    heard: list[str] = []
    panel.refused.connect(heard.append)
    click(panel, "run-0003")
    answer_dialog(0)
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    assert heard == ["'run-0003' is being trained. Stop it first."]
    assert run.exists()


def test_the_menu_empties_the_trash_and_copies_paths(panel: RunsPanel) -> None:
    click(panel, "run-0002")
    answer_dialog(0)
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    panel.menu.aboutToShow.emit()
    actions = {action.text(): action for action in panel.menu.actions()}
    answer_dialog(0)
    actions["Empty the trash (1)…"].trigger()
    assert run_care.in_trash(panel.reading.folder) == []
    click(panel, "run-0001")
    panel.menu.aboutToShow.emit()
    {action.text(): action for action in panel.menu.actions()}["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == str(panel.reading.folder / "run-0001")


def test_why_a_run_ended_before_its_time_is_told_when_it_is_chosen(
    panel: RunsPanel, folder: Path
) -> None:
    known = folder / names(panel)[0] / "status.json"
    error = {"message": "The loss is NaN.", "hint": "Lower the rate."}
    status = json.loads(known.read_text())
    known.write_text(json.dumps({**status, "status": "failed", "error": error}))
    panel.load(folder)
    name = known.parent.name
    click(panel, name)
    assert panel.verdict.isVisible()
    assert panel.verdict.text() == "The loss is NaN. Lower the rate."
    at = panel.model.index(names(panel).index(name), panel.model.column_of("status"))
    assert "failed: The loss is NaN." in str(panel.model.data(at, Qt.ItemDataRole.ToolTipRole))
    click(panel, next(each for each in names(panel) if each != name))
    assert panel.verdict.isHidden()


def test_actions_fit_what_is_chosen(panel: RunsPanel) -> None:
    assert not panel.open.isEnabled()
    click(panel, "run-0001")
    assert panel.open.isEnabled()
    assert panel.start.isEnabled()
    assert not panel.resume.isEnabled()
    QTest.keyClick(panel.table, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert not panel.open.isEnabled()
    assert panel.more.isEnabled()


def test_many_runs_are_read_while_the_window_goes_on(tmp_path: Path, qapp: QApplication) -> None:
    runs_table.make(tmp_path, AT_ONCE + 5)
    panel = RunsPanel()
    panel.load(tmp_path)
    panel.load(tmp_path)
    assert panel.model.rowCount() == 0
    wait_for(lambda: panel.model.rowCount() == AT_ONCE + 5 and not panel.reading._reading)
    panel.deleteLater()
    settle()


def test_a_run_of_which_nothing_can_be_read_is_listed_all_the_same(
    panel: RunsPanel, folder: Path
) -> None:
    run = folder / "run-0099"
    run.mkdir()
    (run / "project.netb").write_bytes(b"\xff\x00 no project")
    panel.load(folder)
    assert "run-0099" in names(panel)

"""Choosing the computer that trains."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.app.settings import SettingsStore
from netbuilder.gui.asking.worker_dialog import WorkerDialog


def test_what_is_typed_is_kept_and_can_be_taken_back(qapp: QApplication, tmp_path: Path) -> None:
    store = SettingsStore(tmp_path / "settings.json")
    dialog = WorkerDialog(store, None)
    dialog.open()
    QTest.keyClicks(dialog.line, " ssh far netbuilder worker ")
    QTest.keyClick(dialog.line, Qt.Key.Key_Return)
    assert store.value.worker == "ssh far netbuilder worker"
    assert SettingsStore(tmp_path / "settings.json").value.worker == store.value.worker
    again = WorkerDialog(store, None)
    again.open()
    again.line.clear()
    QTest.keyClick(again.line, Qt.Key.Key_Escape)
    assert store.value.worker, "Escape keeps what was"
    last = WorkerDialog(store, None)
    last.open()
    last.line.clear()
    QTest.mouseClick(last.keep, Qt.MouseButton.LeftButton)
    assert store.value.worker == ""

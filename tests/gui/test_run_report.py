"""A run's report is saved from the Runs panel."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from netbuilder.storage import format
from netbuilder.training.records.folder import RunFolder
from tests.gui.window_hand import WindowHand, settle


def test_a_report_is_saved_from_the_menu_of_a_run(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.open()
    project = format.dumps(hand.session.document).encode()
    RunFolder.create(hand.session.runs_folder() / "run-7", project)
    hand.bench.show_panel("runs")
    hand.bench.runs.load(hand.session.runs_folder())
    settle()
    out = tmp_path / "r"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(out), ""))
    hand.bench.runs.table.selectRow(0)
    hand.bench.runs._fill_menu()
    [action] = [a for a in hand.bench.runs.menu.actions() if a.text() == "Save a report…"]
    assert action.isEnabled()
    action.trigger()
    settle()
    assert "run-7" in out.with_suffix(".html").read_text()

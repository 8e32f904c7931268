"""Weights of a file come into the open project by a dialog that shows what goes where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from netbuilder.errors import DocumentError
from netbuilder.gui.asking.weights_dialog import WeightsDialog
from tests.gui.window_hand import LEFT, WindowHand, settle

ENTRY = {"file": "theirs.safetensors", "sha256": "0" * 64}


def answer(**more: Any) -> dict[str, Any]:
    items = [
        {"state": "renamed", "key": "conv1.weight", "source": "module.conv1.weight"},
        {"state": "missing", "key": "conv1.bias", "source": ""},
        {"state": "spare", "key": "", "source": "bad\nname"},
    ]
    shapes = {"wanted": [8, 1, 3, 3], "found": [8, 1, 3, 3], "why": ""}
    return {
        "network": "main",
        "items": [{**item, **shapes} for item in items],
        "counts": {"renamed": 1, "missing": 1, "spare": 1},
        "matched": 1,
        "of": 2,
        "prefix": "module.",
        "in_order": 1,
        "notes": [],
        **more,
    }


def saved(hand: WindowHand, folder: Path) -> None:
    hand.open()
    hand.window.projects.save_to(folder / "net.netb")
    settle()


def opened(hand: WindowHand, path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsDialog:
    saved(hand, path.parent)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(path), ""))
    hand.command("file.weights")
    settle()
    return hand.window.findChildren(WeightsDialog)[-1]


def test_what_fits_is_shown_and_taken_in_one_step(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opened(hand, tmp_path / "theirs.pt", monkeypatch)
    assert not dialog.take.isEnabled()
    params = hand.client.answer("weights", result=answer())
    settle()
    assert params["path"] == str(tmp_path / "theirs.pt")
    assert params["folder"] == str(tmp_path)
    assert params["network"] == "main"
    assert "1 of 2" in dialog.about.text()
    rows = [dialog.tree.topLevelItem(at) for at in range(dialog.tree.topLevelItemCount())]
    assert [row.text(3) for row in rows if row] == ["taken", "stays as it is", "has no place"]
    assert rows[2] is not None
    assert rows[2].text(1) == "bad?name"
    assert dict(hand.session.document.project.weights) == {}
    QTest.mouseClick(dialog.take, LEFT)
    assert hand.client.answer("weights", result=answer(entry=ENTRY))["take"] is True
    settle()
    assert hand.session.document.project.weights["main"] == ENTRY
    hand.command("edit.undo")
    assert dict(hand.session.document.project.weights) == {}


def test_a_guess_is_asked_for(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opened(hand, tmp_path / "theirs.pt", monkeypatch)
    hand.client.answer("weights", result=answer())
    settle()
    dialog.by_order.setFocus()
    QTest.keyClick(dialog.by_order, Qt.Key.Key_Space)
    assert not dialog.take.isEnabled()
    assert hand.client.answer("weights", result=answer(in_order=0))["by_order"] is True
    settle()
    assert dialog.by_order.isVisible()
    assert dialog.take.isEnabled()


def test_a_file_that_is_refused_says_why(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opened(hand, tmp_path / "theirs.pt", monkeypatch)
    hand.client.answer("weights", error=DocumentError("It asks for code.", "Save it again."))
    settle()
    assert "It asks for code. Save it again." in dialog.waiting.text.text()
    assert not dialog.take.isEnabled()


def test_an_answer_to_a_closed_dialog_changes_nothing(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opened(hand, tmp_path / "theirs.pt", monkeypatch)
    hand.client.answer("weights", result=answer())
    settle()
    QTest.mouseClick(dialog.take, LEFT)
    dialog.close()
    settle()
    hand.client.answer("weights", result=answer(entry=ENTRY))
    settle()
    assert dict(hand.session.document.project.weights) == {}


def test_a_project_without_a_place_is_saved_first(
    hand: WindowHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.open()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: pytest.fail("asked"))
    hand.command("file.weights")
    assert not hand.window.findChildren(WeightsDialog)


def test_a_dropped_file_is_looked_at(hand: WindowHand, tmp_path: Path) -> None:
    saved(hand, tmp_path)
    path = tmp_path / "theirs.safetensors"
    path.write_bytes(b"")
    hand.window.bring_data.take(path)
    settle()
    assert hand.client.waiting("weights")

"""A model of others becomes a project in the window: chosen in the menu or dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

import netbuilder as nb
from netbuilder.errors import DocumentError
from tests.gui.window_hand import WindowHand, settle


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The model that is chosen, and the place of the project."""
    model, out = tmp_path / "net.onnx", tmp_path / "net.netb"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a, **k: (str(model), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(out), ""))
    return model, out


@pytest.mark.parametrize("dropped", [False, True])
def test_a_model_is_imported_and_opened(
    dropped: bool, hand: WindowHand, paths: tuple[Path, Path]
) -> None:
    """The worker writes the project; the window opens it and says what came of it."""
    model, out = paths
    if dropped:
        hand.window.bring_data.take(model)
    else:
        hand.command("file.import")
    settle()
    nb.template("digits_cnn").save(out)
    result = {"verified": True, "unsupported": []}
    params = hand.client.answer("import", result=result)
    assert params == {"path": str(model), "out": str(out)}
    settle()
    assert hand.session.path == out
    assert "computes the same" in hand.window.status.notice.text()


def test_what_is_missing_is_told(hand: WindowHand, paths: tuple[Path, Path]) -> None:
    """An import that is not verified is opened, and says why."""
    hand.command("file.import")
    settle()
    nb.template("digits_cnn").save(paths[1])
    missing = [{"op": "onnx.NonZero", "count": 1}]
    hand.client.answer("import", result={"verified": False, "unsupported": missing})
    settle()
    assert hand.session.path == paths[1]
    assert "onnx.NonZero" in hand.window.status.notice.text()


def test_a_refusal_leaves_the_window_as_it_was(hand: WindowHand, paths: tuple[Path, Path]) -> None:
    """The text is the one of the reader."""
    hand.command("file.import")
    settle()
    hand.client.answer("import", error=DocumentError("It is no ONNX file."))
    settle()
    assert "no ONNX file" in hand.window.status.notice.text()
    assert not hand.window.has_project()

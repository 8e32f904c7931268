"""Without a mouse, with the real worker: from an empty window to a verified ONNX file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.gui.asking.export_dialog import ExportDialog
from tests.gui.test_whole_way import RealHand
from tests.gui.window_hand import settle
from tests.keyboard_way import DRAW, EXPORT, TRAIN, WAY, presses

ROOT = Path(__file__).parents[2]


class KeyboardHand(RealHand):
    """Presses keys where the focus is, and nothing else."""

    def follow(self, steps: list[str]) -> None:
        for step in steps:
            if step == "F4":
                # What is known changes the form: the keys must lead to the same fields.
                self.wait(lambda: not self.session.analysing)
            target = QApplication.focusWidget() or QApplication.activePopupWidget()
            target = target or self.window
            if step.startswith("'"):
                QTest.keyClicks(target, step[1:])
            elif step.startswith("~"):
                self.wait_until(step[1:])
            else:
                chord = QKeySequence(step)[0]  # type: ignore[index]
                QTest.keyClick(target, chord.key(), chord.keyboardModifiers())
            settle()

    def wait_until(self, what: str) -> None:
        match what:
            case "can train":
                self.wait(self.window.runner.can_train)
            case "trained":
                self.wait(lambda: self.window.runner.status() == "finished", 180)
            case "exported":
                dialog = self.window.findChild(ExportDialog)
                assert isinstance(dialog, ExportDialog)
                self.wait(lambda: dialog.progress.isHidden(), 120)
                assert dialog.verdict.text().startswith("Written and verified.")


@pytest.fixture
def real(
    qapp: QApplication, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[KeyboardHand]:
    monkeypatch.setenv("HOME", str(tmp_path))
    hand = KeyboardHand()
    hand.window.activateWindow()
    yield hand
    hand.close()


@pytest.mark.timeout(240)
def test_the_digits_by_keyboard_alone(real: KeyboardHand, tmp_path: Path) -> None:
    real.follow(DRAW)
    network = real.session.document.of_kind("network")[0]
    assert [node.name for node in network.ordered()] == [
        "input",
        "conv2d",
        "relu",
        "max_pool2d",
        "flatten",
        "linear",
        "output",
    ]
    assert len(network.wires) == 6
    conv = network.named("conv2d")
    assert conv is not None
    assert conv.params == {"out_channels": 16, "kernel_size": 3, "padding": 1}
    real.follow(TRAIN)
    run = real.session.run
    assert run is not None
    assert (run.metrics["val/accuracy"] or 0) > 0.85
    real.follow([*EXPORT, "Escape"])
    assert (tmp_path / "untitled.onnx").stat().st_size > 5_000
    assert real.window.findChild(ExportDialog) is None
    real.session.history.mark_saved()


def test_the_guide_counts_right() -> None:
    guide = (ROOT / "docs" / "first-network.md").read_text()
    assert f"{len(list(presses(WAY)))} presses of a key" in guide
    assert f"{len(list(presses(DRAW)))} of them draw it" in guide

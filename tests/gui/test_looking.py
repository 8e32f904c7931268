"""Measurements before a training: asked of the worker, shown, applied in one step to undo."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from netbuilder.errors import RunError
from netbuilder.gui.asking.looking_dialog import LookingDialog, RateDialog
from tests.gui.window_hand import WindowHand, settle

RATES = [10.0 ** (-5 + at / 10) for at in range(40)]
LOSSES = [2.0 - (0.03 * at if at > 15 else 0.0) for at in range(40)]
ANSWERS: dict[str, dict[str, Any]] = {
    "find_lr": {
        "step": "train",
        "rates": RATES,
        "losses": LOSSES,
        "smoothed": LOSSES,
        "suggestion": 0.02,
        "ended": "swept",
    },
    "find_batch": {
        "limit": 2**30,
        "device": "cpu",
        "largest": 128,
        "suggestion": 96,
        "table": [
            {
                "batch_size": size,
                "forecast": size * 1000,
                "measured": None if size == 128 else size * 2000,
                "samples_per_second": 1000.0,
                "failed": "",
            }
            for size in (64, 96, 128)
        ],
    },
    "tune": {
        "before": {"threads": 1, "channels_last": False, "compile": False},
        "best": {"threads": 2, "channels_last": False, "compile": False},
        "table": [
            {
                "threads": threads,
                "channels_last": False,
                "compile": False,
                "samples_per_second": 100.0 * threads,
                "ratio": float(threads),
                "failed": "",
            }
            for threads in (1, 2)
        ],
    },
}


def open_dialog(hand: WindowHand, what: str) -> LookingDialog:
    hand.open()
    hand.report()
    hand.command(f"run.{what}")
    settle()
    found = QApplication.activeModalWidget() or hand.window.findChildren(LookingDialog)[-1]
    assert isinstance(found, LookingDialog)
    return found


def answer(hand: WindowHand, what: str, **reply: Any) -> None:
    hand.client.answer(what, **reply)
    settle()


def values(hand: WindowHand) -> tuple[Any, Any]:
    document = hand.session.document
    return dict(document.project.training), document.of_kind("step")[0].info.settings


@pytest.mark.parametrize("what", ANSWERS)
def test_what_is_found_is_applied_in_one_step(hand: WindowHand, what: str) -> None:
    dialog = open_dialog(hand, what)
    before = values(hand)
    assert not dialog.apply.isEnabled()
    answer(hand, what, result=ANSWERS[what])
    assert dialog.apply.isEnabled()
    assert dialog.verdict.text()
    QTest.mouseClick(dialog.apply, Qt.MouseButton.LeftButton)
    settle()
    training, step = values(hand)
    match what:
        case "find_lr":
            assert step["optimizer"]["lr"] == 0.02
        case "find_batch":
            assert training["batch_size"] == 96
        case "tune":
            assert training["threads"] == 2
    hand.command("edit.undo")
    assert values(hand) == before


def test_weights_of_classes_go_into_the_loss(hand: WindowHand) -> None:
    dialog = open_dialog(hand, "weigh_classes")
    step = hand.session.document.of_kind("step")[0]
    loss = next(node for node in step.ordered() if node.layer == "torch.nn.CrossEntropyLoss")
    weights = [0.5, 2.0]
    found = {
        "field": "label",
        "classes": ["a", "b"],
        "counts": [4, 1],
        "weights": weights,
        "losses": [{"graph": step.id, "node": loss.id, "name": loss.name}],
    }
    answer(hand, "weigh_classes", result=found)
    QTest.mouseClick(dialog.apply, Qt.MouseButton.LeftButton)
    settle()
    assert list(step.nodes[loss.id].params["weight"]) == weights
    hand.command("edit.undo")
    assert "weight" not in step.nodes[loss.id].params


def test_a_click_takes_another_rate(hand: WindowHand) -> None:
    dialog = open_dialog(hand, "find_lr")
    assert isinstance(dialog, RateDialog)
    answer(hand, "find_lr", result=ANSWERS["find_lr"])
    QTest.mouseClick(
        dialog.curve, Qt.MouseButton.LeftButton, pos=QPoint(dialog.curve.width() // 2, 60)
    )
    chosen = float(dialog.rate.text())
    assert RATES[0] < chosen < RATES[-1]
    assert chosen != 0.02
    assert not dialog.grab().isNull()
    QTest.mouseClick(dialog.apply, Qt.MouseButton.LeftButton)
    settle()
    assert values(hand)[1]["optimizer"]["lr"] == chosen


def test_without_a_suggestion_there_is_nothing_to_apply(hand: WindowHand) -> None:
    dialog = open_dialog(hand, "find_lr")
    answer(hand, "find_lr", result={**ANSWERS["find_lr"], "suggestion": None})
    assert not dialog.apply.isEnabled()
    assert "nothing to apply" in dialog.verdict.text()


def test_an_error_is_said_and_it_can_be_tried_again(hand: WindowHand) -> None:
    dialog = open_dialog(hand, "find_batch")
    answer(hand, "find_batch", error=RunError("A training is running already.", "Stop it first."))
    assert dialog.verdict.text() == "A training is running already. Stop it first."
    assert not dialog.apply.isEnabled()
    QTest.mouseClick(dialog.again, Qt.MouseButton.LeftButton)
    answer(hand, "find_batch", result=ANSWERS["find_batch"])
    assert dialog.apply.isEnabled()


def test_closing_it_stops_the_measurement(hand: WindowHand) -> None:
    dialog = open_dialog(hand, "tune")
    waiting = hand.client.waiting("tune")
    assert waiting
    QTest.mouseClick(dialog.close_button, Qt.MouseButton.LeftButton)
    settle()
    assert hand.client.waiting("stop")
    # What it had found until then is shown; the dialog stays.
    answer(hand, "tune", result=ANSWERS["tune"])
    assert dialog.isVisible()
    assert dialog.findChildren(QLabel)
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    settle()

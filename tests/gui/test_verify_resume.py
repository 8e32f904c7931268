"""What a failed training offers by one click, and the check that a stopped one goes on exactly."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtWidgets import QPushButton

from netbuilder.errors import RunError
from netbuilder.gui.asking.dialogs import Message
from tests.gui.window_hand import WindowHand, settle

HALVE = {
    "title": "Halve the batch and accumulate 2",
    "operation": "set_training",
    "arguments": {"values": {"batch_size": 32, "accumulate": 2}},
}
FULL = {"message": "Out of memory, with batches of 64 samples.", "hint": "", "fixes": [HALVE]}
EXACT: dict[str, Any] = {
    "exact": True,
    "steps": 20,
    "stopped_at": 10,
    "compared": {"losses": 20, "metrics": 4, "tensors": 31, "values": 9},
    "first_difference": None,
}


def test_out_of_memory_is_mended_by_one_click(hand: WindowHand) -> None:
    hand.open()
    hand.command("run.train")
    hand.event(1, "started", epochs=5, steps=100)
    before = dict(hand.session.document.project.training)
    hand.event(2, "finished", status="failed", error=FULL)
    hand.client.answer("train", result={"status": "failed", "error": FULL, "warnings": []})
    settle()
    title = HALVE["title"]
    found = [b for b in hand.bench.training.findChildren(QPushButton) if b.text() == title]
    assert len(found) == 1
    hand.press(found[0])
    settle()
    training = hand.session.document.project.training
    assert (training["batch_size"], training["accumulate"]) == (32, 2)
    assert not found[0].isEnabled()
    hand.command("edit.undo")
    assert dict(hand.session.document.project.training) == before


@pytest.mark.parametrize(
    ("answer", "title", "words"),
    [
        ({"result": EXACT}, "It goes on exactly", "the same 20 losses, 4 metrics and 31 tensors"),
        (
            {
                "result": {
                    **EXACT,
                    "exact": False,
                    "first_difference": {
                        "step": 11,
                        "key": "train.loss",
                        "whole": 0.5,
                        "resumed": 0.25,
                    },
                    "hint": "Mend your layer.",
                }
            },
            "It does not go on exactly",
            "'train.loss' differs at batch 11: 0.5 without a stop, 0.25 with one.",
        ),
        (
            {"error": RunError("A training is running already.", "Stop it first.")},
            "It could not be tried",
            "Stop it first.",
        ),
    ],
    ids=["exact", "not exact", "refused"],
)
def test_the_check_tells_its_verdict(
    hand: WindowHand, answer: dict[str, Any], title: str, words: str
) -> None:
    hand.open()
    hand.command("run.verify_resume")
    assert "with and without a stop" in hand.window.status.notice.text()
    params = hand.client.answer("verify_resume", **answer)
    assert params["project"]["graphs"]
    settle()
    dialog = hand.dialog()
    assert isinstance(dialog, Message)
    assert dialog.title.text() == title
    assert words in dialog.text.text()
    hand.press(dialog.choices[-1])


def test_it_can_not_be_tried_while_something_is_in_the_way(hand: WindowHand) -> None:
    assert not hand.window.commands.actions["run.verify_resume"].isEnabled()

"""The keys of the guide under a real X server: from nothing to a verified ONNX file."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.e2e.test_real_window import Screen, pytestmark, saved, screen, wait
from tests.keyboard_way import DRAW

__all__ = ["pytestmark", "screen"]
"""Its fixture and its mark hold here too."""


def follow(screen: Screen, steps: list[str]) -> None:
    for step in steps:
        if step.startswith("'"):
            screen.type(step[1:])
        else:
            screen.key(step)


def trained(folder: Path) -> bool:
    """Whether a run in this folder is over."""
    return any(
        json.loads(path.read_text()).get("status") == "finished"
        for path in folder.rglob("status.json")
    )


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_the_digits_by_keyboard_alone(screen: Screen, tmp_path: Path) -> None:
    program = screen.start()
    window = screen.window("netbuilder")
    screen.do("windowactivate", "--sync", window)
    time.sleep(1.0)
    # The mouse rests at the edge: nothing is to depend on it.
    screen.move(1399, 899)
    begin, rest = DRAW[:1], DRAW[1:]
    follow(screen, begin)
    screen.window("Untitled")
    follow(screen, rest)

    file = tmp_path / "digits.netb"
    screen.key("ctrl+s")
    dialog = screen.window("Save the project")
    screen.do("windowactivate", "--sync", dialog)
    follow(screen, ["ctrl+a", f"'{file}", "Return"])
    wait(file.exists, "the saved file")
    project = saved(file)
    assert list(project["nodes"]) == [
        "input",
        "conv2d",
        "relu",
        "max_pool2d",
        "flatten",
        "linear",
        "output",
    ]
    assert len(project["wires"]) == 6

    # Train can't be pressed before the shapes are there.
    def training() -> bool:
        screen.key("ctrl+Return")
        return any(tmp_path.rglob("events.jsonl"))

    wait(training, "a training")
    wait(lambda: trained(tmp_path), "the end of the training", 120)
    follow(screen, ["ctrl+e"])
    export = screen.window("Export")
    screen.do("windowactivate", "--sync", export)
    follow(screen, ["Return"])
    out = tmp_path / "digits.onnx"
    wait(out.exists, "the exported file", 90)
    time.sleep(0.5)
    follow(screen, ["Escape"])
    screen.do("windowactivate", "--sync", screen.window("digits.netb"))
    screen.key("ctrl+s", "ctrl+q")
    assert program.wait(30) == 0

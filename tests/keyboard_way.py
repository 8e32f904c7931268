"""The digits CNN from nothing by keyboard alone, as data: what `docs/first-network.md` says.

Each step is a key ("ctrl+n"), a text to type ("'conv2d"), or something to wait for ("~").
"""

from __future__ import annotations

from collections.abc import Iterator


def add(layer: str, *parameters: str) -> list[str]:
    """Add a layer after the selected one, then type its parameters; "" leaves one as it is."""
    steps = ["Tab", f"'{layer}", "Return"]
    if parameters:
        steps.append("F4")
        for at, value in enumerate(parameters):
            steps += ["Tab"] if at else []
            steps += [f"'{value}"] if value else []
        steps.append("Escape")
    return steps


DRAW = [
    "ctrl+n",
    # Data: a letter chooses the digits.
    "F4",
    "'d",
    "Escape",
    *add("input", "1,8,8"),
    # in_channels is worked out; stride stays.
    *add("conv2d", "", "16", "3", "", "1"),
    *add("relu"),
    *add("maxpool2d", "2"),
    *add("flatten"),
    *add("linear", "", "10"),
    *add("output"),
    "ctrl+k",
    "'training step",
    "Return",
]
TRAIN = ["~can train", "ctrl+Return", "~trained"]
EXPORT = ["ctrl+e", "Return", "~exported"]
WAY = [*DRAW, *TRAIN, *EXPORT, "Escape"]


def presses(steps: list[str]) -> Iterator[str]:
    """Every single press of a key in these steps."""
    for step in steps:
        if step.startswith("'"):
            yield from step[1:]
        elif not step.startswith("~"):
            yield step

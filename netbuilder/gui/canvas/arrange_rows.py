"""The rows of order: what stands where, and what takes part."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from netbuilder.gui.canvas.row import CanvasCommand

if TYPE_CHECKING:
    from netbuilder.graph.arrange import Axis, Side
    from netbuilder.gui.canvas.view import CanvasView


def _do(module: str, name: str, *values: str) -> Callable[[CanvasView], object]:
    """A function of a module beside this one, imported when it is first needed."""

    def run(view: CanvasView) -> object:
        found = import_module(f"netbuilder.gui.canvas.{module}")
        return getattr(found, name)(view, *values)

    return run


def _align(side: Side, title: str) -> CanvasCommand:
    return CanvasCommand(
        f"arrange.{side}", title, _do("arrange", "align", side), (), "Arrange", 2, True
    )


def _spread(axis: Axis, title: str) -> CanvasCommand:
    return CanvasCommand(
        f"arrange.spread_{axis}",
        title,
        _do("arrange", "spread", axis),
        (),
        "Arrange",
        3,
        True,
    )


ROWS: tuple[CanvasCommand, ...] = (
    CanvasCommand("edit.tidy", "Tidy", lambda view: view.tidy(), ("L",), "Arrange"),
    CanvasCommand(
        "arrange.frame",
        "Frame the selection",
        _do("framing", "frame_selection"),
        ("C",),
        "Arrange",
        1,
    ),
    CanvasCommand(
        "arrange.colour",
        "Colour of the frame…",
        _do("framing", "choose_colour"),
        (),
        "Arrange",
        1,
        needs_selection=True,
    ),
    CanvasCommand("arrange.note", "Write a note", _do("framing", "note"), ("N",), "Arrange", 1),
    _align("left", "Align left sides"),
    _align("centre", "Align centres"),
    _align("right", "Align right sides"),
    _align("top", "Align upper sides"),
    _align("middle", "Align middles"),
    _align("bottom", "Align lower sides"),
    _spread("across", "Spread evenly across"),
    _spread("down", "Spread evenly down"),
    CanvasCommand(
        "edit.mute",
        "Mute or unmute",
        _do("arrange", "mute", "muted"),
        ("M",),
        "Graph",
        1,
        True,
    ),
    CanvasCommand(
        "edit.bypass",
        "Bypass or not",
        _do("arrange", "mute", "bypassed"),
        ("Ctrl+B",),
        "Graph",
        1,
        True,
    ),
    CanvasCommand(
        "edit.collapse", "Collapse or expand", _do("arrange", "collapse"), ("H",), "Graph", 1, True
    ),
)

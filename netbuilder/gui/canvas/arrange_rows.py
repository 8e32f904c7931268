"""The rows of order: what stands where, and what takes part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.canvas.row import CanvasCommand, later

if TYPE_CHECKING:
    from netbuilder.graph.arrange import Axis, Side


def _align(side: Side, title: str) -> CanvasCommand:
    return CanvasCommand(
        f"arrange.{side}", title, later("arrange", "align", side), (), "Arrange", 2, True
    )


def _spread(axis: Axis, title: str) -> CanvasCommand:
    return CanvasCommand(
        f"arrange.spread_{axis}",
        title,
        later("arrange", "spread", axis),
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
        later("framing", "frame_selection"),
        ("C",),
        "Arrange",
        1,
    ),
    CanvasCommand(
        "arrange.colour",
        "Colour of the frame…",
        later("framing", "choose_colour"),
        (),
        "Arrange",
        1,
        needs_selection=True,
    ),
    CanvasCommand(
        "arrange.fit",
        "Fit the frame to its nodes",
        later("framing", "fit"),
        (),
        "Arrange",
        1,
        needs_selection=True,
    ),
    CanvasCommand("arrange.note", "Write a note", later("framing", "note"), ("N",), "Arrange", 1),
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
        later("arrange", "mute", "muted"),
        ("M",),
        "Graph",
        1,
        True,
    ),
    CanvasCommand(
        "edit.bypass",
        "Bypass or not",
        later("arrange", "mute", "bypassed"),
        ("Ctrl+B",),
        "Graph",
        1,
        True,
    ),
    CanvasCommand(
        "edit.collapse",
        "Collapse or expand",
        later("arrange", "collapse"),
        ("H",),
        "Graph",
        1,
        True,
    ),
)

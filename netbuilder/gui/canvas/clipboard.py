"""Copy and paste as JSON text, so that it works between windows and in a chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QGuiApplication

from netbuilder.errors import ChangeError
from netbuilder.graph import fragment
from netbuilder.graph.edits import snap
from netbuilder.graph.model import Node

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView

MAX_TEXT = 16_000_000
"""Characters of a clipboard that are looked at."""
OFFSET = 32.0


def copy(view: EditingView, nodes: list[str]) -> None:
    """Put these nodes on the clipboard."""
    if nodes:
        text = json.dumps(fragment.cut_out(view.shown, nodes), ensure_ascii=False, indent=1)
        QGuiApplication.clipboard().setText(text)


def paste(view: EditingView, *, keep_inputs: bool) -> list[Node]:
    """Add what the clipboard holds, under the mouse if it is over the canvas."""
    text = QGuiApplication.clipboard().text()
    try:
        content = json.loads(text) if len(text) <= MAX_TEXT else None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ChangeError("The clipboard holds no nodes.")
    return fragment.paste(
        view.past,
        view.shown,
        content,
        offset=_offset(view, content),
        keep_inputs=keep_inputs,
    )


def duplicate(view: EditingView, nodes: list[str]) -> list[Node]:
    """A second copy beside the first, with the wires that come in."""
    content = fragment.cut_out(view.shown, nodes)
    return fragment.paste(
        view.past,
        view.shown,
        content,
        offset=(OFFSET, OFFSET),
        keep_inputs=True,
        title="Duplicate",
    )


def _offset(view: EditingView, content: dict[str, Any]) -> tuple[float, float]:
    mouse = view.mouse_in_scene()
    try:
        corners = [entry["at"] for entry in content["nodes"]]
        left, top = min(x for x, _ in corners), min(y for _, y in corners)
        if mouse is None or not corners:
            return OFFSET, OFFSET
        return snap(mouse.x() - left), snap(mouse.y() - top)
    except (KeyError, TypeError, ValueError):
        return OFFSET, OFFSET

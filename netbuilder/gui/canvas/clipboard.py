"""Copy and paste as JSON text, so that it works between windows and in a chat."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from netbuilder.errors import ChangeError, DocumentError
from netbuilder.graph import carrying
from netbuilder.graph.carrying import Carried
from netbuilder.graph.edits import snap
from netbuilder.graph.layout import BESIDE, NODE_SIZE
from netbuilder.graph.places import Box
from netbuilder.gui.canvas import placing
from netbuilder.storage import strict

if TYPE_CHECKING:
    from netbuilder.gui.canvas.editing import EditingView

MAX_TEXT, MAX_LISTS = 16_000_000, 600_000
"""Characters of a clipboard that are looked at, and brackets in them."""
FEW = 200
"""So many pasted nodes are measured; of more, each counts as a usual one."""


def copy(view: EditingView, items: Collection[str]) -> None:
    """Put these nodes and frames on the clipboard."""
    if items:
        content = carrying.cut_out(view.past.document, view.shown, items)
        text = json.dumps(content, ensure_ascii=False, indent=1)
        QGuiApplication.clipboard().setText(text)


def read() -> Carried:
    """What the clipboard holds, checked as a file is; `ChangeError` if it is no nodes."""
    text = QGuiApplication.clipboard().text()
    if len(text) > MAX_TEXT:
        raise ChangeError(f"The clipboard holds more than {MAX_TEXT // 1_000_000} MB.")
    if text.count("[") + text.count("{") > MAX_LISTS:
        raise ChangeError(f"The clipboard holds more than {MAX_LISTS:,} lists.")
    try:
        content = strict.parse(text)
    except DocumentError as error:
        raise ChangeError("The clipboard holds no nodes.") from error
    return carrying.read(content)


def paste(view: EditingView, at: placing.Point | None, *, keep_inputs: bool) -> list[str]:
    """Add what the clipboard holds around a point, else in the middle; the new ids."""
    part = read()
    box = _box(view, part)
    if box is None:
        raise ChangeError("The clipboard holds no nodes.")
    middle = view.mapToScene(view.viewport().rect().center())
    wanted = at or (middle.x(), middle.y())
    return _put(view, part, box, wanted, keep_inputs=keep_inputs, title="Paste")


def duplicate(view: EditingView, items: Collection[str]) -> list[str]:
    """A second copy beside the first, with the wires that come in; the new ids."""
    part = carrying.read(carrying.cut_out(view.past.document, view.shown, items))
    box = view.canvas.box_of(items)
    if box is None:
        return []
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    beside = (x + box.right - box.left + BESIDE, y)
    if view.canvas.flow == "right":
        beside = (x, y + box.bottom - box.top + BESIDE)
    return _put(view, part, box, beside, keep_inputs=True, title="Duplicate")


def _put(
    view: EditingView,
    part: Carried,
    box: Box,
    middle: placing.Point,
    *,
    keep_inputs: bool,
    title: str,
) -> list[str]:
    size = (box.right - box.left, box.bottom - box.top)
    x, y = placing.free_place(view, middle, size)
    offset = (snap(x - size[0] / 2 - box.left), snap(y - size[1] / 2 - box.top))
    graph = view.shown
    frames = set(graph.frames)
    nodes = carrying.paste(
        view.past, graph, part, offset=offset, keep_inputs=keep_inputs, title=title
    )
    return [*(node.id for node in nodes), *(set(graph.frames) - frames)]


def _box(view: EditingView, carried: Carried) -> Box | None:
    """What a fragment covers; None if it is empty."""
    part = carried.part
    boxes = [Box(f.x, f.y, f.x + f.width, f.y + f.height) for f in part.frames]
    for node in part.nodes:
        width, height = NODE_SIZE
        if len(part.nodes) <= FEW:
            width, height = placing.size_to_be(view, node.layer, node.params)
        boxes.append(Box(node.x, node.y, node.x + width, node.y + height))
    return _around(boxes)


def _around(boxes: Iterable[Box]) -> Box | None:
    result: Box | None = None
    for box in boxes:
        result = box if result is None else result.joined(box)
    return result

"""Align boxes with each other and spread them evenly. Pure geometry, in scene units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from netbuilder.graph.edits import snap
from netbuilder.graph.layout import Place

Box = tuple[float, float, float, float]
"""Left, top, width, height."""
Side = Literal["left", "centre", "right", "top", "middle", "bottom"]
Axis = Literal["across", "down"]

_ALONG_X = frozenset({"left", "centre", "right"})
_SHARE: Mapping[Side, float] = {
    "left": 0.0, "centre": 0.5, "right": 1.0, "top": 0.0, "middle": 0.5, "bottom": 1.0,
}  # fmt: skip


def aligned(boxes: Mapping[str, Box], side: Side) -> dict[str, Place]:
    """Places at which all boxes share a side or a middle line: that of the box around them."""
    if not boxes:
        return {}
    axis = 0 if side in _ALONG_X else 1
    share = _SHARE[side]
    low = min(box[axis] for box in boxes.values())
    high = max(box[axis] + box[axis + 2] for box in boxes.values())
    line = low + (high - low) * share
    return {id: _moved(box, axis, line - box[axis + 2] * share) for id, box in boxes.items()}


def spread(boxes: Mapping[str, Box], axis: Axis) -> dict[str, Place]:
    """Places with equal gaps between neighbours; the first and the last stay.

    Boxes that are wider than the room between those two keep no gap, but don't overlap.
    """
    at = 0 if axis == "across" else 1
    order = sorted(boxes, key=lambda id: (boxes[id][at] + boxes[id][at + 2] / 2, id))
    if len(order) < 3:
        return {id: boxes[id][:2] for id in order}
    first, last = boxes[order[0]], boxes[order[-1]]
    room = last[at] + last[at + 2] - first[at]
    gap = max(0.0, room - sum(box[at + 2] for box in boxes.values())) / (len(order) - 1)
    result, next_at = {}, first[at]
    for id in order:
        result[id] = _moved(boxes[id], at, next_at)
        next_at += boxes[id][at + 2] + gap
    return result


def _moved(box: Box, axis: int, to: float) -> Place:
    return (snap(to), box[1]) if axis == 0 else (box[0], snap(to))

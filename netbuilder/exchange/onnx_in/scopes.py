"""Names of nodes without the scope that all of them are in."""

from __future__ import annotations

from itertools import takewhile

import onnx


def shorten(model: onnx.ModelProto) -> None:
    """Leave out of the names of nodes, in the model itself, what TensorFlow puts before all.

    `mobilenet/Conv1/Conv2D` and `mobilenet/bn/add` become `Conv1/Conv2D` and `bn/add`. Names that
    begin with a slash are PyTorch's, which has no such scope. One stays that is another's already
    without it: ONNX Runtime refuses nodes of one name.
    """
    scoped = [
        node for node in model.graph.node if "/" in node.name and not node.name.startswith("/")
    ]
    if len(scoped) < 2:
        return
    parts = [node.name.split("/") for node in scoped]
    levels = zip(*(each[:-1] for each in parts), strict=False)
    shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
    taken = {node.name for node in model.graph.node}
    for node, each in zip(scoped, parts, strict=True):
        short = "/".join(each[shared:])
        if short not in taken:
            node.name = short

"""Names of nodes without the scope that all of them are in."""

from __future__ import annotations

from itertools import takewhile

import onnx


def shorten(model: onnx.ModelProto) -> None:
    """Leave out of the names of nodes, in the model itself, what TensorFlow puts before all.

    `mobilenet/Conv1/Conv2D` and `mobilenet/bn/add` become `Conv1/Conv2D` and `bn/add`. Names that
    begin with a slash are PyTorch's, which has no such scope.
    """
    scoped = [
        node for node in model.graph.node if "/" in node.name and not node.name.startswith("/")
    ]
    if len(scoped) < 2:
        return
    parts = [node.name.split("/") for node in scoped]
    levels = zip(*(each[:-1] for each in parts), strict=False)
    shared = sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))
    for node, each in zip(scoped, parts, strict=True):
        node.name = "/".join(each[shared:])

"""What a smaller file keeps of the whole one: names, free sizes, what it says of itself."""

from __future__ import annotations

import re

import onnx

from netbuilder.errors import ExportError
from netbuilder.exchange import further

KEY = "netbuilder.precision"
"""Under which the metadata of a file tell in which numbers it computes."""
_ADDED = re.compile(r"(?:_MatMul)?_quant\Z|_MatMul\Z")
"""What the tools put behind the name of a node that they replace."""


def keep(small: onnx.ModelProto, whole: onnx.ModelProto, precision: str) -> None:
    """Give the smaller model the names and the metadata of the whole one.

    `ExportError` if it takes or gives something else.
    """
    told = {entry.key: entry.value for entry in whole.metadata_props}
    # Rounded weights are no start for a training.
    told.pop(further.KEY, None)
    onnx.helper.set_model_props(small, told | {KEY: precision})
    small.producer_name, small.producer_version = whole.producer_name, whole.producer_version
    small.doc_string = whole.doc_string
    wanted = {node.name for node in whole.graph.node}
    taken = {node.name for node in small.graph.node}
    for node in small.graph.node:
        name = _ADDED.sub("", node.name)
        if name != node.name and name in wanted and name not in taken:
            taken.add(name)
            node.name = name
    for number, node in enumerate(small.graph.node):
        node.name = node.name or f"{node.op_type.lower()}_{number}"
    for kind in ("input", "output"):
        before, after = (_interface(getattr(each.graph, kind)) for each in (whole, small))
        if before != after:
            shown = ", ".join(name for name, _ in after)
            raise ExportError(f"The smaller file's {kind}s are not those of the whole: {shown}.")


def _interface(values: object) -> list[tuple[str, bytes]]:
    return [(value.name, value.type.SerializeToString()) for value in values]  # type: ignore[attr-defined]

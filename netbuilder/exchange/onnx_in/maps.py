"""Classifiers that end in maps from classes to probabilities: what is in them, as a tensor."""

from __future__ import annotations

import onnx

from netbuilder.exchange.onnx_in.learners import DOMAIN

_SHOWN = 20
"""Classes that are told by name."""


def opened(model: onnx.ModelProto) -> list[str]:
    """Put probabilities in the place of such maps, in the model itself; what a person should know.

    Which class is which follows from their order. A map that the graph goes on with is left.
    """
    ends = {value.name: value for value in model.graph.output}
    read = {name for node in model.graph.node for name in node.input}
    told = []
    for node in model.graph.node:
        made = node.output[0] if len(node.output) == 1 else ""
        plain = node.op_type == "ZipMap" and node.domain == DOMAIN and len(node.input) == 1
        if not plain or made not in ends or made in read:
            continue
        classes = [
            each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each)
            for attribute in node.attribute
            for each in onnx.helper.get_attribute_value(attribute)
        ]
        shown = ", ".join(name[:40] for name in classes[:_SHOWN])
        more = ", …" if len(classes) > _SHOWN else ""
        told.append(
            f"The output '{made[:80]}' is a map from classes; here it has their probabilities "
            f"alone, in this order: {shown}{more}."
        )
        node.op_type, node.domain = "Identity", ""
        del node.attribute[:]
        ends[made].type.CopyFrom(onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, None))
    if told and not any(each.domain in ("", "ai.onnx") for each in model.opset_import):
        model.opset_import.append(onnx.helper.make_opsetid("", 13))
    return told

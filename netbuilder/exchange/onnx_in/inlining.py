"""Operators that are composed of others, as those."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import inliner

from netbuilder.exchange.onnx_in.inner import OURS, all_nodes, version
from netbuilder.exchange.onnx_in.ops import TABLE
from netbuilder.exchange.onnx_in.sizes import SIZES


def inlined(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the file's own functions, and without operators that ONNX composes of others."""
    from netbuilder.exchange.onnx_in import families

    families.load()
    if model.functions:
        model = inliner.inline_local_functions(model)
    opset = version(model)
    composed = {
        (domain, node.op_type)
        for node in all_nodes(model.graph)
        for domain in ("" if node.domain in OURS else node.domain,)
        if not _has_counterpart(domain, node.op_type, opset)
        and _is_composed(domain, node.op_type, model)
    }
    if not composed:
        return model
    # The inliner wants a type of inputs that are left out, too.
    model.graph.value_info.append(onnx.helper.make_tensor_value_info("", 1, None))
    try:
        made = inliner.inline_selected_functions(
            model, sorted(composed), inline_schema_functions=True
        )
    except (RuntimeError, ValueError, onnx.checker.ValidationError):
        # They are placeholders then, each with its name.
        made = model
    for each in {id(made): made, id(model): model}.values():
        for value in [value for value in each.graph.value_info if not value.name]:
            each.graph.value_info.remove(value)
    return made


def _has_counterpart(domain: str, name: str, opset: int) -> bool:
    if domain:
        return f"{domain}.{name}" in TABLE
    return name in SIZES or any(each.since <= opset for each in TABLE.get(name, ()))


def _is_composed(domain: str, name: str, model: onnx.ModelProto) -> bool:
    try:
        schema: Any = onnx.defs.get_schema(name, version(model, domain), domain)
    except Exception:
        return False
    return bool(schema.has_function or schema.has_context_dependent_function)

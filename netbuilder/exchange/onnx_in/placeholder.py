"""Nodes that torch has no counterpart for: operations without a meaning, with the right shapes.

The tracer takes them for operations of a library of others; the drawing shows them as nodes of
an unknown layer. ONNX's shape inference says what comes out of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor

from netbuilder.exchange.bring.program import Arg, BringError, Operation
from netbuilder.exchange.onnx_in import nodes, skeleton, values
from netbuilder.exchange.onnx_in.inner import all_nodes, inner_graphs
from netbuilder.exchange.onnx_in.ops import Call, Unsupported
from netbuilder.exchange.onnx_in.steps import Step
from netbuilder.exchange.onnx_in.values import Value
from netbuilder.graph import rules

LIBRARY = "ai_onnx"
Dim = int | str | None
_library = torch.library.Library(LIBRARY, "FRAGMENT")  # type: ignore[no-untyped-call]


class Types:
    """What ONNX knows of the values of a graph, by their names."""

    def __init__(self, model: onnx.ModelProto) -> None:
        try:
            inferred = skeleton.inferred(model)
        except Exception:
            # What can't be inferred is unknown; the checker has seen the model before.
            inferred = model.graph
        graphs = [inferred, *(g for node in all_nodes(inferred) for g in inner_graphs(node))]
        known = [v for g in graphs for v in (*g.input, *g.value_info, *g.output)]
        self.known: dict[str, tuple[int, tuple[Dim, ...] | None]] = {}
        for value in known:
            kind = value.type.tensor_type
            if value.type.HasField("tensor_type"):
                shape = tuple(map(_dim, kind.shape.dim)) if kind.HasField("shape") else None
                self.known[value.name] = (kind.elem_type, shape)
        for each in (each for graph in graphs for each in graph.initializer):
            self.known.setdefault(each.name, (each.data_type, tuple(each.dims)))

    def rank(self, name: str) -> int | None:
        """How many dims a value has, where that is known."""
        shape = self.known.get(name, (0, None))[1]
        return len(shape) if shape is not None else None

    def free(self, names: Sequence[str], inputs: Sequence[Tensor]) -> dict[str, Any]:
        """What the named sizes of the inputs are now."""
        found: dict[str, Any] = {}
        for name, tensor in zip(names, inputs, strict=True):
            dims = self.known.get(name, (0, None))[1] or ()
            for dim, size in zip(dims, tensor.shape, strict=False):
                # Sizes that the file calls by one name are one: the tracer notes what is asked.
                if isinstance(dim, str) and found.setdefault(dim, size) != size:
                    raise BringError(f"The size '{dim[:80]}' is not the same everywhere.")
        return found


def _dim(dim: onnx.TensorShapeProto.Dimension) -> Dim:
    if dim.HasField("dim_value"):
        return int(dim.dim_value)
    return dim.dim_param or None


def made(
    call: Call,
    given: Sequence[Value],
    types: Types,
    free: Mapping[str, Any],
    why: str,
    number_of: int,
) -> tuple[Tensor, ...]:
    """What a node without a counterpart gives, as far as its shape goes.

    `number_of` is the place of the node in the graph, by which it is found again.
    """
    inputs = [values.tensor(value) for value in given if isinstance(value, Tensor | np.ndarray)]
    tensors = [value for value in inputs if value is not None]
    asked = [name for name in call.outputs if name]
    sizes: list[Any] = []
    for name in asked:
        number, shape = types.known.get(name, (0, None))
        try:
            kind = nodes.dtype(number) if number else None
        except Unsupported as reason:
            raise refusal(call, f"{why}, and {reason}") from reason
        if shape is None and tensors:
            shape = tuple(tensors[0].shape)
        if shape is None:
            raise refusal(call, f"{why}, and nothing tells the shape of what it gives")
        sizes += [[_size(call, at, dim, tensors, free, why) for at, dim in enumerate(shape)]]
        sizes += [kind or (tensors[0].dtype if tensors else torch.float32)]
    found = _operation(rules.identifier(call.op.replace(".", "_"), "node"), len(asked))
    results = found(tensors, number_of, *sizes)
    parts = iter(results if isinstance(results, tuple | list) else (results,))
    return tuple(next(parts) if name else torch.empty(0) for name in call.outputs)


def _size(
    call: Call, at: int, dim: Any, tensors: Sequence[Tensor], free: Mapping[str, Any], why: str
) -> Any:
    if isinstance(dim, int | torch.SymInt):
        return dim
    if dim in free:
        return free[dim]
    if tensors and at < tensors[0].dim():
        return tensors[0].shape[at]
    raise refusal(call, f"{why}, and nothing tells the size of what it gives")


def refusal(call: Call, why: str) -> BringError:
    """Why nothing can be drawn with this node in it."""
    return BringError(
        f"The node '{call.name[:80]}' is a {call.op[:80]}: {why}.",
        "What comes after it can't be drawn. Take the file apart before this node.",
    )


@cache
def _operation(name: str, outputs: int) -> Any:
    """An operation of this name that gives empty tensors of the sizes that it is told."""
    overload = f"o{outputs}"
    sizes = "".join(f", SymInt[] shape_{at}, ScalarType dtype_{at}" for at in range(outputs))
    result = ", ".join(["Tensor"] * outputs)
    _library.define(f"{name}.{overload}(Tensor[] inputs, int node{sizes}) -> ({result})")  # type: ignore[no-untyped-call]

    def run(inputs: list[Tensor], node: int, *given: Any) -> Any:
        device = inputs[0].device if inputs else torch.device("cpu")
        pairs = zip(given[::2], given[1::2], strict=True)
        parts = [torch.empty(shape, dtype=dtype, device=device) for shape, dtype in pairs]
        return parts[0] if len(parts) == 1 else tuple(parts)

    _library.impl(f"{name}.{overload}", run, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    return getattr(getattr(getattr(torch.ops, LIBRARY), name), overload)


def _step(operation: Operation, steps: Sequence[Step]) -> Step | None:
    """The step of the file that an operation of this library stands for."""
    if not operation.target.startswith(f"{LIBRARY}."):
        return None
    at = operation.args["node"]
    assert isinstance(at, int)
    return steps[at]


def reasons(operations: Iterable[Operation], steps: Sequence[Step]) -> dict[str, str]:
    """Why there is no counterpart, by the first outputs of such operations."""
    found = {each.outputs[0]: _step(each, steps) for each in operations if each.outputs}
    return {name: step.why for name, step in found.items() if step is not None and step.why}


def shown(operation: Operation, steps: Sequence[Step]) -> Operation:
    """An operation of this library as the node of the file that it stands for."""
    step = _step(operation, steps)
    if step is None:
        return operation
    call = step.call
    args = {"inputs": operation.args["inputs"], **_plain(call.attributes)}
    return replace(operation, target=_target(call), args=args)


def _target(call: Call) -> str:
    domain, _, name = call.op.rpartition(".")
    return f"{domain.replace('.', '_')[:80] or 'onnx'}.{name[:80]}"


def _plain(attributes: Mapping[str, Any]) -> dict[str, Arg]:
    return {
        rules.identifier(name, "attribute"): value
        for name, value in attributes.items()
        if name != "inputs" and _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(value) <= 64 and all(map(_is_plain, value))
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) < 200)

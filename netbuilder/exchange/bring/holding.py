"""Tensors that a module uses by themselves: parameters, buffers and constants as nodes."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from netbuilder.exchange.bring import functions
from netbuilder.exchange.bring.drafts import Draft, DraftNode
from netbuilder.exchange.bring.functions import Unsupported
from netbuilder.exchange.bring.program import Program, State
from netbuilder.graph.model import Json, freeze

PARAMETER, BUFFER = "netbuilder.LearnableParameter", "netbuilder.Buffer"
MAX_LITERAL = 64
"""Tensors of more numbers than these are kept with the weights."""


def hold(program: Program, draft: Draft, values: Iterable[str]) -> None:
    """Add nodes for the parameters and buffers among the values that this graph reads."""
    for value in list(values):
        state = program.states.get(value)
        if state is None or value in draft.inputs or value in draft.makers():
            continue
        draft.nodes += _held(program, draft, value, state)


def relative(path: str, base: str) -> str:
    """`layer1.0` within the call of `net` is `layer1_0`; a digit can't begin a name."""
    rest = path.removeprefix(f"{base}.") if base else path
    return rest.replace(".", "_")


def _held(program: Program, draft: Draft, value: str, state: State) -> list[DraftNode]:
    tensor = program.tensors[state.key]
    if state.kind == "constant":
        literal = _literal(tensor)
        if literal is not None:
            literal.outputs = {value: "output"}
            return [literal]
    dtype = str(tensor.dtype).removeprefix("torch.")
    learnt = state.kind == "parameter"
    node = DraftNode(PARAMETER if learnt else BUFFER, relative(state.key, draft.scope.path))
    node.params = {"shape": tuple(tensor.shape)}
    node.states = {"weight" if learnt else "value": state.key}
    node.outputs = {value: "output"}
    if dtype in ("float32", "float64", "float16", "bfloat16"):
        return [node]
    raw = f"{value}.stored"
    node.outputs = {raw: "output"}
    cast = DraftNode("torch.Tensor.to", f"{node.name}_{dtype}", {"dtype": dtype})
    cast.inputs, cast.outputs = {"input": raw}, {value: "output"}
    return [node, cast]


def _literal(tensor: Tensor) -> DraftNode | None:
    """A tensor of a few numbers as those numbers; None where that would not be the same."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    odd = tensor.dtype.is_floating_point and not bool(torch.isfinite(tensor).all())
    if tensor.numel() > MAX_LITERAL or tensor.dim() > 3 or not tensor.numel() or odd:
        return None
    params: dict[str, Json] = {"data": freeze(tensor.tolist())}
    if dtype not in ("float32", "int64", "bool"):
        params["dtype"] = dtype
    try:
        return functions.checked(DraftNode("torch.tensor", "constant", params))
    except Unsupported:
        return None

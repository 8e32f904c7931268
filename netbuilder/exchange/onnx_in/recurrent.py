"""Recurrent operators as the modules of torch.nn, where they do the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.exchange.onnx_in.ops import NOTHING, Call, Function, Unsupported, op
from netbuilder.exchange.onnx_in.weighted import empty, fill

_KINDS: dict[str, Any] = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
_ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where PyTorch's gates stand among ONNX's: i f g o of i o f c, r z n of z r h."""
_USUAL = {"LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh"), "RNN": ("tanh",)}


@op("LSTM", "GRU", "RNN", since=7)
def recurrent(call: Call) -> Function:
    """One layer in one or both directions; the weights must be in the file."""
    count = 2 if call.attr("direction", "forward") == "bidirectional" else 1
    backward = call.attr("direction", "forward") == "reverse"
    named = _nonlinear(call, count)
    if call.attr("clip") is not None or call.attr("input_forget", 0):
        raise Unsupported("it clips, or couples its gates")
    if call.op == "GRU" and not call.attr("linear_before_reset", 0):
        raise Unsupported("it resets before its product (linear_before_reset=0)")
    if call.has(4):
        raise Unsupported("it is told the lengths of its sequences")
    if call.has(7):
        raise Unsupported("it has peepholes")
    w, r = call.constant(1), call.constant(2)
    if w is None or r is None or (call.has(3) and call.constant(3) is None):
        raise Unsupported("its weights are worked out")
    held = call.hold(_module(call, w, r, call.constant(3), count, named))
    layout = call.attr("layout", 0)
    # States of zeros are what PyTorch begins with.
    call.only(0, *(NOTHING if at in call.zeros else at for at in (5, 6)))

    def run(x: Tensor, h: Tensor | None = None, c: Tensor | None = None) -> tuple[Tensor, ...]:
        if layout:
            x = x.transpose(0, 1)
            h, c = (part.transpose(0, 1) if part is not None else None for part in (h, c))
        if backward:
            x = x.flip(0)
        state = _state(call.op, x, h, c, r)
        y, last = held(x) if state is None else held(x, state)
        if backward:
            y = y.flip(0)
        # (T, N, directions * H) in PyTorch, (T, directions, N, H) in ONNX.
        if call.gives(0):
            y = y.unflatten(2, (count, r.shape[2]))
            y = y.permute(1, 0, 2, 3) if layout else y.transpose(1, 2)
        states = last if isinstance(last, tuple) else (last,)
        states = tuple(part.transpose(0, 1) if layout else part for part in states)
        return (y, *states)

    return run


def _state(op: str, x: Tensor, h: Tensor | None, c: Tensor | None, r: Tensor) -> Any:
    if op != "LSTM" or (h is None and c is None):
        return h
    shape = (r.shape[0], x.shape[1], r.shape[2])
    return tuple(part if part is not None else x.new_zeros(shape) for part in (h, c))


def _nonlinear(call: Call, count: int) -> str:
    """The RNN's function; `Unsupported` for gates other than the usual."""
    given = tuple(name.lower() for name in call.attr("activations") or ())
    if call.op == "RNN" and given and set(given) == {"relu"}:
        return "relu"
    if given and given != _USUAL[call.op] * count:
        raise Unsupported(f"its gates are {', '.join(given)}")
    return "tanh"


def _module(
    call: Call, w: Tensor, r: Tensor, b: Tensor | None, count: int, named: str
) -> nn.Module:
    hidden = r.shape[2]
    kind: dict[str, Any] = {"bias": b is not None, "bidirectional": count == 2}
    if call.op == "RNN":
        kind["nonlinearity"] = named
    module: nn.Module = empty(_KINDS[call.op], w.shape[2], hidden, **kind)
    for at in range(count):
        end = "_l0_reverse" if at else "_l0"
        tensors = {f"weight_ih{end}": w[at], f"weight_hh{end}": r[at]}
        if b is not None:
            half = b.shape[1] // 2
            tensors |= {f"bias_ih{end}": b[at, :half], f"bias_hh{end}": b[at, half:]}
        fill(module, **{name: _ordered(call.op, given) for name, given in tensors.items()})
    return module


def _ordered(op: str, tensor: Tensor) -> Tensor:
    parts = tensor.chunk(_GATES[op], 0)
    return torch.cat([parts[at] for at in _ORDER[op]]).contiguous()

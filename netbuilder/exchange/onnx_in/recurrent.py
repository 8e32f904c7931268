"""Recurrent operators as the modules of torch.nn, where they do the same."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.exchange.onnx_in import cells
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
    if call.has(4):
        raise Unsupported("it is told the lengths of its sequences")
    if call.has(7):
        raise Unsupported("it has peepholes")
    w, r = call.constant(1), call.constant(2)
    if w is None or r is None or (call.has(3) and call.constant(3) is None):
        raise Unsupported("its weights are worked out")
    if call.op == "GRU" and not call.attr("linear_before_reset", 0):
        return cells.gru(call, w, r, call.constant(3), count, backward)
    layout = call.attr("layout", 0)
    call.batch_first = bool(layout) or _batch_before(call)
    held = call.hold(_module(call, w, r, call.constant(3), count, named))
    # States of zeros are what PyTorch begins with.
    call.only(0, *(NOTHING if at in call.zeros else at for at in (5, 6)))

    def run(x: Tensor, h: Tensor | None = None, c: Tensor | None = None) -> tuple[Tensor, ...]:
        if layout:
            h, c = (part.transpose(0, 1) if part is not None else None for part in (h, c))
        elif call.batch_first:
            x = x.transpose(0, 1)
        time = 1 if call.batch_first else 0
        if backward:
            x = x.flip(time)
        state = _state(call.op, x.shape[1 - time], h, c, r)
        y, last = held(x) if state is None else held(x, state)
        if backward:
            y = y.flip(time)
        if call.batch_first:
            y = y.transpose(0, 1)
        # (T, N, directions * H) in PyTorch, (T, directions, N, H) in ONNX.
        if call.gives(0):
            y = y.unflatten(2, (count, r.shape[2]))
            y = y.permute(1, 0, 2, 3) if layout else y.transpose(1, 2)
        states = last if isinstance(last, tuple) else (last,)
        states = tuple(part.transpose(0, 1) if layout else part for part in states)
        return (y, *states)

    return run


_THROUGH = frozenset({"Dropout", "Identity", "Reshape", "Squeeze", "Transpose"})


def _batch_before(call: Call) -> bool:
    """Whether the sequence was made time first for this operator, from one with the batch first."""
    made = call.maker(0)
    if made is not None and made.op == "Transpose" and made.attr("perm") == (1, 0, 2):
        return True
    # Layers upon one another are alike.
    while made is not None and made.op in _THROUGH:
        made = made.maker(0)
    return made is not None and made.op in _KINDS and made.batch_first


def _state(op: str, batch: Any, h: Tensor | None, c: Tensor | None, r: Tensor) -> Any:
    if op != "LSTM" or (h is None and c is None):
        return h
    shape = (r.shape[0], batch, r.shape[2])
    return tuple(part if part is not None else r.new_zeros(shape) for part in (h, c))


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
    kind["batch_first"] = call.batch_first
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

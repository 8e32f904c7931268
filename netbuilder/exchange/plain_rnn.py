"""`torch.nn.RNN` for the ONNX exporter, with a sequence of any length.

Tracing takes the plain recurrent layer apart step by step, which fixes its length; LSTM and GRU
stay whole. Here it is one operation for the trace, and ONNX's RNN in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MethodType
from typing import Any

import torch
from onnxscript import opset18
from torch import Tensor, nn

op: Any = opset18
"""ONNX's operators; that lists may stand for constants is not in their types."""


@torch.library.custom_op("netbuilder::rnn", mutates_args=())
def rnn(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    biased: bool,
    layers: int,
    both_ways: bool,
    relu: bool,
) -> tuple[Tensor, Tensor]:
    """T×N×features and the first states to T×N×hidden and the last states."""
    kind = torch.ops.aten.rnn_relu if relu else torch.ops.aten.rnn_tanh
    output, last = kind.input(input, hx, params, biased, layers, 0.0, False, both_ways, False)
    return output.clone(), last.clone()


@rnn.register_fake
def _(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    biased: bool,
    layers: int,
    both_ways: bool,
    relu: bool,
) -> tuple[Tensor, Tensor]:
    width = params[1].shape[1] * (2 if both_ways else 1)
    return input.new_empty(input.shape[0], input.shape[1], width), torch.empty_like(hx)


def _forward(self: nn.RNN, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """As the layer computes when it is evaluated, by one operation."""
    alone = input.dim() == 2
    if alone:
        input = input.unsqueeze(0 if self.batch_first else 1)
        hx = None if hx is None else hx.unsqueeze(1)
    if self.batch_first:
        input = input.transpose(0, 1)
    ways = 2 if self.bidirectional else 1
    if hx is None:
        hx = input.new_zeros(self.num_layers * ways, input.shape[1], self.hidden_size)
    relu = self.nonlinearity == "relu"
    output, last = torch.ops.netbuilder.rnn(
        input, hx, self._flat_weights, self.bias, self.num_layers, self.bidirectional, relu
    )
    if self.batch_first:
        output = output.transpose(0, 1)
    if alone:
        return output.squeeze(0 if self.batch_first else 1), last.squeeze(1)
    return output, last


def keep_whole(module: nn.Module) -> None:
    """Let each plain recurrent layer in a module be one operation from now on."""
    for each in module.modules():
        if isinstance(each, nn.RNN):
            each.forward = MethodType(_forward, each)  # type: ignore[method-assign]


def _in_onnx(
    input: Any,
    hx: Any,
    params: Sequence[Any],
    biased: bool,
    layers: int,
    both_ways: bool,
    relu: bool,
) -> Any:
    ways, per = (2 if both_ways else 1), (4 if biased else 2)
    direction = "bidirectional" if both_ways else "forward"
    ends = []
    for layer in range(layers):
        parts: list[list[Any]] = [[], [], []]
        for way in range(ways):
            at = (layer * ways + way) * per
            given = params[at : at + per]
            parts[0].append(op.Unsqueeze(given[0], [0]))
            parts[1].append(op.Unsqueeze(given[1], [0]))
            if biased:
                parts[2].append(op.Unsqueeze(op.Concat(given[2], given[3], axis=0), [0]))
        weights, recurrence = (op.Concat(*part, axis=0) for part in parts[:2])
        bias = op.Concat(*parts[2], axis=0) if biased else None
        begin = op.Slice(hx, [layer * ways], [(layer + 1) * ways], [0])
        steps, end = op.RNN(
            input,
            weights,
            recurrence,
            bias,
            None,
            begin,
            activations=["Relu" if relu else "Tanh"] * ways,
            direction=direction,
            hidden_size=params[1].shape[1],
        )
        # T×ways×N×hidden to T×N×(ways·hidden).
        input = op.Reshape(op.Transpose(steps, perm=[0, 2, 1, 3]), [0, 0, -1])
        ends.append(end)
    return input, op.Concat(*ends, axis=0)


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.netbuilder.rnn.default: _in_onnx
}
"""For `torch.onnx.export`."""

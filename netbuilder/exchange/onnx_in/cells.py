"""A GRU that resets before its product, step by step: `torch.nn.GRU` resets after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.fx.experimental import proxy_tensor

from netbuilder.exchange.bring.turns import Step, Turns
from netbuilder.exchange.onnx_in.ops import NOTHING, Call, Function
from netbuilder.exchange.onnx_in.weighted import linear


@dataclass(frozen=True, slots=True)
class _Way:
    """One direction: what its sequence is multiplied with, and what its state is."""

    sequence: Callable[[Tensor], Tensor]
    gates: Callable[[Tensor], Tensor]
    new: Callable[[Tensor], Tensor]
    turns: Turns
    back: bool

    @classmethod
    def of(cls, call: Call, w: Tensor, r: Tensor, b: Tensor | None, back: bool) -> _Way:
        """Of the weights of one direction, in ONNX's order of gates: update, reset, new."""
        size, half = r.shape[1], w.shape[0]
        first, then = (None, None) if b is None else (b[:half].clone(), b[half:])
        return cls(
            call.hold(linear(w.contiguous(), first)),
            call.hold(linear(r[: 2 * size].clone(), None if then is None else then[: 2 * size])),
            call.hold(linear(r[2 * size :].clone(), None if then is None else then[2 * size :])),
            call.hold(Turns()),
            back,
        )

    def run(self, x: Tensor, start: Tensor | None) -> tuple[Tensor, Tensor]:
        """All states and the last of a sequence (T, N, features)."""
        given = self.sequence(x.flip(0) if self.back else x)
        size = given.shape[2] // 3
        if start is None:
            start = torch.zeros_like(given.select(0, 0).narrow(1, 0, size))

        def step(
            each: list[Tensor], carried: list[Tensor], _: list[Tensor]
        ) -> tuple[list[Tensor], list[Tensor]]:
            (part,), (h,) = each, carried
            update, reset = torch.sigmoid(part[:, : 2 * size] + self.gates(h)).chunk(2, 1)
            new = torch.tanh(part[:, 2 * size :] + self.new(reset * h))
            h = (1 - update) * new + update * h
            return [h], [h]

        (last,), (states,) = _repeated(self.turns, step, given, start)
        return states.flip(0) if self.back else states, last


def _repeated(
    turns: Turns, step: Step, given: Tensor, start: Tensor
) -> tuple[list[Tensor], list[Tensor]]:
    """The step for each row; while a graph is traced, once, as the step of a loop."""
    if proxy_tensor.get_proxy_mode() is not None:
        found: tuple[list[Tensor], list[Tensor]] = turns(step, [given], [start], [], 0, [])
        return found
    states, rows = [start], []
    for row in given:
        states, more = step([row], states, [])
        rows += more
    return states, [torch.stack(rows)]


def gru(call: Call, w: Tensor, r: Tensor, b: Tensor | None, ways: int, back: bool) -> Function:
    """The operator with these weights, which have one row for each direction."""
    layout = call.attr("layout", 0)
    parts = [
        _Way.of(call, w[at], r[at], None if b is None else b[at], back or at == 1)
        for at in range(ways)
    ]
    call.only(0, NOTHING if 5 in call.zeros else 5)

    def run(x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if layout:
            x, h = x.transpose(0, 1), None if h is None else h.transpose(0, 1)
        found = [
            part.run(x, None if h is None else h.select(0, at)) for at, part in enumerate(parts)
        ]
        # (T, directions, N, H) and (directions, N, H), or with the batch first.
        y = torch.stack([states for states, _ in found], 1)
        last = torch.stack([end for _, end in found], 0)
        return (y.permute(2, 0, 1, 3), last.transpose(0, 1)) if layout else (y, last)

    return run

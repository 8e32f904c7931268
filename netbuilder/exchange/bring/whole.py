"""Recurrent layers stay whole while a module is traced: the length of a sequence stays free.

PyTorch finds the shapes of what they give by going through the sequence step by step, which fixes
its length. For the shapes alone that is not needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_KEYS = (torch._C.DispatchKey.CompositeImplicitAutograd, torch._C.DispatchKey.Autograd)


@contextmanager
def recurrent() -> Iterator[None]:
    """LSTM, GRU and RNN give empty tensors of the right shapes: for tracing, never for numbers."""
    aten = torch.ops.aten
    kernels: dict[Any, Callable[..., Any]] = {
        aten.lstm.input: _lstm,
        aten.gru.input: _one_state,
        aten.rnn_tanh.input: _one_state,
        aten.rnn_relu.input: _one_state,
    }
    before = {each: dict(each.py_kernels) for each in kernels}
    try:
        for each, kernel in kernels.items():
            each.py_kernels.update(dict.fromkeys(_KEYS, kernel))
            each._dispatch_cache.clear()
        yield
    finally:
        for each, kept in before.items():
            each.py_kernels.clear()
            each.py_kernels.update(kept)
            # What was found for these kernels would outlive them.
            each._dispatch_cache.clear()


def _made(x: Tensor, state: Tensor, bidirectional: bool) -> Tensor:
    """Of the input's length and batch, as wide as the states of all directions."""
    return x.new_empty(x.shape[0], x.shape[1], state.shape[2] * (2 if bidirectional else 1))


def _lstm(
    input: Tensor,
    hx: list[Tensor],
    params: list[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    h, c = hx
    return _made(input, h, bidirectional), torch.empty_like(h), torch.empty_like(c)


def _one_state(
    input: Tensor,
    hx: Tensor,
    params: list[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    return _made(input, hx, bidirectional), torch.empty_like(hx)

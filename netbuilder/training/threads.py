"""How many CPU threads a training is worth.

A rule and no measurement at the start of a run: the number of threads changes the last bits
of every sum, and the same project must give the same losses each time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

SMALL_DENSE = 50e6
"""Floating point operations of a forward pass under which one thread is faster for a network
of dense layers alone. Measured on 2 cores: at 6.5 million 2 threads take 1.4 times as long as
1, at 52 million 0.95, at 144 million 0.6. Convolutions and recurrent layers gain from threads
at every size measured (from 3 million on: 0.87 and less)."""

_DENSE = (nn.Linear, nn.Bilinear, nn.Embedding, nn.LayerNorm, nn.GroupNorm, _NormBase)


def choose(networks: Iterable[nn.Module], batch_size: int) -> int:
    """1 for small networks of dense layers, else as many as PyTorch takes by itself."""
    parts = [part for network in networks for part in network.modules()]
    owners = [part for part in parts if next(part.parameters(recurse=False), None) is not None]
    weights = sum(p.numel() for part in owners for p in part.parameters(recurse=False))
    small = 2.0 * weights * batch_size < SMALL_DENSE
    if small and all(isinstance(part, _DENSE) for part in owners):
        return 1
    return torch.get_num_threads()


@contextmanager
def using(count: int) -> Iterator[None]:
    """Inside, PyTorch computes with this many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)

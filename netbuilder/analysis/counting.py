"""Multiply-accumulates of one run, booked with the nodes that did them.

They are half the floating point operations that `torch.utils.flop_counter` counts: matrix
products, convolutions (transposed ones too) and attention, on PyTorch's meta device, where
nothing is computed and everything is taken apart into these. Additions, activations,
normalisations, look-ups and Fourier transforms count nothing, as everywhere in the field.

PyTorch's counter does not know the fused kernels of recurrent layers. On the meta device they
fall into their products, so each step of an LSTM counts 4·hidden·(input + hidden), of a GRU
3·hidden·(input + hidden), of an RNN hidden·(input + hidden), a direction and a layer; with
`proj_size` p an LSTM's step counts 4·hidden·(input + p) + hidden·p.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netbuilder.analysis.places import Path, Places
from netbuilder.compiler.emit import Place


@dataclass(slots=True)
class Booked:
    """An amount in all, and by node.

    `by_node` is by the ids of graph and node: a node of a block has that of all its uses.
    `by_use` is by the path of a use (as in `Report.uses`: the ids of the network and of the
    nodes that lead to it, with slashes between) and the node's id; the network's own path is
    its id. Repetitions and steps of one use are together.
    """

    total: int = 0
    by_node: Counter[Place] = field(default_factory=Counter)
    by_use: dict[str, Counter[str]] = field(default_factory=dict)

    def book(self, path: Path, amount: int) -> None:
        """Add to each node on the way."""
        self.total += amount
        for place in set(path):
            self.by_node[place] += amount
        use = path[0][0] if path else ""
        for _, node in path:
            self.by_use.setdefault(use, Counter())[node] += amount
            use = f"{use}/{node}"

    def at(self, use: str, node: str) -> int:
        """What a node cost in one use of its graph."""
        return self.by_use.get(use, Counter())[node]

    def scaled(self, other: Booked, own: int, others: int) -> Booked:
        """own·self + others·other, place by place."""

        def mixed(a: Mapping[Any, int], b: Mapping[Any, int]) -> Counter[Any]:
            keys = {**a, **b}
            return Counter({k: own * a.get(k, 0) + others * b.get(k, 0) for k in keys})

        uses = {**self.by_use, **other.by_use}
        none: Counter[str] = Counter()
        return Booked(
            own * self.total + others * other.total,
            mixed(self.by_node, other.by_node),
            {u: mixed(self.by_use.get(u, none), other.by_use.get(u, none)) for u in uses},
        )


class _Counter(FlopCounterMode):
    """Books every operation with the nodes whose generated code led to it."""

    def __init__(self, places: Places) -> None:
        super().__init__(display=False)
        self._places = places
        self.booked = Booked()

    def _count_flops(self, func_packet: Any, out: Any, args: Any, kwargs: Any) -> Any:
        before = self.get_total_flops()
        out = super()._count_flops(func_packet, out, args, kwargs)  # type: ignore[no-untyped-call]
        flops = self.get_total_flops() - before
        if flops:
            self.booked.book(self._places.now(), flops // 2)
        return out


def count(module: nn.Module, inputs: Sequence[torch.Tensor]) -> Booked:
    """The multiply-accumulates of `module(*inputs)`; a compiled module, in eval mode."""
    counter = _Counter(Places(module))
    with counter:
        module(*inputs)
    return counter.booked

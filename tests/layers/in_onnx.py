"""Layers as ONNX files, which must compute what PyTorch does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import onnxruntime
import torch
from torch import nn

from netbuilder.exchange import graph_layers
from netbuilder.layers import dims
from netbuilder.layers.base import Layer
from netbuilder.layers.checks import BATCH
from tests.layers.cases.common import Case
from tests.layers.harness import SIZES, UNUSED, Network, flat, given, random_inputs

FREE = (BATCH, dims.symbol("V"), dims.symbol("E"))
"""The sizes that are free in files: samples, nodes and edges of a graph."""


class Together(nn.Module):
    """Several networks as one module, so that one export covers them all."""

    def __init__(self, networks: Sequence[nn.Module], counts: Sequence[int]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self.counts = counts

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        results: list[torch.Tensor] = []
        at = 0
        for network, count in zip(self.networks, self.counts, strict=True):
            results += flat(network(*inputs[at : at + count]))
            at += count
        return tuple(results)


def check(cases: Sequence[tuple[type[Layer], Case]], path: Path) -> None:
    """One export of all of these; ONNX Runtime gives PyTorch's numbers, at other sizes too."""
    networks = [Network(kind, case).build().eval() for kind, case in cases]
    model = Together(networks, [len(case.inputs) or 1 for _, case in cases]).eval()
    types = [tensor for _, case in cases for tensor in case.inputs.values() or [UNUSED]]
    free = tuple(
        {at: torch.export.Dim.DYNAMIC for at, dim in enumerate(tensor.shape) if dim in FREE}
        for tensor in types
    )
    names = [f"input_{i}" for i in range(len(types))]
    export = partial(
        torch.onnx.export,
        model,
        tuple(_tensors(cases, 0)),
        dynamo=True,
        input_names=names,
        dynamic_shapes=(free,),
        verbose=False,
    )
    program = graph_layers.exported(model, export)
    assert program is not None
    program.save(str(path))
    session = onnxruntime.InferenceSession(path)
    for more in (0, 1):
        values = _tensors(cases, more)
        with torch.no_grad():
            expected = model(*(tensor.clone() for tensor in values))
        wanted = {i.name for i in session.get_inputs()}
        feed = {n: t.numpy() for n, t in zip(names, values, strict=True) if n in wanted}
        for got, right in zip(session.run(None, feed), expected, strict=True):
            numbers = torch.from_numpy(got)
            torch.testing.assert_close(numbers, right, rtol=1e-4, atol=1e-5, equal_nan=True)


def check_pt2(kind: type[Layer], case: Case) -> None:
    """PyTorch exports the layer with free sizes, and what it wrote gives the same numbers."""
    network = Network(kind, case).build().eval()
    free = [
        {at: torch.export.Dim.DYNAMIC for at, dim in enumerate(tensor.shape) if dim in FREE}
        for tensor in case.inputs.values() or [UNUSED]
    ]
    program = torch.export.export(
        network, tuple(_tensors([(kind, case)], 0)), dynamic_shapes=tuple(free)
    )
    for more in (0, 1):
        found = []
        for module in (program.module(), network):
            torch.manual_seed(0)
            with torch.no_grad():
                found.append(flat(module(*_tensors([(kind, case)], more))))
        torch.testing.assert_close(*found, equal_nan=True)


def _tensors(cases: Sequence[tuple[type[Layer], Case]], more: int) -> list[torch.Tensor]:
    """Inputs for all of them, each free size larger than usual by so many."""
    sizes = {**SIZES, **{str(size): SIZES[str(size)] + more for size in FREE}}
    made = [random_inputs(case, 3 + more, sizes) for _, case in cases]
    return [tensor for inputs in made for tensor in given(inputs, sizes["N"])]

"""Tensors that choose parts of others, and counts whose size comes from around a module."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import netbuilder as nb


class Counting(nn.Module):
    """Counts the batch, which it is not given."""

    def forward(self, x: Tensor, rows: int) -> Tensor:
        return torch.arange(rows).unsqueeze(1) * x.sum()


class Around(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.counting = Counting()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.counting(self.first.weight, x.shape[0]) + self.first(x)
        return y


class Chosen(nn.Module):
    """Rows and places of a mask at once, as transformers look them up."""

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.arange(x.shape[0])[:, None, None]
        places = torch.arange(5)[None, None, :]
        return x[rows, places] + x[:, :1, None]


class Backwards(nn.Module):
    """Indices that count from the end, in dims behind the first."""

    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        return x[:, ids, ids - 2]


class Rows(nn.Module):
    def forward(self, x: Tensor, ids: Tensor) -> Tensor:
        return x[:, ids].sum(1)


class Differences(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.diff(x, dim=1, prepend=x[:, :1] - 1) + torch.diff(x, append=x[:, 1:2])


IDS = torch.tensor([[0, 1, 2], [3, 1, 0]])


@pytest.mark.parametrize(
    ("module", "inputs"),
    [
        (Around(), torch.randn(2, 3)),
        (Chosen(), torch.randn(2, 5)),
        (Backwards(), (torch.randn(2, 4, 4, 3), IDS)),
        (Rows(), (torch.randn(2, 4), IDS)),
        (Differences(), torch.randn(2, 5)),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, nn.Module) else "",
)
def test_it_has_layers_and_computes_the_same(
    module: nn.Module, inputs: Tensor | tuple[Tensor, ...]
) -> None:
    project = nb.from_module(module.eval(), inputs)
    assert project.imported["unsupported"] == []
    assert project.imported["verified"], project.imported["notes"]
    first, *more = inputs if isinstance(inputs, tuple) else (inputs,)
    given = (torch.cat([first, first + 1, first]), *more)
    assert torch.allclose(project.module("main")(*given), module(*given), atol=1e-6)

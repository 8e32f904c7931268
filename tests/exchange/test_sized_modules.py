"""Constants, counts and places whose sizes come in, of a living module."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from netbuilder.compiler import build
from netbuilder.exchange.bring import importing
from netbuilder.exchange.bring.importing import Brought
from netbuilder.graph.model import Node
from netbuilder.storage import format


class Made(nn.Module):
    """What a function makes of N×T×3."""

    def __init__(self, made: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.made = made

    def forward(self, x: Tensor) -> Tensor:
        return self.made(x)


def found_of(made: Callable[[Tensor], Tensor]) -> tuple[Brought, nn.Module, list[Node]]:
    """What an import with a free length comes to, as it is saved and read again."""
    shapes = ({0: Dim.AUTO, 1: Dim("T", min=2, max=64)},)
    found = importing.from_module(Made(made).eval(), torch.randn(4, 5, 3), shapes)
    assert found.unsupported == ()
    assert found.verified, found.notes
    document = format.loads(format.dumps(found.document))
    graph = document.network("main")
    assert graph is not None
    return found, build.build_network(document, "main").eval(), list(graph.ordered())


@pytest.mark.parametrize("number", [float("inf"), -float("inf")])
def test_what_is_filled_with_no_end_is_saved_as_a_text(number: float) -> None:
    """JSON has no endless numbers."""
    _, network, nodes = found_of(lambda x: torch.full((x.shape[0], x.shape[1]), number))
    (filled,) = [node for node in nodes if node.layer == "torch.full_like"]
    assert filled.params["fill_value"] == str(number)
    assert torch.equal(network(torch.randn(2, 7, 3)), torch.full((2, 7), number))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.float32])
def test_counts_have_the_dtype_that_is_asked_for(dtype: torch.dtype) -> None:
    """Up to a size that comes in, from another start too."""
    _, network, _ = found_of(lambda x: torch.arange(2, x.shape[1] + 2, dtype=dtype))
    assert torch.equal(network(torch.randn(2, 9, 3)), torch.arange(2, 11, dtype=dtype))
    assert network(torch.randn(2, 9, 3)).dtype is dtype


def test_the_last_place_of_a_free_length_is_the_last_of_any() -> None:
    """It is counted from the end, not where the example had it."""
    _, network, nodes = found_of(lambda x: x.select(1, x.shape[1] - 1))
    (chosen,) = [node for node in nodes if node.layer == "torch.select"]
    assert chosen.params["index"] == -1
    x = torch.randn(2, 11, 3)
    assert torch.equal(network(x), x[:, 10])

"""Modules in 16 bits come in as networks in float32."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from netbuilder.compiler import build
from netbuilder.exchange.bring import importing


class Scores(nn.Module):
    """Words with a head of the same table, normalised in float32 in between."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(12, 6)
        self.norm = nn.LayerNorm(6)
        self.head = nn.Linear(6, 12, bias=False)
        self.head.weight = self.words.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens)
        x = self.norm(x.float().to(x.dtype)) * 2
        made: Tensor = self.head(x)
        return made


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("exported", [False, True])
def test_a_module_in_16_bits_is_the_network(
    dtype: torch.dtype, exported: bool, tmp_path: Path
) -> None:
    """Weights are the module's own, ties stay, and casts there and back leave no nodes."""
    module = Scores().to(dtype).eval()
    tokens = torch.randint(0, 12, (2, 5))
    if exported:
        torch.export.save(torch.export.export(module, (tokens,)), tmp_path / "m.pt2")
        found = importing.from_pt2(tmp_path / "m.pt2")
    else:
        found = importing.from_module(module, tokens)
    assert found.verified, (found.notes, found.max_rel_error)
    assert found.max_rel_error is not None
    assert found.max_rel_error > 0
    assert any("in float32" in note for note in found.notes)
    graph = found.document.network("main")
    assert graph is not None
    assert not any(node.layer.rpartition(".")[2] == "to" for node in graph.nodes.values())
    network = build.build_network(found.document, "main")
    assert sum(each.numel() for each in network.parameters()) == 12 * 6 + 12
    assert any(torch.equal(w, module.words.weight.float()) for w in found.weights.values())


def test_inputs_in_16_bits_are_floats() -> None:
    """What comes in as well."""
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).half().eval()
    found = importing.from_module(module, torch.randn(2, 4).half())
    assert found.verified, found.notes
    graph = found.document.network("main")
    assert graph is not None
    (given,) = (node for node in graph.nodes.values() if node.layer == "netbuilder.Input")
    assert "dtype" not in given.params


class Casting(nn.Module):
    """In float32, with a stretch in bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        return (x.bfloat16() * 3).float()


def test_casts_of_a_module_in_float32_stay() -> None:
    """They are what it computes."""
    found = importing.from_module(Casting(), torch.randn(2, 4))
    assert found.verified
    assert found.max_rel_error == 0.0
    assert found.notes == ()

"""Squeeze and excite, and experts, by hand."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netbuilder.parts.routing import MixtureOfExperts, SqueezeExcite


def test_squeeze_and_excite_weighs_channels() -> None:
    layer = SqueezeExcite(8, 4)
    x = torch.randn(2, 8, 3, 5)
    means = torch.stack([x[:, c].flatten(1).mean(1) for c in range(8)], 1)
    first, second = layer.fc1, layer.fc2
    hidden = torch.relu(F.linear(means, first.weight[..., 0, 0], first.bias))
    gate = torch.sigmoid(F.linear(hidden, second.weight[..., 0, 0], second.bias))
    torch.testing.assert_close(layer(x), x * gate[..., None, None])


def expert(layer: MixtureOfExperts, number: int, x: torch.Tensor) -> torch.Tensor:
    hidden = F.gelu(F.linear(x, layer.up_weight[number], layer.up_bias[number]))
    return F.linear(hidden, layer.down_weight[number], layer.down_bias[number])


def random_biases(layer: MixtureOfExperts) -> MixtureOfExperts:
    nn.init.normal_(layer.up_bias)
    nn.init.normal_(layer.down_bias)
    return layer


def test_one_expert_is_a_feed_forward_layer() -> None:
    layer = random_biases(MixtureOfExperts(4, 6, 1, 1))
    x = torch.randn(2, 3, 4)
    output, balance = layer(x)
    torch.testing.assert_close(output, expert(layer, 0, x))
    assert balance.item() == pytest.approx(1.0)


@pytest.mark.parametrize("top_k", [1, 2, 4])
def test_each_vector_gets_its_best_experts(top_k: int) -> None:
    layer = random_biases(MixtureOfExperts(5, 6, 4, top_k))
    x = torch.randn(7, 5)
    output, balance = layer(x)
    counts, chances = torch.zeros(4), torch.zeros(4)
    for vector, got in zip(x, output, strict=True):
        chance = torch.softmax(layer.router(vector), 0)
        best = sorted(range(4), key=lambda e: -chance[e].item())[:top_k]
        whole = sum(chance[e].item() for e in best) if top_k > 1 else 1.0
        parts = [chance[e] / whole * expert(layer, e, vector) for e in best]
        torch.testing.assert_close(got, torch.stack(parts).sum(0))
        counts[best] += 1 / (7 * top_k)
        chances += chance / 7
    torch.testing.assert_close(balance, 4 * (counts * chances).sum())


def test_the_balance_tells_a_favourite_from_equal_use() -> None:
    layer = MixtureOfExperts(4, 2, 4, 1)
    with torch.no_grad():
        layer.router.weight.copy_(50 * torch.eye(4))
    equal = torch.eye(4).repeat(3, 1)
    assert layer(equal)[1].item() == pytest.approx(1.0)
    assert layer(equal[:1].expand(6, 4))[1].item() == pytest.approx(4.0)

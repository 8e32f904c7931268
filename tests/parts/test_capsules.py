"""Capsules against the paper's formulas and properties."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netbuilder.parts.capsules import CapsuleLength, CapsuleRouting, PrimaryCapsules, Squash


@pytest.mark.parametrize("length", [0.01, 0.5, 1.0, 20.0])
def test_squash_keeps_the_direction(length: float) -> None:
    vector = length * torch.tensor([0.6, 0.0, -0.8])
    got = Squash()(vector)
    assert got.norm().item() == pytest.approx(length**2 / (1 + length**2), rel=1e-3)
    torch.testing.assert_close(got / got.norm(), vector / length)
    torch.testing.assert_close(Squash(0)(vector[:, None])[:, 0], got)


def test_squash_has_a_gradient_at_zero() -> None:
    zero = torch.zeros(2, 3, requires_grad=True)
    Squash()(zero).sum().backward()
    assert zero.grad is not None
    assert torch.isfinite(zero.grad).all()


def test_primary_capsules_are_channels_of_one_place() -> None:
    layer = PrimaryCapsules(2, 3, 4, kernel_size=3)
    x = torch.randn(2, 2, 7, 9)
    features = layer.conv(x)
    got = layer(x)
    height, width = features.shape[-2:]
    assert got.shape == (2, 3 * height * width, 4)
    for kind in range(3):
        for i in range(height):
            for j in range(width):
                vector = features[:, 4 * kind : 4 * kind + 4, i, j]
                at = (kind * height + i) * width + j
                torch.testing.assert_close(got[:, at], Squash()(vector))


def test_one_round_is_the_mean_of_the_votes() -> None:
    layer = CapsuleRouting(5, 3, 2, 4, iterations=1)
    x = torch.randn(2, 5, 3)
    output, couplings = layer(x)
    torch.testing.assert_close(couplings, torch.full((2, 5, 2), 0.5))
    votes = torch.stack([layer.weight[i] @ x[:, i].mT for i in range(5)]).permute(3, 0, 1, 2)
    torch.testing.assert_close(output, Squash()(0.5 * votes.sum(1)))


@pytest.mark.parametrize("iterations", [2, 3])
def test_routing_is_the_papers_procedure(iterations: int) -> None:
    layer = CapsuleRouting(6, 3, 4, 5, iterations)
    x = torch.randn(1, 6, 3)
    votes = torch.einsum("iokd,id->iok", layer.weight, x[0])
    logits = torch.zeros(6, 4)
    for _ in range(iterations):
        couplings = torch.softmax(logits, 1)
        above = Squash()((couplings[..., None] * votes).sum(0))
        logits = logits + (votes * above).sum(-1)
    output, got = layer(x)
    torch.testing.assert_close(output[0], above)
    torch.testing.assert_close(got[0], couplings)
    torch.testing.assert_close(got.sum(-1), torch.ones(1, 6))
    assert got.std() > 0
    assert (CapsuleLength()(output) < 1).all()


def test_votes_that_agree_are_coupled_more() -> None:
    layer = CapsuleRouting(3, 2, 2, 2, iterations=5)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(2).expand_as(layer.weight))
        layer.weight[2, 0] *= -1  # The last one votes against the others, for the first capsule.
    _, couplings = layer(torch.tensor([[[2.0, 1.0]] * 3]))
    assert couplings[0, 2, 0] < couplings[0, 0, 0] == couplings[0, 1, 0]
    assert couplings[0, 2, 1] > couplings[0, 0, 1]


def test_lengths() -> None:
    assert CapsuleLength()(torch.tensor([[[3.0, 4.0], [0.0, 0.0]]])).tolist() == [[5.0, 0.0]]


def test_the_papers_network_has_its_6_8_million_weights() -> None:
    with torch.device("meta"):
        network = nn.Sequential(
            nn.Conv2d(1, 256, 9),
            nn.ReLU(),
            PrimaryCapsules(256, 32, 8),
            CapsuleRouting(32 * 6 * 6, 8, 10, 16),
        )
        output, _ = network(torch.empty(2, 1, 28, 28))
    assert output.shape == (2, 10, 16)
    assert sum(weight.numel() for weight in network.parameters()) == 6_804_224

"""The codebook by brute force."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netbuilder.parts.quantising import VectorQuantizer


def quantizer(codes: int, size: int, commitment: float = 0.25, dim: int = 1) -> VectorQuantizer:
    layer = VectorQuantizer(codes, size, commitment, dim)
    nn.init.normal_(layer.codes)
    return layer


@pytest.mark.parametrize(("shape", "dim"), [((3, 4), 1), ((3, 5, 4), -1), ((3, 4, 2, 5), 1)])
def test_each_vector_becomes_the_nearest_code(shape: tuple[int, ...], dim: int) -> None:
    torch.manual_seed(1)
    layer = quantizer(7, 4, dim=dim)
    x = torch.randn(shape)
    output, _, indices = layer(x)
    assert output.shape == x.shape
    vectors = x.movedim(dim, -1).reshape(-1, 4)
    got = output.movedim(dim, -1).reshape(-1, 4)
    chosen = indices.flatten().tolist()
    assert len(chosen) == len(vectors)
    for vector, code, number in zip(vectors, got, chosen, strict=True):
        distances = [(vector - c).square().sum().item() for c in layer.codes]
        assert distances.index(min(distances)) == number
        assert torch.equal(code, layer.codes[number])
    assert len(set(chosen)) > 1


def test_gradients_pass_straight_through_and_losses_reach_their_own() -> None:
    layer = quantizer(5, 3, commitment=0.5)
    x = torch.randn(6, 3, requires_grad=True)
    output, loss, _ = layer(x)
    weights = torch.randn(6, 3)
    (output * weights).sum().backward(retain_graph=True)
    assert x.grad is not None
    assert torch.equal(x.grad, weights)
    assert layer.codes.grad is None
    to_input, to_codes = torch.autograd.grad(loss, (x, layer.codes), retain_graph=True)
    distance = (x - output).detach()
    torch.testing.assert_close(to_input, 0.5 * 2 * distance / 18)
    torch.testing.assert_close(to_codes.sum(0), -2 * distance.sum(0) / 18)
    torch.testing.assert_close(loss, 1.5 * F.mse_loss(x, output.detach()))

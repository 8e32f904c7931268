"""Gated and steered layers against their formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netbuilder.parts.gating import (
    GEGLU,
    AdaIN,
    FiLM,
    GatedResidual,
    Highway,
    LoRALinear,
    ModulatedConv2d,
    SwiGLU,
)


@pytest.mark.parametrize(("kind", "function"), [(SwiGLU, F.silu), (GEGLU, F.gelu)])
@pytest.mark.parametrize("bias", [False, True])
def test_gated_units(kind: type[SwiGLU], function: nn.Module, bias: bool) -> None:
    layer = kind(4, 6, bias)
    x = torch.randn(2, 3, 4)
    w = dict(layer.named_parameters())
    assert len(w) == (6 if bias else 3)
    zero = torch.zeros(())
    hidden = function(x @ w["gate.weight"].T + w.get("gate.bias", zero))
    hidden = hidden * (x @ w["up.weight"].T + w.get("up.bias", zero))
    torch.testing.assert_close(layer(x), hidden @ w["down.weight"].T + w.get("down.bias", zero))


def test_highway_passes_by_or_through() -> None:
    x = torch.randn(3, 5)
    torch.testing.assert_close(Highway(5, gate_bias=-50.0)(x), x)
    through = Highway(5, gate_bias=50.0)
    torch.testing.assert_close(through(x), torch.relu(through.transform(x)))


def test_gated_residual_lies_between_both() -> None:
    layer = GatedResidual(4)
    a, b = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    got = layer(a, b)
    gate = 1 / (1 + torch.exp(-layer.gate(torch.cat((a, b), -1))))
    torch.testing.assert_close(got, gate * a + (1 - gate) * b)
    assert (got >= torch.minimum(a, b) - 1e-6).all()
    assert (got <= torch.maximum(a, b) + 1e-6).all()


def test_lora_begins_as_its_base_and_learns_a_low_rank() -> None:
    layer = LoRALinear(10, 8, rank=2, alpha=3.0)
    x = torch.randn(4, 10)
    assert torch.equal(layer(x), layer.base(x))
    nn.init.normal_(layer.lora_b)
    change = 1.5 * layer.lora_b @ layer.lora_a
    assert torch.linalg.matrix_rank(change) == 2
    torch.testing.assert_close(layer(x), F.linear(x, layer.base.weight + change, layer.base.bias))
    layer(x).sum().backward()
    learnt = {name for name, weight in layer.named_parameters() if weight.grad is not None}
    assert learnt == {"lora_a", "lora_b"}


@pytest.mark.parametrize("places", [(), (5,), (2, 3)])
def test_film_scales_and_shifts_channels(places: tuple[int, ...]) -> None:
    layer = FiLM(3, 4)
    x, condition = torch.randn(2, 3, *places), torch.randn(2, 4)
    both = layer.linear(condition)
    got = layer(x, condition)
    for c in range(3):
        for n in range(2):
            torch.testing.assert_close(got[n, c], x[n, c] * (1 + both[n, c]) + both[n, 3 + c])


def test_adain_gives_channels_the_styles_statistics() -> None:
    layer = AdaIN(3, 4, eps=1e-12)
    x, style = 5 + 3 * torch.randn(2, 3, 6, 7), torch.randn(2, 4)
    scale, shift = layer.linear(style).chunk(2, 1)
    deviation, mean = torch.std_mean(layer(x, style), (2, 3), correction=0)
    torch.testing.assert_close(mean, shift, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(deviation, (1 + scale).abs(), rtol=1e-4, atol=1e-5)
    normal = F.instance_norm(x, eps=1e-12) * (1 + scale)[..., None, None]
    torch.testing.assert_close(layer(x, style), normal + shift[..., None, None])


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulated_convolution_is_one_with_a_kernel_for_each_sample(demodulate: bool) -> None:
    layer = ModulatedConv2d(3, 5, 3, 4, demodulate)
    nn.init.normal_(layer.bias)
    x, style = torch.randn(2, 3, 6, 6), torch.randn(2, 4)
    for n, scale in enumerate(layer.linear(style)):
        weight = layer.weight / (3 * 9) ** 0.5 * scale[:, None, None]
        if demodulate:
            weight = weight / torch.sqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        right = F.conv2d(x[n : n + 1], weight, layer.bias, padding=1)
        torch.testing.assert_close(layer(x, style)[n : n + 1], right, rtol=1e-4, atol=1e-5)

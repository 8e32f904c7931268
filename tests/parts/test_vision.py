"""Patches, windows and norms against formulas by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netbuilder.parts.noise import MinibatchStdDev
from netbuilder.parts.vision import (
    BlurPool2d,
    GlobalResponseNorm,
    LayerNorm2d,
    PatchEmbed,
    ShiftedWindowMask,
    WindowPartition,
    WindowReverse,
)


def test_patches_are_linear_maps_of_cut_pixels() -> None:
    embed = PatchEmbed(3, 5, (2, 4))
    x = torch.randn(2, 3, 4, 8)
    weight, bias = embed.projection.weight.flatten(1), embed.projection.bias
    assert bias is not None
    rows = [
        x[:, :, i : i + 2, j : j + 4].flatten(1) @ weight.T + bias for i in (0, 2) for j in (0, 4)
    ]
    torch.testing.assert_close(embed(x), torch.stack(rows, 1))


def test_layer_norm_2d_normalises_each_pixel() -> None:
    norm = LayerNorm2d(4)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = torch.randn(2, 4, 3, 5)
    mean, variance = x.mean(1, keepdim=True), x.var(1, correction=0, keepdim=True)
    right = (x - mean) / torch.sqrt(variance + 1e-6)
    right = right * norm.weight[:, None, None] + norm.bias[:, None, None]
    torch.testing.assert_close(norm(x), right)


def test_global_response_norm_is_the_papers_formula() -> None:
    norm = GlobalResponseNorm(3)
    x = torch.randn(2, 3, 4, 5)
    assert torch.equal(norm(x), x)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    got = norm(x)
    for n in range(2):
        norms = [x[n, c].square().sum().sqrt() for c in range(3)]
        mean = sum(norms, torch.zeros(())) / 3
        for c in range(3):
            scaled = norm.weight[c] * (x[n, c] * norms[c] / (mean + 1e-6))
            torch.testing.assert_close(got[n, c], scaled + norm.bias[c] + x[n, c])


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_blur_keeps_what_is_flat_and_takes_fine_stripes_away(stride: int) -> None:
    blur = BlurPool2d(stride)
    flat = torch.full((1, 2, 9, 7), 3.0)
    assert torch.equal(blur(flat), flat[:, :, ::stride, ::stride])
    stripes = torch.tensor([1.0, -1.0]).repeat(8).expand(1, 1, 16, 16)
    assert blur(stripes)[..., 1:-1].abs().max() == 0


def test_windows_are_cut_and_put_together() -> None:
    x = torch.arange(2 * 4 * 6.0).reshape(2, 4, 6, 1)
    windows = WindowPartition(2)(x)
    assert windows.shape == (12, 4, 1)
    expected = [
        x[n, i : i + 2, j : j + 2].flatten().tolist()
        for n in range(2)
        for i in (0, 2)
        for j in (0, 2, 4)
    ]
    assert windows.squeeze(-1).tolist() == expected
    assert torch.equal(WindowReverse(2)(windows, x), x)
    assert torch.equal(WindowReverse(2)(windows.unflatten(0, (2, 6)), x), x)


def test_shifted_windows_see_true_neighbours_only() -> None:
    size, shift = 3, 1
    x = torch.empty(1, 6, 9, 1)
    mask = ShiftedWindowMask(size, shift)(x)
    places = torch.stack(torch.meshgrid(torch.arange(6), torch.arange(9), indexing="ij"), -1)
    rolled = torch.roll(places, (-shift, -shift), (0, 1))[None]
    windows = WindowPartition(size)(rolled)
    for window, allowed in zip(windows, mask == 0, strict=True):
        distance = (window[:, None] - window[None]).abs().amax(-1)
        assert torch.equal(allowed, distance < size)
    assert (ShiftedWindowMask(size, 0)(x) == 0).all()


def test_minibatch_deviation_tells_equal_samples() -> None:
    layer = MinibatchStdDev(eps=1e-12)
    x = torch.randn(5, 3, 4, 4)
    got = layer(x)
    assert torch.equal(got[:, :3], x)
    deviation = x.std(0, correction=0).mean()
    torch.testing.assert_close(got[:, 3], deviation.expand(5, 4, 4))
    same = x[:1].expand(5, -1, -1, -1).clone().requires_grad_()
    layer(same).sum().backward()
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()

"""DCGAN and CycleGAN compute what their published layer lists compute, given the same weights.

The lists are those of Radford and others 2015, as PyTorch's DCGAN example has them at 64×64, and of
Zhu and others 2017, appendix 7.2, with the residual blocks of Johnson and others 2016.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import netbuilder as nb

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(300)]


class Residual(nn.Module):
    """Two convolutions with mirrored edges, and the way around them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for last in (False, True):
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3)]
            layers += [nn.InstanceNorm2d(channels)] + ([] if last else [nn.ReLU()])
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.body(x)
        return result


def dcgan_generator() -> nn.Module:
    layers: list[nn.Module] = [nn.Unflatten(1, (100, 1, 1))]
    before = 100
    for channels, stride, padding in ((512, 1, 0), (256, 2, 1), (128, 2, 1), (64, 2, 1)):
        layers.append(nn.ConvTranspose2d(before, channels, 4, stride, padding, bias=False))
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        before = channels
    layers += [nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False), nn.Tanh()]
    return nn.Sequential(*layers)


def dcgan_discriminator() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for channels in (128, 256, 512):
        layers.append(nn.Conv2d(channels // 2, channels, 4, 2, 1, bias=False))
        layers += [nn.BatchNorm2d(channels), nn.LeakyReLU(0.2)]
    layers += [nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Sigmoid(), nn.Flatten()]
    return nn.Sequential(*layers)


def cyclegan_generator() -> nn.Module:
    """c7s1-64, d128, d256, nine R256, u128, u64, c7s1-3."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, 64, 7)]
    layers += [nn.InstanceNorm2d(64), nn.ReLU()]
    for channels in (128, 256):
        layers.append(nn.Conv2d(channels // 2, channels, 3, 2, 1))
        layers += [nn.InstanceNorm2d(channels), nn.ReLU()]
    layers += [Residual(256) for _ in range(9)]
    for channels in (128, 64):
        layers.append(nn.ConvTranspose2d(2 * channels, channels, 3, 2, 1, 1))
        layers += [nn.InstanceNorm2d(channels), nn.ReLU()]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(64, 3, 7), nn.Tanh()]
    return nn.Sequential(*layers)


def cyclegan_discriminator() -> nn.Module:
    """C64, C128, C256, C512 and a score for each patch of 70×70 pixels."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1), nn.LeakyReLU(0.2)]
    for channels, stride in ((128, 2), (256, 2), (512, 1)):
        layers.append(nn.Conv2d(channels // 2, channels, 4, stride, 1))
        layers += [nn.InstanceNorm2d(channels), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(512, 1, 4, 1, 1))


def same_weights(reference: nn.Module, ours: nn.Module) -> None:
    """Random weights and averages, in the order of both."""
    generator = torch.Generator().manual_seed(0)
    given, taken = reference.state_dict(), ours.state_dict()
    assert [value.shape for value in given.values()] == [value.shape for value in taken.values()]
    for name, value in given.items():
        if value.is_floating_point():
            noise = 0.05 * torch.randn(value.shape, generator=generator)
            spread = name.endswith("running_var")
            given[name] = value + (noise.abs() if spread else noise)
    reference.load_state_dict(given)
    ours.load_state_dict(dict(zip(taken, given.values(), strict=True)))


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    ("id", "network", "make", "shape"),
    [
        ("dcgan", "generator", dcgan_generator, (100,)),
        ("dcgan", "discriminator", dcgan_discriminator, (3, 64, 64)),
        ("cyclegan", "to_flower", cyclegan_generator, (3, 128, 128)),
        ("cyclegan", "to_temple", cyclegan_generator, (3, 128, 128)),
        ("cyclegan", "judge_flower", cyclegan_discriminator, (3, 128, 128)),
        ("cyclegan", "judge_temple", cyclegan_discriminator, (3, 128, 128)),
    ],
)
def test_it_is_the_published_network(
    id: str, network: str, make: object, shape: tuple[int, ...], train: bool
) -> None:
    assert callable(make)
    reference, ours = make(), nb.template(id).module(network)
    same_weights(reference, ours)
    reference.train(train)
    ours.train(train)
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected, found = reference(x), ours(x)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_a_score_looks_at_70_pixels() -> None:
    ours = nb.template("cyclegan").module("judge_flower").eval()
    # Norms look at the whole picture: without them what is left are the windows.
    for name, part in list(ours.named_modules()):
        if isinstance(part, nn.InstanceNorm2d):
            parent, _, last = name.rpartition(".")
            setattr(ours.get_submodule(parent), last, nn.Identity())
    x = torch.zeros(1, 3, 128, 128, requires_grad=True)
    ours(x)[0, 0, 7, 7].backward()
    assert x.grad is not None
    seen = x.grad.abs().sum((0, 1)).nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [70, 70]

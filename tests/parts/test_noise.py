"""Random layers: their means, spreads and what they do outside of training."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from netbuilder.parts.noise import (
    GaussianNoise,
    KLToStandardNormal,
    Noise,
    ReparametrisedNormal,
    StochasticDepth,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_gaussian_noise_is_for_training_alone() -> None:
    layer = GaussianNoise(0.5)
    x = torch.ones(200, 500)
    noise = layer(x) - x
    assert noise.std().item() == pytest.approx(0.5, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.01)
    assert layer.eval()(x) is x


@pytest.mark.parametrize(
    ("kind", "mean", "spread"), [("normal", 0.0, 1.0), ("uniform", 0.5, 12**-0.5)]
)
def test_noise_is_new_with_every_call(kind: str, mean: float, spread: float) -> None:
    layer = Noise((100, 50), kind).eval()
    first, second = layer(torch.empty(20, 3)), layer(torch.empty(20, 3))
    assert first.shape == (20, 100, 50)
    assert not torch.equal(first, second)
    assert first.mean().item() == pytest.approx(mean, abs=0.01)
    assert first.std().item() == pytest.approx(spread, rel=0.01)


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_stochastic_depth_keeps_the_mean(mode: str) -> None:
    layer = StochasticDepth(0.25, mode)
    x = torch.ones(400, 2, 3)
    draws = torch.stack([layer(x) for _ in range(300)])
    assert sorted(set(draws.flatten().tolist())) == pytest.approx([0.0, 1 / 0.75])
    assert draws.mean().item() == pytest.approx(1.0, abs=0.1)
    per_sample = draws.flatten(2)
    assert torch.equal(per_sample.amin(-1), per_sample.amax(-1)), "a branch goes as a whole"
    together = per_sample[..., 0]
    same = (together == together[:, :1]).all(1)
    assert same.all() if mode == "batch" else not same.any()
    assert layer.eval()(x) is x


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_stochastic_depth_at_its_ends(p: float) -> None:
    x = torch.ones(3, 2)
    got = StochasticDepth(p)(x)
    assert torch.equal(got, x * (1 - p))


def test_reparametrised_normal_has_the_mean_and_spread_asked_for() -> None:
    layer = ReparametrisedNormal()
    mean = torch.full((50_000, 2), 3.0)
    logvar = torch.tensor([0.25, 4.0]).log().expand(50_000, 2)
    output, _ = layer(mean, logvar)
    assert output.mean(0).tolist() == pytest.approx([3.0, 3.0], abs=0.05)
    assert output.std(0).tolist() == pytest.approx([0.5, 2.0], rel=0.02)
    assert layer.eval()(mean, logvar)[0] is mean
    always = ReparametrisedNormal("always").eval()
    assert not torch.equal(always(mean, logvar)[0], always(mean, logvar)[0])


def test_gradients_pass_through_a_sample() -> None:
    mean = torch.zeros(4, 3, requires_grad=True)
    logvar = torch.zeros(4, 3, requires_grad=True)
    output, _ = ReparametrisedNormal()(mean, logvar)
    output.sum().backward()
    assert mean.grad is not None
    assert logvar.grad is not None
    assert torch.equal(mean.grad, torch.ones(4, 3))
    torch.testing.assert_close(logvar.grad, output.detach() / 2)


def test_the_divergence_is_that_of_torch_distributions() -> None:
    mean, logvar = torch.randn(5, 2, 3), torch.randn(5, 2, 3)
    right = kl_divergence(
        Normal(mean, torch.exp(logvar / 2)), Normal(torch.zeros(()), torch.ones(()))
    ).sum((1, 2))
    torch.testing.assert_close(ReparametrisedNormal()(mean, logvar)[1], right)
    torch.testing.assert_close(KLToStandardNormal("none")(mean, logvar), right)
    torch.testing.assert_close(KLToStandardNormal()(mean, logvar), right.mean())
    torch.testing.assert_close(KLToStandardNormal("sum")(mean, logvar), right.sum())

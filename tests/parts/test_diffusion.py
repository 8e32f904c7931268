"""Diffusion: schedules, noisy samples and the way back."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from netbuilder.parts.diffusion import (
    AddNoise,
    SignalLevel,
    Timestep,
    sample_diffusion,
    signal_levels,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_the_linear_schedule_is_that_of_ddpm() -> None:
    levels = signal_levels(1000)
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    torch.testing.assert_close(levels, (1 - betas).cumprod(0).float())
    assert levels[-1].item() == pytest.approx(4.036e-5, rel=1e-3)


def test_the_cosine_schedule_is_that_of_nichol_and_dhariwal() -> None:
    levels = signal_levels(1000, "cosine")

    def share(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    for at in (0, 100, 500, 900):
        assert levels[at].item() == pytest.approx(share((at + 1) / 1000) / share(0), rel=1e-4)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [2, 10, 200, 1000])
def test_less_and_less_signal_is_left(schedule: str, steps: int) -> None:
    levels = signal_levels(steps, schedule)
    assert levels.shape == (steps,)
    assert (levels[1:] < levels[:-1]).all()
    assert 0 < levels[-1] < 0.05
    assert levels[0] < 1


def test_noisy_samples_keep_their_variance() -> None:
    layer, time = AddNoise(50), torch.arange(50)
    x, noise = torch.randn(50, 4000), torch.randn(50, 4000)
    noisy, velocity = layer(x, noise, time)
    assert torch.allclose(noisy.var(1), torch.ones(50), atol=0.15)
    level = SignalLevel(50)(time)[:, None]
    torch.testing.assert_close(level.sqrt() * noisy - (1 - level).sqrt() * velocity, x)
    torch.testing.assert_close((1 - level).sqrt() * noisy + level.sqrt() * velocity, noise)


def test_times_are_all_of_the_steps() -> None:
    times = Timestep(7)(torch.empty(2000, 3))
    assert times.dtype == torch.int64
    assert times.unique().tolist() == list(range(7))


class Knowing(nn.Module):
    """Tells the noise of samples that are all the same picture."""

    def __init__(self, picture: torch.Tensor, prediction: str) -> None:
        super().__init__()
        self.picture, self.prediction = picture, prediction
        self.levels = signal_levels(40)
        self.calls: list[int] = []
        self.modes: list[bool] = []

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        self.calls.append(int(time[0]))
        self.modes.append(self.training)
        level = self.levels[time].view(-1, 1, 1)
        noise = (x - level.sqrt() * self.picture) / (1 - level).sqrt()
        if self.prediction == "sample":
            return self.picture.expand_as(x)
        if self.prediction == "velocity":
            return level.sqrt() * noise - (1 - level).sqrt() * self.picture
        return noise


@pytest.mark.parametrize("prediction", ["noise", "sample", "velocity"])
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_who_knows_the_noise_finds_the_picture(prediction: str, eta: float) -> None:
    network = Knowing(torch.randn(2, 3), prediction)
    x = sample_diffusion(
        network, torch.empty(5, 9), shape=(2, 3), count=4, steps=40, prediction=prediction, eta=eta
    )
    assert x.shape == (4, 2, 3)
    assert torch.allclose(x, network.picture.expand_as(x), atol=1e-3)
    assert network.calls == list(range(39, -1, -1))
    assert network.modes == [False] * 40
    assert network.training


def test_jumps_leave_steps_out() -> None:
    network = Knowing(torch.zeros(2, 3), "noise")
    sample_diffusion(network, torch.empty(1), shape=(2, 3), steps=40, jumps=5, eta=0.0)
    assert network.calls == [39, 29, 20, 10, 0]


def test_the_fixed_way_draws_nothing_but_the_first_noise() -> None:
    class Blind(nn.Module):
        def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            return 0.1 * x

    def make(eta: float) -> torch.Tensor:
        torch.manual_seed(3)
        sample_diffusion(Blind(), torch.empty(2), shape=(4,), steps=10, eta=eta)
        return torch.rand(1)

    torch.manual_seed(3)
    torch.randn(2, 4)
    after = torch.rand(1)
    assert torch.equal(make(0.0), after)
    assert not torch.equal(make(1.0), after)


def test_a_limit_keeps_guesses_within() -> None:
    class Wild(nn.Module):
        def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            return -50 * torch.ones_like(x)

    x = sample_diffusion(Wild(), torch.empty(3), shape=(4,), steps=10, eta=0.0, limit=1.0)
    assert x.abs().max() <= 1.0

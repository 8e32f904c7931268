"""Diffusion: how noisy a sample is at each step, and the way back from noise."""

from __future__ import annotations

import math

import torch
from torch import nn


def signal_levels(steps: int, schedule: str = "linear") -> torch.Tensor:
    """The share of the signal's power that is left at each step, alpha-bar: (steps,).

    'linear' raises the noise of a step evenly, from 0.0001 to 0.02 at 1000 steps (Ho
    and others 2020), and in proportion at fewer; 'cosine' lets the share follow a
    squared cosine (Nichol and Dhariwal 2021).
    """
    if schedule == "linear":
        betas = torch.linspace(1e-4, 0.02, steps, dtype=torch.float64) * (1000 / steps)
    else:
        times = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
        shares = torch.cos((times + 0.008) / 1.008 * math.pi / 2).square()
        betas = 1 - shares[1:] / shares[:-1]
    return (1 - betas.clamp(max=0.999)).cumprod(0).float()


class Timestep(nn.Module):
    """A step of a diffusion for each sample, at random: N whole numbers."""

    def __init__(self, steps: int = 1000) -> None:
        super().__init__()
        self.steps = steps

    def forward(self, reference: torch.Tensor) -> torch.Tensor:
        count, device = reference.shape[0], reference.device
        return torch.randint(0, self.steps, (count,), device=device)


class SignalLevel(nn.Module):
    """How much of the signal's power is left at each sample's step: N numbers."""

    levels: torch.Tensor

    def __init__(self, steps: int = 1000, schedule: str = "linear") -> None:
        super().__init__()
        self.register_buffer("levels", signal_levels(steps, schedule), persistent=False)

    def forward(self, timestep: torch.Tensor) -> torch.Tensor:
        return self.levels[timestep]


class AddNoise(nn.Module):
    """Samples at a step of a diffusion: what is left of them, and noise (Ho 2020).

    The velocity is what Salimans and Ho (2022) let a network predict in place of noise.
    """

    levels: torch.Tensor

    def __init__(self, steps: int = 1000, schedule: str = "linear") -> None:
        super().__init__()
        self.register_buffer("levels", signal_levels(steps, schedule), persistent=False)

    def forward(
        self, input: torch.Tensor, noise: torch.Tensor, timestep: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        level = self.levels[timestep].view(-1, *[1] * (input.dim() - 1))
        signal, spread = level.sqrt(), (1 - level).sqrt()
        return signal * input + spread * noise, signal * noise - spread * input


def sample_diffusion(
    network: nn.Module,
    reference: torch.Tensor,
    *conditions: torch.Tensor,
    shape: tuple[int, ...],
    count: int = 16,
    steps: int = 1000,
    schedule: str = "linear",
    prediction: str = "noise",
    jumps: int = 0,
    eta: float = 1.0,
    limit: float = 0.0,
) -> torch.Tensor:
    """Samples from noise, step by step, by a network that tells the noise in them.

    The network is called with N×shape, the step of each and the conditions. `eta` 1 is
    the random way of DDPM, 0 the fixed one of DDIM (Song and others 2021); `jumps`
    steps are gone of all, 0 for every one. A `limit` keeps what is guessed of the final
    sample between -limit and limit.
    """
    training = network.training
    network.eval()
    count = min(count, reference.shape[0])
    levels = signal_levels(steps, schedule).to(reference.device)
    times = torch.linspace(steps - 1, 0, jumps or steps).round().long().tolist()
    following = [levels[time] for time in times[1:]] + [levels.new_ones(())]
    conditions = tuple(condition[:count] for condition in conditions)
    with torch.no_grad():
        x = torch.randn(count, *shape, device=reference.device)
        for time, after in zip(times, following, strict=True):
            at = torch.full((count,), time, device=x.device)
            told, level = network(x, at, *conditions), levels[time]
            if prediction == "sample":
                guess = told
            elif prediction == "velocity":
                guess = level.sqrt() * x - (1 - level).sqrt() * told
            else:
                guess = (x - (1 - level).sqrt() * told) / level.sqrt()
            if limit:
                guess = guess.clamp(-limit, limit)
            noise = (x - level.sqrt() * guess) / (1 - level).sqrt()
            spread = eta * ((1 - after) / (1 - level) * (1 - level / after)).sqrt()
            kept = (1 - after - spread**2).clamp(min=0).sqrt()
            x = after.sqrt() * guess + kept * noise
            if spread > 0:
                x = x + spread * torch.randn_like(x)
    network.train(training)
    return x

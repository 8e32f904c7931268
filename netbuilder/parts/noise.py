"""Random numbers, and layers that are skipped at random."""

from __future__ import annotations

import torch
from torch import nn


class GaussianNoise(nn.Module):
    """Adds normal noise in training and nothing afterwards."""

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        self.std = std

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return input
        return input + self.std * torch.randn_like(input)


class Noise(nn.Module):
    """New random numbers with every call, for each sample of the reference."""

    def __init__(self, shape: tuple[int, ...], distribution: str = "normal") -> None:
        super().__init__()
        self.shape = shape
        self.distribution = distribution

    def forward(self, reference: torch.Tensor) -> torch.Tensor:
        make = torch.randn if self.distribution == "normal" else torch.rand
        return make(reference.shape[0], *self.shape, device=reference.device)


class StochasticDepth(nn.Module):
    """Drops a whole branch in training with probability p (Huang 2016).

    mode 'row' decides for each sample, 'batch' for all at once. What is left is divided
    by 1 - p, so that the mean stays the same.
    """

    def __init__(self, p: float = 0.1, mode: str = "row") -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        if not self.training or self.p == 0:
            return input
        count = input.shape[0] if self.mode == "row" else 1
        chances = torch.full((count, *[1] * (input.dim() - 1)), 1 - self.p)
        kept = torch.bernoulli(chances.to(input))
        return input * kept / (1 - self.p) if self.p < 1 else input * kept


class ReparametrisedNormal(nn.Module):
    """A sample of a normal distribution that gradients pass through (Kingma 2014).

    sample 'training' draws in training and gives the mean afterwards, 'always' draws
    each time. kl is the divergence from the standard normal, one number a sample.
    """

    def __init__(self, sample: str = "training") -> None:
        super().__init__()
        self.sample = sample

    def forward(
        self, mean: torch.Tensor, logvar: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).flatten(1).sum(1)
        if not self.training and self.sample == "training":
            return mean, kl
        return mean + torch.exp(0.5 * logvar) * torch.randn_like(mean), kl


class KLToStandardNormal(nn.Module):
    """How far normal distributions are from the standard normal, in nats.

    The sum over each sample's numbers; its mean over the batch, sum, or one a sample.
    """

    def __init__(self, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, mean: torch.Tensor, logvar: torch.Tensor) -> torch.Tensor:
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).flatten(1).sum(1)
        if self.reduction == "none":
            return kl
        return kl.mean() if self.reduction == "mean" else kl.sum()


class MinibatchStdDev(nn.Module):
    """Adds a channel with the mean standard deviation over the batch (Karras 2018).

    N×C×... becomes N×(C + 1)×...: a discriminator sees whether samples are too alike.
    """

    def __init__(self, eps: float = 1e-8) -> None:
        super().__init__()
        self.eps = eps

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        spread = torch.sqrt(input.var(0, correction=0) + self.eps).mean()
        return torch.cat((input, spread.expand_as(input[:, :1])), 1)

"""Losses between representations, and between the classes of two networks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class InfoNCELoss(nn.Module):
    """How well each vector finds its partner among those of the batch (Radford 2021).

    Cross-entropy over the cosines of all pairs N×N, divided by the temperature: from
    input to target, and back as well if symmetric.
    """

    def __init__(self, temperature: float = 0.1, symmetric: bool = True) -> None:
        super().__init__()
        self.temperature = temperature
        self.symmetric = symmetric

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        a, b = F.normalize(input, dim=-1), F.normalize(target, dim=-1)
        scores = a @ b.T / self.temperature
        partners = torch.arange(len(a), device=a.device)
        loss = F.cross_entropy(scores, partners)
        if not self.symmetric:
            return loss
        return (loss + F.cross_entropy(scores.T, partners)) / 2


class NTXentLoss(nn.Module):
    """How well two views of a sample find each other among all 2N (Chen 2020)."""

    def __init__(self, temperature: float = 0.5) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        count = len(input)
        views = F.normalize(torch.cat((input, target)), dim=-1)
        scores = views @ views.T / self.temperature
        itself = torch.eye(2 * count, dtype=torch.bool, device=scores.device)
        partners = torch.arange(2 * count, device=scores.device).roll(count)
        return F.cross_entropy(scores.masked_fill(itself, -torch.inf), partners)


class PairAccuracy(nn.Module):
    """The share of vectors that find their partner among the batch's, by the cosine."""

    def __init__(self, top_k: int = 1) -> None:
        super().__init__()
        self.top_k = top_k

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        a, b = F.normalize(input.detach(), dim=-1), F.normalize(target.detach(), dim=-1)
        scores = a @ b.T
        # Equal partners, such as twins, are as good as the own one, but for rounding.
        nearer = (scores > scores.diagonal().unsqueeze(1) + 1e-6).sum(1)
        return (nearer < self.top_k).float().mean()


class EnergyDistance(nn.Module):
    """How far two clouds of samples are apart (Székely and Rizzo 2013)."""

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        a, b = input.flatten(1), target.flatten(1)
        between = 2 * torch.cdist(a, b).mean()
        return between - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()


class DistillationLoss(nn.Module):
    """How far a student's classes are from a teacher's, at a temperature (Hinton 2015).

    The divergence from the teacher's probabilities in nats, its mean over the samples,
    times the squared temperature, so that gradients keep their size.
    """

    def __init__(self, temperature: float = 4.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, input: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        student = F.log_softmax(input / self.temperature, 1)
        teacher = F.log_softmax(target / self.temperature, 1)
        far = F.kl_div(student, teacher, reduction="none", log_target=True).sum(1)
        return far.mean() * self.temperature**2

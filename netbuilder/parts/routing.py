"""Gates and experts."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class SqueezeExcite(nn.Module):
    """Weighs each channel by a gate that sees the mean of all of them (Hu 2018)."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        pooled = input.mean((2, 3), keepdim=True)
        gate = self.fc2(torch.relu(self.fc1(pooled)))
        return input * torch.sigmoid(gate)


class MixtureOfExperts(nn.Module):
    """Feed-forward layers of which a router chooses top_k for each vector.

    Returns ...×features and the load-balancing loss of Fedus 2021: 1 if all experts get
    the same share, num_experts if one gets all. Every expert computes every vector and
    the gates of those that were not chosen are zero.
    """

    def __init__(
        self, features: int, hidden_features: int, num_experts: int, top_k: int = 2
    ) -> None:
        super().__init__()
        self.num_experts = num_experts
        self.top_k = top_k
        self.router = nn.Linear(features, num_experts, bias=False)
        up, down = (hidden_features, features), (features, hidden_features)
        self.up_weight = nn.Parameter(torch.empty(num_experts, *up))
        self.up_bias = nn.Parameter(torch.zeros(num_experts, hidden_features))
        self.down_weight = nn.Parameter(torch.empty(num_experts, *down))
        self.down_bias = nn.Parameter(torch.zeros(num_experts, features))
        for weight in (self.up_weight, self.down_weight):
            bound = weight.shape[-1] ** -0.5
            nn.init.uniform_(weight, -bound, bound)

    def forward(self, input: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        chances = torch.softmax(self.router(input), -1)
        best, chosen = chances.topk(self.top_k, -1)
        if self.top_k > 1:
            best = best / best.sum(-1, keepdim=True)
        gates = torch.zeros_like(chances).scatter(-1, chosen, best)
        hidden = torch.einsum("...f,ehf->...eh", input, self.up_weight) + self.up_bias
        hidden = F.gelu(hidden) * gates.unsqueeze(-1)
        output = torch.einsum("...eh,efh->...f", hidden, self.down_weight)
        return output + gates @ self.down_bias, self.balance(chances, chosen)

    def balance(self, chances: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        picked = F.one_hot(chosen, self.num_experts).flatten(0, -2).to(chances.dtype)
        share = picked.mean(0)
        return self.num_experts * (share * chances.flatten(0, -2).mean(0)).sum()

"""Codebooks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class VectorQuantizer(nn.Module):
    """Replaces each vector along dim by the nearest of num_codes learnt ones.

    Returns the codes in place of the vectors (gradients pass straight through), a loss
    that draws codes and vectors together, and the codes' numbers (van den Oord 2017).
    """

    def __init__(
        self, num_codes: int, code_size: int, commitment: float = 0.25, dim: int = 1
    ) -> None:
        super().__init__()
        self.commitment = commitment
        self.dim = dim
        self.codes = nn.Parameter(torch.empty(num_codes, code_size))
        nn.init.uniform_(self.codes, -1 / num_codes, 1 / num_codes)

    def forward(
        self, input: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        vectors = input.movedim(self.dim, -1)
        # |v - c|² without |v|², which is the same for all codes.
        distance = self.codes.square().sum(1) - 2 * vectors @ self.codes.T
        indices = distance.argmin(-1)
        chosen = F.embedding(indices, self.codes).movedim(-1, self.dim)
        to_codes = F.mse_loss(chosen, input.detach())
        to_input = F.mse_loss(input, chosen.detach())
        # The difference is exactly zero and carries the gradient.
        output = chosen.detach() + (input - input.detach())
        return output, to_codes + self.commitment * to_input, indices

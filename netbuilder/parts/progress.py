"""What changes as the training goes on."""

from __future__ import annotations

import torch
from torch import nn


class Progress(nn.Module):
    """A number that rises from 0 to 1 as its training step goes on.

    The trainer tells how far it is. begin and end are shares of the batches: before
    the one it is 0, after the other 1. Outside of a training it is 1.
    """

    value: torch.Tensor

    def __init__(self, begin: float = 0.0, end: float = 1.0) -> None:
        super().__init__()
        self.begin = begin
        self.end = end
        self.register_buffer("value", torch.ones(()), persistent=False)

    def tell_progress(self, share: float) -> None:
        """So much of the step is over, from 0 to 1."""
        risen = (share - self.begin) / (self.end - self.begin)
        self.value.fill_(min(1.0, max(0.0, risen)))

    def forward(self) -> torch.Tensor:
        # A copy, as the next batch overwrites it.
        return self.value.clone()

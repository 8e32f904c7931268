"""What is asked of a network's gradient."""

from __future__ import annotations

import torch
from torch import nn


def gradient_penalty(
    network: nn.Module,
    real: torch.Tensor,
    fake: torch.Tensor,
    *conditions: torch.Tensor,
    norm: float = 1.0,
) -> torch.Tensor:
    """How far the slope of a network's score is from `norm`: the mean of the squares.

    The slope is that of the score by its first input, for each sample as a whole, at a
    random point between the real and the fake one (Gulrajani and others 2017).
    """
    training = torch.is_grad_enabled()
    with torch.enable_grad():
        sizes = (len(real), *[1] * (real.dim() - 1))
        where = torch.rand(sizes, dtype=real.dtype, device=real.device)
        point = torch.lerp(real, fake, where).detach().requires_grad_()
        score = network(point, *conditions).sum()
        (slope,) = torch.autograd.grad(score, point, create_graph=training)
        penalty: torch.Tensor = (slope.flatten(1).norm(dim=1) - norm).square().mean()
    return penalty if training else penalty.detach()

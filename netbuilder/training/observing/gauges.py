"""What a run tells of its inside beside loss and metrics: gradients, learning rates, memory.

Taken when there is something to tell, never with every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import psutil
import torch
from torch import nn

from netbuilder.training.parallel.sharding import is_sharded

if TYPE_CHECKING:
    from netbuilder.training.steps import Step


def gauges(steps: Sequence[Step], device: torch.device) -> dict[str, float]:
    """`lr`, `grad_norm` and `memory_mb`; with several steps also `lr/STEP` and `grad_norm/STEP`.

    The norm is that of the gradients of the last update, after clipping; a step that has none
    tells none. Several processes must ask together; while gradients accumulate, each has the norm
    of its own share.
    """
    values = {"lr": steps[0].rate, "memory_mb": memory_mb(device)}
    several = len(steps) > 1
    for step in steps:
        end = f"/{step.plan.name}" if several else ""
        values[f"lr{end}"] = step.rate
        norm = gradient_norm(step)
        if norm is not None:
            values[f"grad_norm{end}"] = norm
    return values


def gradient_norm(step: Step) -> float | None:
    """The 2-norm of all gradients of a step together; None where there are none to be had."""
    gradients = [p.grad for p in step.parameters if p.grad is not None]
    if not gradients:
        return None
    dense = [g.coalesce().values() if g.is_sparse else g for g in gradients]
    norm: Any = nn.utils.get_total_norm(dense)
    if is_sharded([norm]):
        norm = norm.full_tensor()
    return float(norm) / step.updating.gradient_scale


def memory_mb(device: torch.device) -> float:
    """The most that was allocated on a GPU so far, or what the process holds now; in 2^20 bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return float(psutil.Process().memory_info().rss) / 2**20

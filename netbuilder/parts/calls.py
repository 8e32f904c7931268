"""Calls of a network in another mode than the one that it is in."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def put_to_rest(network: nn.Module) -> list[nn.Module]:
    """Put a network in eval mode; the modules that were not in it yet."""
    awake = [module for module in network.modules() if module.training]
    for module in awake:
        module.training = False
    return awake


def evaluated(network: nn.Module, *inputs: torch.Tensor) -> Any:
    """What a network computes in eval mode; then each module is in its own again."""
    awake = put_to_rest(network)
    try:
        return network(*inputs)
    finally:
        for module in awake:
            module.training = True


def frozen(network: nn.Module, *inputs: torch.Tensor) -> Any:
    """What a network computes in eval mode, with no gradient for its weights.

    Gradients go through it to its inputs. Other calls of the same network do train it.
    """
    if not torch.is_grad_enabled():
        return evaluated(network, *inputs)
    # By modules: under a second name a module's weights would not be put back.
    weights = {
        f"{path}.{name}" if path else name: weight.detach()
        for path, module in network.named_modules()
        for name, weight in module.named_parameters(recurse=False)
    }
    awake = put_to_rest(network)
    try:
        return torch.func.functional_call(network, weights, inputs, tie_weights=False)
    finally:
        for module in awake:
            module.training = True

"""Networks as their reference implementation has them, to hold templates against."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def torchvision_models() -> Any:
    """`torchvision.models`, also of a build for another device; skips where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            from torchvision import models
        except ModuleNotFoundError:
            pytest.skip("torchvision is not installed")
        except RuntimeError:
            # Its compiled operators are for another PyTorch; the networks need none, only names.
            for name in ("nms", "qnms"):
                torch.library.define(f"torchvision::{name}", SCHEMA)
            from torchvision import models
    return models


def randomise(module: nn.Module, seed: int = 0) -> None:
    """Numbers in every weight and statistic, so that none is without effect."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in module.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.rand(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + noise)
        elif tensor.dim() < 2 or tensor.numel() == max(tensor.shape):
            # Biases, means, scales: around what they are, but never nothing.
            tensor.copy_(tensor + 0.4 * noise - 0.2)


def give(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Fill a network with weights in their order; each must have as many numbers as it needs."""
    own = network.state_dict()
    assert len(own) == len(weights)
    for (name, tensor), (other, value) in zip(own.items(), weights.items(), strict=True):
        assert tensor.numel() == value.numel(), (name, other)
        assert tensor.squeeze().shape == value.squeeze().shape, (name, other)
        tensor.copy_(value.reshape(tensor.shape))


def settings(module: nn.Module, kind: type[nn.Module], *names: str) -> list[tuple[Any, ...]]:
    """What the layers of a kind are set to, in their order."""
    found = (part for part in module.modules() if isinstance(part, kind))
    return [tuple(getattr(part, name) for name in names) for part in found]


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest number."""
    assert one.shape == other.shape
    return float((one - other).abs().max() / other.abs().max())

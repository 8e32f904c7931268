"""Weights that several nodes of a file share, and that are each node's own in the project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor


def notes(weights: Mapping[str, Tensor]) -> Iterator[str]:
    """A line for each matrix of numbers that is there more than once."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for key, tensor in weights.items():
        if tensor.dim() < 2 or not tensor.is_floating_point() or tensor.numel() < 2:
            continue
        ends = tensor.reshape(-1)[[0, 1, -2, -1]].tolist()
        # What was never trained is one number all over in many places.
        if len(set(ends)) > 1:
            alike.setdefault((tensor.shape, tensor.dtype, *ends), []).append(key)
    for keys in alike.values():
        first, *rest = keys
        same = [key for key in rest if torch.equal(weights[first], weights[key])]
        if same:
            count = len(same) + 1
            yield (
                f"{', '.join([first, *same[:4]])}: the same numbers {count} times. If they were "
                "one tensor, here each node has its own, and training tells them apart."
            )

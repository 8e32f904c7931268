"""Images and their weights laid out by pixel, channels last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn

from netbuilder.data.loading import Dataset, Part
from netbuilder.data.streaming import Streamed


def apply(networks: Iterable[nn.Module], data: Dataset) -> Dataset:
    """Change weights of 4 and 5 dims in place; the data with its images changed alike."""
    for network in networks:
        for tensor in (*network.parameters(), *network.buffers()):
            tensor.data = _by_pixel(tensor.data)
    train, validation, test = map(_part, (data.train, data.validation, data.test))
    return replace(data, train=train, validation=validation, test=test)


def _part(part: Part) -> Part:
    if isinstance(part, Streamed):
        return part  # the first layer lays each batch out
    return {name: _by_pixel(tensor) for name, tensor in part.items()}


def _by_pixel(tensor: Tensor) -> Tensor:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    if tensor.dim() not in formats or not tensor.is_floating_point():
        return tensor
    return tensor.contiguous(memory_format=formats[tensor.dim()])

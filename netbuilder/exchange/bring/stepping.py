"""Comparing networks that round on their way: each stretch between two roundings by itself.

A number in the middle between two steps goes up here and down there for a difference in the last
digit, which all that comes after it shows. So what the original rounds to is taken over wherever
both round, after a look at whether they differ by more than chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

MOST = 0.01
"""Which share of numbers may lie so close to the middle between two steps."""


@contextmanager
def forced(
    module: nn.Module, paths: Mapping[str, str], values: Mapping[str, Tensor]
) -> Iterator[list[str]]:
    """Within, parts give what the original has in their place; the paths of those that depart.

    `values` are those of the original by its own paths, `paths` tells these for parts of the
    module. A part that is called again gives its own numbers then.
    """
    wrong: list[str] = []
    hooks = [
        module.get_submodule(path).register_forward_hook(_Taking(path, values[old], wrong))
        for path, old in paths.items()
        if old in values
    ]
    try:
        yield wrong
    finally:
        for hook in hooks:
            hook.remove()


class _Taking:
    def __init__(self, path: str, value: Tensor, wrong: list[str]) -> None:
        self.path, self.wrong = path, wrong
        self.value: Tensor | None = value

    def __call__(self, part: nn.Module, args: tuple[Tensor, ...], made: Tensor) -> Tensor | None:
        value, self.value = self.value, None
        if value is None:
            return None
        if value.shape != made.shape or not _close(made, value, _step(part, args[0])):
            self.wrong.append(self.path)
        return value


def _step(part: Any, given: Tensor) -> Tensor:
    """How far two neighbours are apart, for all numbers or along a dim."""
    if part.measured:
        width: Tensor = torch.clamp(given.amax(), min=0.0) - torch.clamp(given.amin(), max=0.0)
        step: Tensor = width / (part.high - part.low)
        return step
    scale: Tensor = part.scale
    if scale.dim():
        shape = [1] * given.dim()
        shape[part.dim] = -1
        scale = scale.view(shape)
    return scale


def _close(made: Tensor, value: Tensor, step: Tensor) -> bool:
    apart = (made - value).abs()
    # The numbers themselves are rounded to float32.
    if not bool((apart <= 1.01 * step + 1e-6 * value.abs()).all()):
        return False
    return made.numel() == 0 or float((apart > 0.5 * step).float().mean()) <= MOST

"""How much constants may take that are made of others: a small file may come to any size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import psutil
from torch import Tensor

from netbuilder.exchange.bring.program import BringError

MAX_NUMBERS = 2**28
"""Numbers in one tensor that the graph makes."""


class Room:
    """Half of the memory that is free when this is made."""

    def __init__(self) -> None:
        self._left = psutil.virtual_memory().available // 2

    def take(self, made: Iterable[Tensor]) -> None:
        """`BringError` once the tensors taken have no room."""
        self._left -= sum(tensor.nbytes for tensor in made)
        if self._left < 0:
            raise BringError(
                "What the graph makes of its constants takes more than half of the free memory.",
                "Import its parts one by one, or with more memory.",
            )


def may_be_large(given: Iterable[Any]) -> bool:
    """Whether a product or sum of these may have more numbers than one tensor may."""
    sizes = (value.numel() for value in given if isinstance(value, Tensor))
    return math.prod(max(1, size) for size in sizes) > MAX_NUMBERS

"""What the generators of all families share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import Dim, symbol

N = symbol("N")

Generator = Callable[[Random], "Case"]


@dataclass(frozen=True)
class Case:
    """Parameters of a layer and what comes in, by port.

    `values` make random tensors into what a port can take: `{"input": torch.sigmoid}`.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, TensorType] = field(default_factory=dict)
    values: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)


def batch(*sizes: Dim, dtype: str = "float32", high: int | None = None) -> TensorType:
    return TensorType((N, *sizes), dtype, high)


def one(tensor: TensorType, **params: Any) -> Case:
    return Case(params, {"input": tensor})


def some(r: Random, **values: Any) -> dict[str, Any]:
    """Each of these parameters or not, at random; a list is a choice."""
    return {
        name: r.choice(value) if isinstance(value, list) else value
        for name, value in values.items()
        if r.random() < 0.5
    }


def shape(r: Random, low: int = 1, high: int = 3, largest: int = 7) -> tuple[int, ...]:
    return tuple(r.randint(1, largest) for _ in range(r.randint(low, high)))


def either(r: Random, *sizes: Dim) -> Dim:
    """One of these sizes."""
    return r.choice(sizes)


def size(r: Random, spatial: int, low: int, high: int) -> Any:
    """One number, or one for each dim."""
    if r.random() < 0.5:
        return r.randint(low, high)
    return tuple(r.randint(low, high) for _ in range(spatial))


def elementwise(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        return one(batch(*shape(r)), **some(r, **choices))

    return make

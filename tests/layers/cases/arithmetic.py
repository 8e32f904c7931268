"""Cases of `netbuilder.layers.arithmetic`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, shape, some


def pair(**choices: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        sizes = shape(r, 1, 3)
        other = tuple(r.choice([s, 1]) for s in sizes)
        return Case(some(r, **choices), {"input": batch(*sizes), "other": batch(*other)})

    return make


def matmul(r: Random) -> Case:
    a, b, c = (r.randint(1, 5) for _ in range(3))
    other = r.choice([batch(b, c), TensorType((b, c)), TensorType((b,))])
    return Case({}, {"input": batch(a, b), "other": other})


def cat(r: Random) -> Case:
    rest = shape(r, 0, 2)
    tensors = [batch(r.randint(1, 4), *rest) for _ in range(r.randint(2, 4))]
    return Case({"dim": 1}, {f"tensors_{i}": tensor for i, tensor in enumerate(tensors)})


def stack(r: Random) -> Case:
    tensor = batch(*shape(r))
    return Case(
        {"dim": r.choice([0, 1, -1])}, {f"tensors_{i}": tensor for i in range(r.randint(2, 4))}
    )


CASES: Mapping[str, Generator] = {
    "torch.add": pair(alpha=[0.5, -2.0]),
    "torch.sub": pair(alpha=[0.5, -2.0]),
    "torch.mul": pair(),
    "torch.matmul": matmul,
    "torch.cat": cat,
    "torch.stack": stack,
}

"""Cases of `netbuilder.layers.joining`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, shape


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
    "torch.cat": cat,
    "torch.stack": stack,
}

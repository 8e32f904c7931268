"""Cases of `netbuilder.layers.reshape`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, one, shape

T = symbol("T")


def flatten(r: Random) -> Case:
    count = r.randint(1, 3)
    start = r.randint(1, count)
    return one(
        batch(*(r.randint(1, 5) for _ in range(count))),
        start_dim=start,
        end_dim=r.choice([-1, count]),
    )


def unflatten(r: Random) -> Case:
    a, b = r.randint(1, 4), r.randint(1, 4)
    return one(batch(a * b, 3), dim=1, unflattened_size=r.choice([(a, b), (-1, b), (a, -1)]))


def reshape(r: Random) -> Case:
    a, b, c = (r.randint(1, 4) for _ in range(3))
    return one(batch(a * b, c), shape=r.choice([(-1, a, b, c), (-1, a, b * c), (-1, a * b * c)]))


def view(r: Random) -> Case:
    a, b = r.randint(1, 4), r.randint(1, 4)
    if r.random() < 0.5:
        return one(batch(T, a * b), size=(-1, a * b))
    return one(batch(a * b, 3), size=r.choice([(-1, a, b, 3), (-1, a * b * 3)]))


def squeeze(r: Random) -> Case:
    return r.choice(
        [
            one(batch(1, either(r, T, 4)), dim=1),
            one(batch(3, 1), dim=-1),
            one(batch(1, 2, 1), dim=(1, 3)),
        ]
    )


def unsqueeze(r: Random) -> Case:
    sizes = shape(r)
    return one(batch(*sizes), dim=r.randint(-1, len(sizes) + 1))


def to(r: Random) -> Case:
    return one(
        batch(*shape(r), dtype=r.choice(["float32", "int64"]), high=None),
        dtype=r.choice(["float32", "float64", "int64"]),
    )


CASES: Mapping[str, Generator] = {
    "torch.nn.Flatten": flatten,
    "torch.nn.Unflatten": unflatten,
    "torch.reshape": reshape,
    "torch.Tensor.view": view,
    "torch.squeeze": squeeze,
    "torch.unsqueeze": unsqueeze,
    "torch.Tensor.to": to,
}

"""Cases of `netbuilder.layers.reshape`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, batch, one, shape


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


def permute(r: Random) -> Case:
    sizes = shape(r, 1, 3)
    order = list(range(len(sizes) + 1))
    r.shuffle(order)
    return one(batch(*sizes), dims=tuple(order))


def transpose(r: Random) -> Case:
    return one(batch(*shape(r, 2, 3)), dim0=r.randint(0, 2), dim1=r.choice([1, -1, -2]))


def squeeze(r: Random) -> Case:
    return r.choice(
        [
            one(batch(1, 4), dim=1),
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
    "torch.permute": permute,
    "torch.transpose": transpose,
    "torch.squeeze": squeeze,
    "torch.unsqueeze": unsqueeze,
    "torch.Tensor.to": to,
}

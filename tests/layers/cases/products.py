"""Cases of `netbuilder.layers.products`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, some


def sizes(r: Random, count: int) -> list[int]:
    return [r.randint(1, 5) for _ in range(count)]


def matmul(r: Random) -> Case:
    a, b, c = sizes(r, 3)
    other = r.choice([batch(b, c), TensorType((b, c)), TensorType((b,))])
    return Case({}, {"input": batch(a, b), "other": other})


def bmm(r: Random) -> Case:
    a, b, c = sizes(r, 3)
    return Case({}, {"input": batch(a, b), "mat2": batch(b, c)})


def baddbmm(r: Random) -> Case:
    a, b, c = sizes(r, 3)
    added = batch(r.choice([a, 1]), r.choice([c, 1]))
    params = some(r, beta=[0.5], alpha=[2.0])
    return Case(params, {"input": added, "batch1": batch(a, b), "batch2": batch(b, c)})


def outer(r: Random) -> Case:
    return Case({}, {"input": batch(), "vec2": TensorType((r.randint(1, 5),))})


def dot(r: Random) -> Case:
    return Case({}, {"input": batch(), "tensor": batch()})


def cross(r: Random) -> Case:
    if r.random() < 0.5:
        return Case({}, {"input": batch(4, 3), "other": batch(1, 3)})
    return Case({"dim": 1}, {"input": batch(3, 2), "other": batch(3, 2)})


def cdist(r: Random) -> Case:
    a, b, c = sizes(r, 3)
    other = r.choice([batch(b, c), TensorType((b, c))])
    return Case(some(r, p=[1.0, 3.0]), {"x1": batch(a, c), "x2": other})


CASES: Mapping[str, Generator] = {
    "torch.matmul": matmul,
    "torch.bmm": bmm,
    "torch.baddbmm": baddbmm,
    "torch.outer": outer,
    "torch.dot": dot,
    "torch.linalg.cross": cross,
    "torch.cdist": cdist,
}

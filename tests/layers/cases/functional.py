"""Cases of `netbuilder.layers.functional`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, size, some

T = symbol("T")


def biased(r: Random, params: dict[str, Any], count: int, **inputs: TensorType) -> Case:
    """With a bias or without."""
    more = {"bias": TensorType((count,))} if r.random() < 0.6 else {}
    return Case(params, {**inputs, **more})


def linear(r: Random) -> Case:
    a, b = r.randint(1, 5), r.randint(1, 5)
    return biased(r, {}, b, input=batch(either(r, T, 2), a), weight=TensorType((b, a)))


def conv(spatial: int, *, transposed: bool = False) -> Generator:
    def make(r: Random) -> Case:
        groups = r.choice([1, 2])
        channels, made = 2 * r.randint(1, 2), 2 * r.randint(1, 2)
        params: dict[str, Any] = {} if groups == 1 else {"groups": groups}
        for name, low, high in (("stride", 1, 2), ("padding", 0, 1), ("dilation", 1, 2)):
            if r.random() < 0.5:
                params[name] = size(r, spatial, low, high)
        if transposed and r.random() < 0.3:
            params |= {"stride": 2, "output_padding": 1}
        kernel = tuple(r.randint(1, 3) for _ in range(spatial))
        there = (channels, made // groups) if transposed else (made, channels // groups)
        places = (6,) * (spatial - 1) + (either(r, T, 6),)
        weight = TensorType((*there, *kernel))
        return biased(r, params, made, input=batch(channels, *places), weight=weight)

    return make


def embedding(r: Random) -> Case:
    high = r.randint(2, 6)
    ids = batch(either(r, T, 3), dtype="int64", high=high)
    table = TensorType((high, r.randint(1, 4)))
    return Case(some(r, padding_idx=[0, -1]), {"input": ids, "weight": table})


def layer_norm(r: Random) -> Case:
    sizes = r.choice([(4,), (3, 4)])
    inputs = {"input": batch(either(r, T, 2), 3, 4), "weight": TensorType(sizes)}
    more = {"bias": TensorType(sizes)} if r.random() < 0.6 else {}
    return Case({"normalized_shape": sizes, **some(r, eps=[1e-3])}, {**inputs, **more})


def group_norm(r: Random) -> Case:
    groups = r.choice([1, 2, 4])
    inputs = {"input": batch(4, either(r, T, 3)), "weight": TensorType((4,))}
    more = {"bias": TensorType((4,))} if r.random() < 0.6 else {}
    return Case({"num_groups": groups, **some(r, eps=[1e-3])}, {**inputs, **more})


CASES: Mapping[str, Generator] = {
    "torch.nn.functional.linear": linear,
    "torch.nn.functional.conv1d": conv(1),
    "torch.nn.functional.conv2d": conv(2),
    "torch.nn.functional.conv3d": conv(3),
    "torch.nn.functional.conv_transpose1d": conv(1, transposed=True),
    "torch.nn.functional.conv_transpose2d": conv(2, transposed=True),
    "torch.nn.functional.conv_transpose3d": conv(3, transposed=True),
    "torch.nn.functional.embedding": embedding,
    "torch.nn.functional.layer_norm": layer_norm,
    "torch.nn.functional.group_norm": group_norm,
}

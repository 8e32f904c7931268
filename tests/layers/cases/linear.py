"""Cases of `netbuilder.layers.linear`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, elementwise, one, shape, some


def linear(r: Random) -> Case:
    return one(batch(*shape(r)), out_features=r.randint(1, 8), **some(r, bias=False))


def bilinear(r: Random) -> Case:
    middle = shape(r, 0, 1)
    inputs = {f"input{i}": batch(*middle, r.randint(1, 5)) for i in (1, 2)}
    return Case({"out_features": r.randint(1, 5), **some(r, bias=False)}, inputs)


def embedding(r: Random) -> Case:
    rows = r.randint(2, 9)
    params = some(r, num_embeddings=rows + 2, padding_idx=[0, 1, -1], max_norm=1.5, norm_type=1.0)
    params |= r.choice([{}, {"scale_grad_by_freq": True}, {"sparse": True}])
    return one(
        batch(*shape(r, 0, 2), dtype="int64", high=rows), embedding_dim=r.randint(1, 6), **params
    )


def embedding_bag(r: Random) -> Case:
    plain, rows, width = r.random() > 0.5, r.randint(3, 9), r.randint(1, 6)
    params = some(r, num_embeddings=rows + 2, padding_idx=[0, -1], max_norm=1.5, norm_type=1.0)
    mode = r.choice([{}, {"mode": "sum"}, {"mode": "max"}])
    if mode != {"mode": "max"}:
        params |= r.choice([{}, {"scale_grad_by_freq": True}, {"sparse": True}])
    params |= {"embedding_dim": r.randint(1, 6), **mode}
    rising = {}
    if plain:
        inputs = {"input": batch(width, dtype="int64", high=rows)}
    else:
        inputs = {
            "input": TensorType((12,), "int64", rows),
            "offsets": batch(dtype="int64", high=12),
        }
        params |= some(r, include_last_offset=True)
        rising = {"offsets": bag_starts}
    if mode == {"mode": "sum"}:
        inputs["per_sample_weights"] = replace(inputs["input"], dtype="float32", high=None)
    return Case(params, inputs, rising)


def bag_starts(numbers: Any) -> Any:
    """Offsets begin with 0 and rise."""
    return (numbers - numbers.min()).sort().values


CASES: Mapping[str, Generator] = {
    "torch.nn.Identity": elementwise(),
    "torch.nn.Linear": linear,
    "torch.nn.Bilinear": bilinear,
    "torch.nn.Embedding": embedding,
    "torch.nn.EmbeddingBag": embedding_bag,
}

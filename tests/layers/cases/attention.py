"""Cases of `netbuilder.layers.attention`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, some


def attention(r: Random) -> Case:
    heads = r.randint(1, 3)
    features, length, other = heads * r.randint(1, 3), r.randint(1, 5), r.randint(2, 5)
    inputs = {
        "query": batch(length, features),
        "key": batch(other, r.choice([features, features + 1])),
        "value": batch(other, r.choice([features, 4])),
    }
    if r.random() < 0.7:
        inputs["key_padding_mask"] = batch(other)
        inputs["attn_mask"] = TensorType((length, other))
    params = some(r, bias=False, dropout=0.2, add_bias_kv=True, add_zero_attn=True)
    return Case({"num_heads": heads, "batch_first": True, **params}, inputs)


CASES: Mapping[str, Generator] = {
    "torch.nn.MultiheadAttention": attention,
}

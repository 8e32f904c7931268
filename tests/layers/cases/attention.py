"""Cases of `netbuilder.layers.attention`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, some


def attention(r: Random) -> Case:
    heads = r.randint(1, 3)
    features, length, other = heads * r.randint(1, 3), r.randint(1, 5), r.randint(2, 5)
    params = some(r, bias=False, dropout=0.2, add_bias_kv=True, add_zero_attn=True)
    params |= some(r, average_attn_weights=False)
    causal = r.random() < 0.3
    if causal:
        params["is_causal"] = True
        length = other
    inputs = {
        "query": batch(length, features),
        "key": batch(other, r.choice([features, features + 1])),
        "value": batch(other, r.choice([features, 4])),
    }
    kind = "bool" if causal else r.choice(["bool", "float32"])
    values = {}
    if r.random() < 0.7:
        inputs["key_padding_mask"] = batch(other, dtype=kind)
        values["key_padding_mask"] = first_stays
    if not causal and r.random() < 0.7:
        inputs["attn_mask"] = TensorType((length, other), kind)
        values["attn_mask"] = first_stays
    return Case({"num_heads": heads, "batch_first": True, **params}, inputs, values)


def first_stays(mask: Any) -> Any:
    """A mask that leaves the first element to be looked at: else there is nothing to average."""
    mask[..., 0] = 0
    return mask


CASES: Mapping[str, Generator] = {
    "torch.nn.MultiheadAttention": attention,
}

"""Cases of `netbuilder.layers.sdpa`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, some

T = symbol("T")


def attention(r: Random) -> Case:
    heads, width = r.choice([2, 4]), r.randint(1, 4)
    params: dict[str, Any] = some(r, dropout_p=[0.3], scale=[0.5])
    long, short = either(r, T, 3), r.randint(1, 4)
    inputs = {
        "query": batch(heads, long, width),
        "key": batch(heads, short, width),
        "value": batch(heads, short, r.randint(1, 4)),
    }
    choice = r.random()
    if choice < 0.2:
        params["is_causal"] = True
    elif choice < 0.4:
        params["enable_gqa"] = True
        for name in ("key", "value"):
            inputs[name] = batch(heads // 2, *inputs[name].shape[2:])
    elif choice < 0.9:
        # Where a mask of true and false lets nothing pass, ONNX has other numbers than PyTorch.
        inputs["attn_mask"] = TensorType((long, r.choice([1, short])))
    return Case(params, inputs)


CASES: Mapping[str, Generator] = {
    "torch.nn.functional.scaled_dot_product_attention": attention,
}

"""Cases of `netbuilder.layers.comparison`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from netbuilder.layers.base import TensorType
from tests.layers.cases.arithmetic import operands, pair
from tests.layers.cases.common import Case, Generator, elementwise


def logic(r: Random) -> Case:
    dtype = r.choice(["bool", "bool", "float32", "int64"])
    found = operands(r, "input", "other")
    return Case({}, {name: TensorType(tensor.shape, dtype) for name, tensor in found.items()})


def where(r: Random) -> Case:
    inputs = operands(r, "condition", "input", "other")
    inputs["condition"] = TensorType(inputs["condition"].shape, "bool")
    params = {}
    for name in ("input", "other"):
        if r.random() < 0.25:
            params[name] = r.choice([0, 1.5, -2])
            del inputs[name]
    return Case(params, inputs)


ORDER: Generator = pair(numbers=[0, 0.5, -1])

CASES: Mapping[str, Generator] = {
    **{f"torch.{name}": ORDER for name in ("eq", "ne", "lt", "le", "gt", "ge")},
    **{f"torch.{name}": elementwise() for name in ("isnan", "isinf", "isfinite", "logical_not")},
    **{f"torch.logical_{name}": logic for name in ("and", "or", "xor")},
    "torch.where": where,
}

"""Cases of `netbuilder.layers.arithmetic`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, shape, some

Value = float | int
NUMBERS: list[Value] = [2, -3, 0.5, -1.5]


def operands(r: Random, *names: str, low: int = 0) -> dict[str, TensorType]:
    """Tensors that combine: the first has all sizes, in the others some are 1."""
    sizes = shape(r, max(1, low), 3)
    first, *others = names
    return {
        first: batch(*sizes),
        **{name: batch(*(r.choice([s, 1]) for s in sizes)) for name in others},
    }


def pair(
    *,
    number: str = "other",
    numbers: list[Value] | None = None,
    ids: bool = True,
    **choices: Any,
) -> Callable[[Random], Case]:
    """Two tensors, or a tensor and a number; of ids now and then."""
    values = NUMBERS if numbers is None else numbers

    def make(r: Random) -> Case:
        alone = bool(values) and r.random() < 0.4
        params, inputs = some(r, **choices), operands(r, "input", number)
        if alone:
            params[number] = r.choice(values)
            del inputs[number]
        elif r.random() < 0.4 and ids and not params:
            inputs["input"] = TensorType(inputs["input"].shape, "int64", 10)
        return Case(params, inputs)

    return make


def lerp(r: Random) -> Case:
    inputs = operands(r, "input", "end", "weight")
    if r.random() < 0.5:
        del inputs["weight"]
        return Case({"weight": r.random()}, inputs)
    return Case({}, inputs)


def addcmul(r: Random) -> Case:
    return Case(some(r, value=[0.5, -2.0]), operands(r, "input", "tensor1", "tensor2"))


CASES: Mapping[str, Generator] = {
    "torch.add": pair(alpha=[0.5, -2.0]),
    "torch.sub": pair(alpha=[0.5, -2.0]),
    "torch.rsub": pair(alpha=[0.5, -2.0]),
    "torch.mul": pair(),
    "torch.div": pair(rounding_mode=["floor", "trunc"]),
    "torch.remainder": pair(),
    "torch.pow": pair(number="exponent", numbers=[2, 3, 0.5, 0], ids=False),
    "torch.minimum": pair(numbers=[]),
    "torch.maximum": pair(numbers=[]),
    "torch.atan2": pair(numbers=[]),
    "torch.lerp": lerp,
    "torch.addcmul": addcmul,
}

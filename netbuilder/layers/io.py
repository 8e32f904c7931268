"""Where a network begins and ends."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from netbuilder.errors import Fix
from netbuilder.layers import dims
from netbuilder.layers.base import (
    Complaint,
    Dtype,
    Family,
    Layer,
    Name,
    Port,
    Role,
    Size,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import BATCH, set_to


def _few_elements(shape: tuple[int | str, ...]) -> tuple[int | str, ...]:
    if dims.product(size for size in shape if isinstance(size, int)) > 2**40:  # type: ignore[operator]
        raise ValueError("a sample has more than 2^40 numbers")
    return shape


SampleShape = Annotated[
    tuple[Size | Name, ...], Field(max_length=16), AfterValidator(_few_elements)
]


class Input(Layer):
    """What a network is given. Its shape is that of one sample, without the batch.

    `shape`: the sizes, such as 3, 224, 224; a name such as T stands for a size that may
    change from call to call (the length of a sequence). `dtype`: float32 for numbers,
    int64 for ids. `batched`: whether a batch dim N comes first; off for what comes once
    and not a sample at a time. `high`: for ids, how many there are; an Embedding takes
    its number of rows from it.
    """

    id = "netbuilder.Input"
    title = "Input"
    family = Family.IO
    role = Role.INPUT
    where = frozenset({"network"})
    keywords = "placeholder tensor start feed argument"
    inputs = ()
    starting = start_with(shape=(1, 8, 8))

    shape: SampleShape
    dtype: Dtype = "float32"
    batched: bool = True
    high: Size | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        if self.batched and "N" in self.shape:
            yield Complaint(
                "N stands for the batch, which the shape leaves out.",
                "Remove N from the shape, or use another letter.",
                code="parameter.invalid",
                fixes=(set_to("shape", tuple(size for size in self.shape if size != "N")),),
            )
        if self.high is not None and self.type.floating:
            yield Complaint(
                f"'high' counts ids, but the dtype is {self.dtype}.",
                "Set dtype to int64, or leave 'high' empty.",
                code="parameter.invalid",
                fixes=(
                    set_to("dtype", "int64"),
                    Fix("Empty high", "unset_parameter", {"name": "high"}),
                ),
            )

    @property
    def type(self) -> TensorType:
        """What a wire from this input carries."""
        sizes = tuple(dims.symbol(s) if isinstance(s, str) else s for s in self.shape)
        return TensorType((BATCH, *sizes) if self.batched else sizes, self.dtype, self.high)

    def output_types(self, inputs: Types) -> Mapping[str, TensorType]:
        return {"output": self.type}

    def subtitle(self) -> str:
        shape = "×".join(map(str, self.shape)) or "scalar"
        return shape if self.dtype == "float32" else f"{shape}, {self.dtype}"


class Output(Layer):
    """What a network gives back. Several of them come as a tuple, in their order."""

    id = "netbuilder.Output"
    title = "Output"
    family = Family.IO
    role = Role.OUTPUT
    where = frozenset({"network", "block"})
    keywords = "result end return logits prediction"
    inputs = (Port("input"),)
    outputs = ()

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return inputs["input"]


class Reroute(Layer):
    """A dot that leads a wire around things. It computes nothing."""

    id = "netbuilder.Reroute"
    title = "Reroute"
    family = Family.IO
    role = Role.REROUTE
    keywords = "dot corner bend wire knot"
    is_view = True

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return inputs["input"]

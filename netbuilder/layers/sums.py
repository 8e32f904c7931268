"""Sums of losses with weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Family,
    Layer,
    Numbers,
    Port,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import check_floating, differ, first_of, set_to


class WeightedSum(Layer):
    """Adds losses, each times its weight: 1·reconstruction + 0.1·divergence.

    `weights`: a number for each input in its order; inputs without one count once. All
    inputs have the same shape, or are single numbers.
    """

    id = "netbuilder.WeightedSum"
    part = "sums.WeightedSum"
    title = "WeightedSum"
    family = Family.ARITHMETIC
    keywords = "losses total combine multi-task balance beta lambda weights add"
    positional = ("weights",)
    inputs = (Port("tensors", variadic=True),)
    starting = start_with(weights=(1.0, 1.0))

    weights: Annotated[Numbers, Field(max_length=1024)] = ()

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        terms = [(name, tensor) for name, tensor in inputs.items() if name.startswith("tensors_")]
        return first_of(
            *(check_floating(self, inputs, name) for name, _ in terms),
            self._alike(terms),
            self._counts(len(terms)),
        )

    def _alike(self, terms: list[tuple[str, TensorType]]) -> Iterator[Complaint]:
        whole = [(name, tensor) for name, tensor in terms if tensor.rank]
        for name, tensor in whole[1:]:
            first = whole[0][1]
            pairs = zip(first.shape, tensor.shape, strict=False)
            if first.rank != tensor.rank or any(differ(a, b) for a, b in pairs):
                yield Complaint(
                    f"{self.title} can't add {first} and {tensor}.",
                    "Take the mean of each first, or bring them to the same shape.",
                    name,
                )
                return

    def _counts(self, terms: int) -> Iterator[Complaint]:
        if terms and len(self.weights) > terms:
            yield Complaint(
                f"There are {len(self.weights)} weights for {terms} "
                f"{'input' if terms == 1 else 'inputs'}.",
                "Connect what is missing, or leave weights out.",
                code="parameter.invalid",
                severity="warning",
                fixes=(set_to("weights", self.weights[:terms]),),
            )

    def subtitle(self) -> str:
        shown = " : ".join(f"{weight:g}" for weight in self.weights)
        return shown if len(shown) < 36 else f"{len(self.weights)} weights"

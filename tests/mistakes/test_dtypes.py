"""Dtypes are refused by rule, in words, before PyTorch is asked; nightly, for all layers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from netbuilder.compiler.probe import run_layer
from netbuilder.layers.base import Layer, Role, TensorType
from netbuilder.layers.catalogue import layers
from tests.layers.cases import CASES, case

DTYPES = ("float32", "float64", "int64", "bool", "uint8", "complex64")


def let_through(kind: type[Layer]) -> Iterator[tuple[Layer, dict[str, TensorType], str]]:
    """A valid node with another dtype at one port, where its rules have nothing against it."""
    usual = case(kind.id, 0)
    layer = kind.model_validate(usual.params)
    for port, tensor in usual.inputs.items():
        for dtype in DTYPES:
            inputs = {**usual.inputs, port: TensorType(tensor.shape, dtype)}
            sizes = {k: v for k, v in layer.infer(inputs).items() if k in layer.open_sizes()}
            filled = layer.with_values(sizes)
            errors = [c for c in filled.complaints(inputs) if c.severity == "error"]
            ruled = filled.open_sizes() or errors or filled.output_types(inputs) is not None
            if dtype != tensor.dtype and not ruled:
                yield filled, inputs, f"{kind.id}, {dtype} at {port}"


@pytest.mark.nightly
@pytest.mark.parametrize("id", list(CASES))
def test_what_the_rules_let_through_pytorch_takes(id: str) -> None:
    kind = layers()[id]
    if kind.role not in (Role.LAYER, Role.LOSS):
        return
    for layer, inputs, what in let_through(kind):
        refusal = run_layer(layer, inputs).refusal
        assert not refusal, f"{what}: {refusal}"

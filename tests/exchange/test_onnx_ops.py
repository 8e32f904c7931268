"""Operators of ONNX without weights compute what ONNX Runtime computes, and become layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch.export import Dim

import netbuilder as nb
from netbuilder.exchange.onnx_in.graph import OnnxModule
from tests.exchange import onnx_images, onnx_others, onnx_sequences, onnx_tables
from tests.exchange.onnx_cases import OPSET, Case, agree, by_module, by_runtime, model

FAMILIES = {
    **onnx_tables.FAMILIES,
    **onnx_images.FAMILIES,
    **onnx_sequences.FAMILIES,
    **onnx_others.FAMILIES,
}
GROUPS = sorted({(name, case.opset) for name, cases in FAMILIES.items() for case in cases})


@pytest.mark.parametrize(("family", "opset"), GROUPS)
def test_operators_compute_what_onnx_runtime_computes(family: str, opset: int) -> None:
    cases = [case for case in FAMILIES[family] if case.opset == opset]
    proto = model(cases)
    arrays = [array for case in cases for array in case.given()]
    found, expected = by_module(proto, arrays), by_runtime(proto, arrays)
    assert len(found) == len(expected)
    for case in cases:
        agree(case, found[: case.outputs], expected[: case.outputs])
        del found[: case.outputs], expected[: case.outputs]


def drawn(cases: Sequence[Case]) -> dict[str, Any]:
    """What became of the operators as one project, each batch free where it can be."""
    inputs = tuple(torch.from_numpy(array) for case in cases for array in case.given())
    free = tuple(
        {0: Dim.AUTO} if case.free and array.ndim else None
        for case in cases
        for array in case.given()
    )
    module = OnnxModule(model(cases))
    return dict(nb.from_module(module, inputs, dynamic_shapes={"inputs": free}).imported)


def _becomes(cases: Sequence[Case]) -> None:
    imported = drawn(cases)
    assert imported["unsupported"] == []
    assert imported["verified"], imported["notes"]


def _layered(cases: Sequence[Case]) -> list[Case]:
    opset = cases[0].opset
    return [case for case in cases if case.drawn and case.opset == opset and case.given()]


def test_some_operators_of_each_family_become_layers() -> None:
    some = [case for cases in FAMILIES.values() for case in _layered(cases)[:1]]
    _becomes([case for case in some if case.opset == OPSET])


@pytest.mark.nightly
@pytest.mark.parametrize("family", [name for name in FAMILIES if _layered(FAMILIES[name])])
def test_operators_become_layers(family: str) -> None:
    _becomes(_layered(FAMILIES[family]))

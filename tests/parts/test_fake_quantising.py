"""Rounding as short integers do it, against ONNX's own operators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from onnx import helper
from onnx.reference import ReferenceEvaluator

from netbuilder.parts.fake_quantising import FakeQuantize

Array = np.ndarray[Any, Any]


def by_onnx(x: Array, scale: Array, zero: Array, axis: int) -> Array:
    """Quantised and back by ONNX's reference."""
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], axis=axis),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=axis),
    ]
    values = {"x": x, "s": scale, "z": zero}
    infos = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in values.items()
    ]
    ends = [helper.make_tensor_value_info("y", 1, x.shape)]
    graph = helper.make_graph(nodes, "g", infos, ends)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    (found,) = ReferenceEvaluator(made).run(None, values)
    return np.asarray(found)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("channels", [None, 3])
def test_it_rounds_as_onnx_does(dtype: str, channels: int | None) -> None:
    """Halves to even ones, all within the range of the dtype."""
    layer = FakeQuantize(dtype, channels=channels)
    shape = () if channels is None else (channels,)
    low, high = layer.low, layer.high
    scale = torch.tensor([0.05, 0.5, 3.0])[: channels or 1].reshape(shape)
    zero = torch.tensor([low + 7, 0, high])[: channels or 1].reshape(shape)
    layer.scale, layer.zero_point = scale, zero.to(layer.zero_point.dtype)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 40, generator=generator) * 3 * (high - low) * 0.05
    x[0, :, 0], x[0, :, 1] = 0.0, 0.25
    expected = by_onnx(x.numpy(), scale.numpy(), layer.zero_point.numpy(), 1)
    assert np.array_equal(layer(x).numpy(), expected)
    ends = layer(torch.tensor([[[float("inf")], [0.0], [-float("inf")]]]))
    assert bool(torch.isfinite(ends).all())


def test_gradients_pass_where_it_fits() -> None:
    """As though nothing was rounded; beyond the range there is none."""
    layer = FakeQuantize("int8", scale=0.1, zero_point=28)
    x = torch.tensor([-15.7, -15.3, 0.03, 9.9, 10.2], requires_grad=True)
    layer(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 1.0, 0.0]


def test_a_measured_range_holds_zero_and_all_numbers() -> None:
    """Its ends are met exactly, or zero is; of zeros alone come zeros."""
    layer = FakeQuantize("uint8", measured=True)
    assert not list(layer.state_dict())
    x = torch.linspace(2.0, 5.1, 50)
    found = layer(x)
    assert float((found - x).abs().max()) <= 5.1 / 255 / 2 + 1e-6
    assert torch.equal(layer(torch.tensor([0.0, -3.0])), torch.tensor([0.0, -3.0]))
    assert torch.equal(layer(torch.zeros(4)), torch.zeros(4))

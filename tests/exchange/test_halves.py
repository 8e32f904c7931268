"""Files in 16 bits come in as networks in float32, and are held against both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
import torch
from onnx import TensorProto, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16

from netbuilder.exchange.onnx_in import bringing, twins, widening
from netbuilder.exchange.onnx_in.runtime import Runtime
from tests.exchange.test_onnx_in import brought, layers, model, node, numbers
from tests.exchange.test_quantised import whole

NETWORK = [
    "torch.nn.Conv2d",
    "torch.nn.ReLU",
    "torch.nn.MaxPool2d",
    "torch.nn.Conv2d",
    "torch.add",
    "torch.nn.AdaptiveAvgPool2d",
    "torch.squeeze",
    "torch.nn.Linear",
]


@pytest.mark.parametrize("outside", ["float16", "float32"])
def test_a_file_in_float16_is_the_network(outside: str, tmp_path: Path) -> None:
    """Casts at its ends leave no nodes; weights are those of the file exactly."""
    made = convert_float_to_float16(whole(), keep_io_types=outside == "float32")
    found = brought(made, tmp_path)
    assert found.verified, found.notes
    assert layers(found) == NETWORK
    assert any("computes in float16" in note for note in found.notes)
    half = {t.name: numpy_helper.to_array(t) for t in made.graph.initializer}
    bias = found.weights["one.bias"].numpy()
    assert bias.dtype == np.float32
    assert np.array_equal(bias, half["one.bias"].astype(np.float32))


def test_bfloat16_as_far_as_it_runs(tmp_path: Path) -> None:
    """What ONNX Runtime has no kernels for is held against the graph in float32, and it is said."""
    made = whole()
    for tensor in made.graph.initializer:
        wide = numpy_helper.to_array(tensor)
        name, dims = tensor.name, list(tensor.dims)
        tensor.CopyFrom(onnx.helper.make_tensor(name, TensorProto.BFLOAT16, dims, wide.flatten()))
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.elem_type = TensorProto.BFLOAT16
    found = brought(made, tmp_path)
    assert layers(found) == NETWORK
    assert found.verified
    assert any("does not run it as it is" in note for note in found.notes)


INNER = """<ir_version: 8, opset_import: ["": 17]>
g (float16[n, 4] x) => (float16[n, 4] y) {
    often = Constant <value_int = 3> ()
    yes = Constant <value = bool {1}> ()
    z = Loop (often, yes, x) <body = one (int64 at, bool on, float16[n, 4] was)
            => (bool go, float16[n, 4] then) {
        go = Identity (on)
        whole = Cast <to = 10> (at)
        more = Add (was, whole)
        then = Mul (more, half)
    }>
    zero = ConstantOfShape (size)
    y = Add (z, zero)
}"""


def test_graphs_in_nodes_and_attributes_are_of_float32_too(tmp_path: Path) -> None:
    """Types of values, tensors in attributes, and types that nodes name."""
    made = onnx.parser.parse_model(INNER)
    for name, value in (("size", np.array([4])), ("half", np.array(0.5, np.float16))):
        made.graph.initializer.append(numpy_helper.from_array(value, name))
    filled = numpy_helper.from_array(np.array([0.25], np.float16))
    made.graph.node[-2].attribute.append(onnx.helper.make_attribute("value", filled))
    assert widening.kinds(made) == ("float16",)
    wide = widening.widened(made)
    assert widening.kinds(wide) == ()
    assert widening.kinds(made) == ("float16",), "what is given stays"
    onnx.checker.check_model(wide, full_check=True)
    found = brought(made, tmp_path)
    assert found.verified, found.notes


def test_what_overflows_in_16_bits_is_told(tmp_path: Path) -> None:
    """The file gives no numbers there, the project does."""
    big = {"w": np.full((4, 4), 300, np.float16), "v": np.full((4, 4), 300, np.float16)}
    made = model([node("MatMul", "x w", "a"), node("MatMul", "a v")], ["n", 4], big)
    for value in (*made.graph.input, *made.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    found = brought(made, tmp_path)
    assert not found.verified
    assert any("may come of rounding" in note for note in found.notes)


@pytest.mark.parametrize("by", [0.005, 0.05])
def test_how_far_the_file_may_depart(by: float, tmp_path: Path) -> None:
    """By 1 % in the root mean square."""
    right = brought(convert_float_to_float16(whole()), tmp_path)
    twin = twins.of(onnx.load(tmp_path / "m.onnx"))
    assert twin.file is not None
    for tensor in twin.file.graph.initializer:
        moved = numpy_helper.to_array(tensor) * (1 + by if tensor.name.startswith("fc") else 1)
        tensor.CopyFrom(numpy_helper.from_array(moved.astype(np.float16), tensor.name))
    trial = ("a", (torch.from_numpy(numbers(2, 3, 6, 6)),))
    with Runtime(twin.model) as runtime:
        found = twins.held(right, twin, (trial,), runtime)
    assert found.verified is (by < 0.01)


def test_nodes_in_any_order_come_in(tmp_path: Path) -> None:
    """Runtimes sort them, and some tools put casts last; what runs in a circle is refused."""
    made = whole()
    nodes = list(made.graph.node)[::-1]
    del made.graph.node[:]
    made.graph.node.extend(nodes)
    onnx.save(made, tmp_path / "m.onnx")
    found = bringing.from_onnx(tmp_path / "m.onnx")
    assert found.verified
    assert layers(found) == NETWORK

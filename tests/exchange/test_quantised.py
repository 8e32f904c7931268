"""Files that compute in integers come in as layers on floats that round where the file does."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnxruntime import InferenceSession
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)

from netbuilder.compiler import build
from netbuilder.errors import DocumentError
from netbuilder.exchange import export
from netbuilder.exchange.bring import stepping
from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.onnx_in import bringing, unquantising
from netbuilder.exchange.onnx_in.runtime import Runtime
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.smaller import integers
from netbuilder.parts.fake_quantising import FakeQuantize
from tests.drawing import Drawing
from tests.exchange.test_onnx_in import layers, model, node, numbers

Arrays = dict[str, np.ndarray[Any, Any]]
SHAPE = (3, 6, 6)
ROUNDED = "netbuilder.FakeQuantize"
COMPUTING = [
    "torch.nn.Conv2d",
    "torch.nn.ReLU",
    "torch.nn.MaxPool2d",
    "torch.nn.Conv2d",
    "torch.add",
    "torch.nn.AdaptiveAvgPool2d",
    "torch.squeeze",
    "torch.nn.Linear",
]


def whole(opset: int = 17) -> onnx.ModelProto:
    """A small network with a skip, as exporters write it."""
    nodes = [
        node("Conv", "x one.weight one.bias", "a", pads=[1] * 4),
        node("Relu", "a", "b"),
        node("MaxPool", "b", "c", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "c two.weight two.bias", "d", pads=[1] * 4),
        node("Add", "c d", "e"),
        node("GlobalAveragePool", "e", "f"),
        node("Flatten", "f", "g"),
        node("Gemm", "g fc.weight fc.bias", "y", transB=1),
    ]
    fixed = {
        "one.weight": numbers(4, 3, 3, 3) / 5,
        "one.bias": numbers(4),
        "two.weight": numbers(4, 4, 3, 3) / 6,
        "two.bias": numbers(4),
        "fc.weight": numbers(5, 4),
        "fc.bias": numbers(5),
    }
    made = model(nodes, ["n", *SHAPE], fixed, opset=opset)
    made.graph.output[0].type.tensor_type.shape.Clear()
    return made


class _Samples(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self) -> None:
        self.left: Iterator[dict[str, Any]] = iter([{"x": numbers(8, *SHAPE)}])

    def get_next(self) -> Any:
        return next(self.left, None)


def _static(kind: QuantFormat, **more: Any) -> Callable[[Path, Path], None]:
    def write(given: Path, path: Path) -> None:
        more.setdefault("activation_type", QuantType.QUInt8)
        quantize_static(given, path, _Samples(), quant_format=kind, **more)

    return write


def _ours(calibrated: bool) -> Callable[[Path, Path], None]:
    def write(given: Path, path: Path) -> None:
        feeds = [{"x": numbers(8, *SHAPE)}] if calibrated else None
        onnx.save(integers.quantise(onnx.load(given), feeds), path)

    return write


def _measured(given: Path, path: Path) -> None:
    quantize_dynamic(given, path, weight_type=QuantType.QInt8)


WAYS: dict[str, tuple[Callable[[Path, Path], None], int]] = {
    "pairs": (_static(QuantFormat.QDQ), 6),
    "pairs, by channel": (_static(QuantFormat.QDQ, per_channel=True), 6),
    "operators": (_static(QuantFormat.QOperator), 6),
    "operators, signed, by channel": (
        _static(QuantFormat.QOperator, per_channel=True, activation_type=QuantType.QInt8),
        6,
    ),
    "measured": (_measured, 3),
    "ours": (_ours(True), 5),
    "ours, measured": (_ours(False), 1),
}
"""What writes a file, and how often it rounds."""


SHORT = ("pairs", "operators", "measured", "ours")
"""Ways that differ in what they write; the others differ in numbers."""


class Made(dict[str, Any]):
    """What a function makes of each way, once somebody asks for it."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self.make = make

    def __missing__(self, way: str) -> Any:
        self[way] = self.make(way)
        return self[way]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The file of each way."""
    folder = tmp_path_factory.mktemp("quantised")
    given = folder / "whole.onnx"
    onnx.save(whole(), given)

    def make(way: str) -> Path:
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        path = folder / f"{[*WAYS].index(way)}.onnx"
        WAYS[way][0](given, path)
        logging.disable(before)
        return path

    return Made(make)


@pytest.fixture(scope="module")
def found(files: Mapping[str, Path]) -> Mapping[str, Brought]:
    """What each came in as."""
    return Made(lambda way: bringing.from_onnx(files[way]))


@pytest.mark.parametrize(
    "way", [way if way in SHORT else pytest.param(way, marks=pytest.mark.nightly) for way in WAYS]
)
def test_a_quantised_file_is_the_network_with_rounding(
    way: str, found: Mapping[str, Brought]
) -> None:
    """Layers hold the floats that integers stand for; one node is what rounds."""
    made = found[way]
    assert made.unsupported == ()
    assert made.verified, (made.notes, made.max_rel_error)
    kinds = layers(made)
    assert kinds.count(ROUNDED) == WAYS[way][1], kinds
    # A ReLU is nothing before integers that begin at 0, and is left out by the tool.
    assert [kind for kind in COMPUTING if kind not in kinds] in ([], ["torch.nn.ReLU"])
    assert set(kinds) <= {*COMPUTING, ROUNDED, "netbuilder.LearnableParameter"}
    graph = made.document.network("main")
    assert graph is not None
    assert {"one", "two", "fc"} <= {each.name for each in graph.nodes.values()}


def test_it_is_trained_further(found: Mapping[str, Brought]) -> None:
    """Gradients reach all weights through the rounding; scales stay."""
    network = build.build_network(found["pairs"].document, "main")
    network.load_state_dict(dict(found["pairs"].weights))
    names = dict(network.named_parameters())
    kept = [f"{name}.{kind}" for name in ("one", "two", "fc") for kind in ("weight", "bias")]
    assert sorted(names) == sorted(kept)
    network(torch.from_numpy(numbers(8, *SHAPE))).square().mean().backward()
    for each in names.values():
        assert each.grad is not None
        assert float(each.grad.abs().sum()) > 0


def test_files_before_opset_13(tmp_path: Path) -> None:
    """They know scales for whole tensors alone."""
    given, path = tmp_path / "given.onnx", tmp_path / "made.onnx"
    onnx.save(whole(11), given)
    _static(QuantFormat.QOperator)(given, path)
    assert onnx.load(path).opset_import[0].version == 11
    made = bringing.from_onnx(path)
    assert made.verified, (made.notes, made.unsupported)
    assert layers(made).count("torch.nn.Conv2d") == 2


def test_operators_of_others_that_nobody_checked_are_refused(tmp_path: Path) -> None:
    """They may take and give any number of values."""
    made = model([node("QLinearConcat", "s z x s", domain="com.microsoft")], ["n", 4], {})
    made.graph.initializer.append(onnx.numpy_helper.from_array(np.array(0.1, np.float32), "s"))
    made.graph.initializer.append(onnx.numpy_helper.from_array(np.array(3, np.uint8), "z"))
    made.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    onnx.save(made, tmp_path / "m.onnx")
    with pytest.raises(DocumentError, match="is no QLinearConcat"):
        bringing.from_onnx(tmp_path / "m.onnx")


@pytest.mark.parametrize("constant", [False, True])
def test_what_has_a_scale_for_each_place_of_a_dim_is_not_moved_as_floats(constant: bool) -> None:
    """The dim is another one behind the move."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("Transpose", "q", "t", perm=[0, 2, 1]),
        node("Cast", "t", "y", to=1),
    ]
    fixed: Arrays = {"s": np.array([0.1, 0.2, 0.4], np.float32), "z": np.array([0, 3, 5], np.uint8)}
    if constant:
        nodes = [node("Constant", "", key, value=_tensor(fixed.pop(key))) for key in "sz"] + nodes
    _same_without_integers(model(nodes, ["n", 3, 3], fixed))


def test_integers_without_a_zero_point_are_not_negative() -> None:
    """Bytes without a sign, whatever type the numbers came from."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", "q s", "d"),
        node("QuantizeLinear", "d s", "p"),
        node("DequantizeLinear", "p s", "y"),
    ]
    fixed: Arrays = {"s": np.array(0.1, np.float32), "z": np.array(0, np.int8)}
    _same_without_integers(model(nodes, ["n", 3, 3], fixed))


def test_convolutions_whose_channels_lie_last_stay() -> None:
    """They are written for one processor."""
    given = node("QLinearConv", "q s z w s z s z", "p", domain="com.microsoft", channels_last=1)
    nodes = [node("QuantizeLinear", "x s z", "q"), given, node("DequantizeLinear", "p s z", "y")]
    fixed: Arrays = {"s": np.array(0.1, np.float32), "z": np.array(0, np.uint8)}
    made = model(nodes, ["n", 3, 3, 3], fixed | {"w": np.ones((3, 3, 1, 1), np.uint8)})
    assert unquantising.unquantised(made) is made


def _tensor(array: np.ndarray[Any, Any]) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(array)


def _same_without_integers(made: onnx.ModelProto) -> None:
    """A model and the one on floats give the same."""
    x = numbers(2, 3, 3)
    one, other = (
        InferenceSession(each.SerializeToString()).run(None, {"x": x})[0]
        for each in (made, unquantising.unquantised(made))
    )
    assert np.allclose(one, other, atol=1e-6)


# -- the proof -------------------------------------------------------------------------------------


def test_a_file_that_departs_from_what_is_drawn_is_not_verified(
    files: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph on floats is held against the file as it is."""
    right = unquantising.unquantised

    def wrong(given: onnx.ModelProto) -> onnx.ModelProto:
        made = right(given)
        for tensor in made.graph.initializer:
            if tensor.name.endswith("fc.bias_quantized"):
                made_of = onnx.numpy_helper.to_array(tensor) + 30000
                tensor.CopyFrom(onnx.numpy_helper.from_array(made_of, tensor.name))
        return made

    monkeypatch.setattr(unquantising, "unquantised", wrong)
    made = bringing.from_onnx(files["operators"])
    assert not made.verified
    assert any("10 % may come of rounding" in note for note in made.notes)


def test_a_file_that_does_not_run_is_not_verified(
    files: Mapping[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the place of its operators was held against nothing."""
    ran = Runtime.__call__

    def run(self: Runtime, inputs: Any) -> Any:
        if any(each.op_type == "QLinearConv" for each in self._model.graph.node):
            raise RuntimeError("no such kernel")
        return ran(self, inputs)

    monkeypatch.setattr(Runtime, "__call__", run)
    made = bringing.from_onnx(files["operators"])
    assert not made.verified
    assert any("no such kernel" in note for note in made.notes)


def test_a_step_apart_is_chance_and_more_is_not() -> None:
    """What the original rounds to is taken over; what differs elsewhere, or often, is told."""
    layer = FakeQuantize("int8", scale=0.1)
    network = torch.nn.Sequential(layer)
    x = torch.linspace(-1, 1, 500)
    right = layer(x)

    def told(value: torch.Tensor) -> tuple[list[str], torch.Tensor]:
        with stepping.forced(network, {"0": "old"}, {"old": value}) as wrong:
            made = network(x)
        return list(wrong), made

    one = right.clone()
    one[7] += 0.1
    assert told(one)[0] == []
    assert torch.equal(told(one)[1], one)
    far = right.clone()
    far[7] += 0.2
    assert told(far)[0] == ["0"]
    assert told(right + 0.1)[0] == ["0"]
    assert told(right[:-1])[0] == ["0"]
    assert torch.equal(network(x), right), "outside it gives its own"


# -- and out again ---------------------------------------------------------------------------------


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_it_leaves_as_onnx_has_it(tmp_path: Path) -> None:
    """Two operators for each rounding; a matrix that is used turned round, too, is there once."""
    d = Drawing()
    tokens = d.input("T", name="tokens", dtype="int64", high=12)
    table = d.add("netbuilder.LearnableParameter", name="table", shape=(12, 6))
    words = d.add("torch.nn.functional.embedding", tokens, table, name="words")
    fixed = d.add(ROUNDED, words, name="fixed", channels=6, dim=-1, scale=0.03)
    y = d.add(ROUNDED, d.add("Tanh", fixed), name="measured", integer="uint8", measured=True)
    d.output(d.add("torch.nn.functional.linear", y, table, name="head"), name="logits")
    torch.manual_seed(0)
    network = build.build_network(d.document, "main").eval()
    # Beyond the range of what is rounded, too.
    network.get_parameter("table.weight").data.mul_(100)
    path = tmp_path / "net.onnx"
    export.export(
        d.document,
        "main",
        ExportOptions("onnx"),
        path,
        weights=network.state_dict(),
        samples={},
        metadata={"title": "Test", "project": "{}"},
    )
    graph = onnx.load(path).graph
    kinds = [each.op_type for each in graph.node]
    assert kinds.count("QuantizeLinear") == 1
    assert kinds.count("DynamicQuantizeLinear") == 1
    assert kinds.count("DequantizeLinear") == 2
    assert "Round" not in kinds
    assert len([each for each in graph.initializer if sorted(each.dims) == [6, 12]]) == 1
    made = bringing.from_onnx(path)
    assert made.verified, made.notes
    names = ("LearnableParameter", "FakeQuantize", "FakeQuantize")
    functions = ("torch.nn.functional.embedding", "torch.nn.functional.linear", "torch.nn.Tanh")
    assert sorted(layers(made)) == sorted([*(f"netbuilder.{name}" for name in names), *functions])

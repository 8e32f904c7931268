"""ONNX files as projects: weights, sizes, names, what has no counterpart, and the proof."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import netbuilder as nb
from netbuilder.cli.main import main
from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.bring.program import BringError
from netbuilder.exchange.onnx_in import bringing
from tests.exchange.examples import import_here

FLOAT = onnx.TensorProto.FLOAT
_random = np.random.default_rng(7)


def numbers(*shape: int) -> np.ndarray[Any, Any]:
    """Random numbers in float32."""
    return _random.standard_normal(shape).astype(np.float32)


def model(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str],
    fixed: dict[str, np.ndarray[Any, Any]],
    outputs: Sequence[str] = ("y",),
    opset: int = 17,
) -> onnx.ModelProto:
    """A model of these nodes with one input, `x`."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, shape)],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(given, name) for name, given in fixed.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def brought(made: onnx.ModelProto, folder: Path) -> Brought:
    """What an import of the model comes to."""
    path = folder / "m.onnx"
    onnx.save(made, path)
    return bringing.from_onnx(path)


def layers(found: Brought) -> list[str]:
    """The layers of the nodes of `main`, without ends."""
    graph = found.document.network("main")
    assert graph is not None
    ends = ("netbuilder.Input", "netbuilder.Output")
    return [node.layer for node in graph.nodes.values() if node.layer not in ends]


def node(op: str, inputs: str, outputs: str = "y", **attributes: Any) -> onnx.NodeProto:
    """A node; names are parted by blanks, `-` is one that is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(op, names, outputs.split(), name=f"the_{op}_{outputs}", **attributes)


W = (4, 3, 3, 3)
CASES: dict[str, tuple[str, onnx.ModelProto]] = {
    "conv": (
        "torch.nn.Conv2d",
        model(
            [node("Conv", "x w b", pads=[1] * 4, strides=[2, 2])],
            ["n", 3, 9, 9],
            {"w": numbers(*W), "b": numbers(4)},
        ),
    ),
    "unlike edges": (
        "torch.nn.functional.pad torch.nn.Conv2d",
        model([node("Conv", "x w", pads=[0, 1, 2, 3])], ["n", 3, 9, 9], {"w": numbers(*W)}),
    ),
    "same upper": (
        "torch.nn.functional.pad torch.nn.Conv2d",
        model(
            [node("Conv", "x w", auto_pad="SAME_UPPER", strides=[2, 2])],
            ["n", 3, 8, 8],
            {"w": numbers(*W)},
        ),
    ),
    "transposed": (
        "torch.nn.ConvTranspose2d",
        model(
            [node("ConvTranspose", "x w b", strides=[2, 2], output_padding=[1, 1], group=3)],
            ["n", 3, 5, 5],
            {"w": numbers(3, 2, 3, 3), "b": numbers(6)},
        ),
    ),
    "gemm": (
        "torch.nn.Linear",
        model([node("Gemm", "x w b", transB=1)], ["n", 5], {"w": numbers(4, 5), "b": numbers(4)}),
    ),
    "matmul": ("torch.nn.Linear", model([node("MatMul", "x w")], ["n", 5], {"w": numbers(5, 4)})),
    "batch norm": (
        "torch.nn.BatchNorm2d",
        model(
            [node("BatchNormalization", "x s b m v", epsilon=1e-3)],
            ["n", 3, 4, 4],
            {**{k: numbers(3) for k in "sbm"}, "v": np.abs(numbers(3)) + 0.1},
        ),
    ),
    "layer norm": (
        "torch.nn.LayerNorm",
        model(
            [node("LayerNormalization", "x s b", epsilon=1e-3)],
            ["n", 4, 6],
            {"s": numbers(6), "b": numbers(6)},
        ),
    ),
    "instance norm": (
        "torch.nn.InstanceNorm2d",
        model(
            [node("InstanceNormalization", "x s b")],
            ["n", 3, 4, 4],
            {"s": numbers(3), "b": numbers(3)},
        ),
    ),
    "prelu": (
        "torch.nn.PReLU",
        model([node("PRelu", "x s")], ["n", 3, 4], {"s": np.abs(numbers(3, 1))}),
    ),
    "prelu of old files": (
        "torch.nn.PReLU",
        model([node("PRelu", "x s")], ["n", 3, 3, 3], {"s": np.abs(numbers(3))}, opset=6),
    ),
    "dropout": ("torch.nn.Dropout", model([node("Dropout", "x")], ["n", 3], {})),
}


@pytest.mark.parametrize("name", CASES)
def test_operators_with_weights(name: str, tmp_path: Path) -> None:
    """A node with weights is the layer of torch.nn that does the same."""
    wanted, made = CASES[name]
    found = brought(made, tmp_path)
    assert found.verified, found.notes
    assert layers(found) == wanted.split()
    assert len(found.trials) == 2


GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent(op: str, direction: str, tmp_path: Path) -> None:
    """Gates are put in PyTorch's order; both directions and all outputs agree at any length."""
    ways, gates, wide, hidden = 1 + (direction == "bidirectional"), GATES[op], 3, 5
    fixed = {
        "w": numbers(ways, gates * hidden, wide),
        "r": numbers(ways, gates * hidden, hidden),
        "b": numbers(ways, 2 * gates * hidden),
    }
    more = {"linear_before_reset": 1} if op == "GRU" else {}
    names = "y h c" if op == "LSTM" else "y h"
    rec = node(op, "x w r b", names, hidden_size=hidden, direction=direction, **more)
    found = brought(model([rec], ["T", "n", wide], fixed, names.split()), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert f"torch.nn.{op}" in layers(found)
    assert any("T = " in trial for trial in found.trials)


def test_embedding(tmp_path: Path) -> None:
    """Rows of a table of weights are an Embedding, and ids stay below its rows."""
    graph = helper.make_graph(
        [node("Gather", "table ids")],
        "g",
        [helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["batch", "T"])],
        [helper.make_tensor_value_info("y", FLOAT, ["batch", "T", 8])],
        [numpy_helper.from_array(numbers(20, 8), "table")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    found = brought(made, tmp_path)
    assert found.verified
    assert layers(found) == ["torch.nn.Embedding"]
    assert [trial for trial in found.trials if "T = " in trial]


def test_arithmetic_of_sizes_leaves_no_nodes(tmp_path: Path) -> None:
    """Shape, Gather, Mul, Concat and Reshape are one change of shape."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n"),
        node("Gather", "s one", "c"),
        node("Mul", "c four", "wide"),
        node("Unsqueeze", "n axes", "a"),
        node("Unsqueeze", "wide axes", "b"),
        node("Concat", "a b", "shape", axis=0),
        node("Reshape", "x shape"),
    ]
    fixed = {
        "zero": np.array(0),
        "one": np.array(1),
        "four": np.array(4),
        "axes": np.array([0]),
    }
    found = brought(model(nodes, ["n", 3, 2, 2], fixed), tmp_path)
    assert found.verified, found.notes
    assert len(layers(found)) == 1


def test_an_unknown_operator_is_a_node_that_tells(tmp_path: Path) -> None:
    """It is drawn with its wires and attributes, counted, and nothing is verified."""
    own = helper.make_node("Strange", ["x"], ["z"], domain="com.example", alpha=0.5)
    made = model([own, node("Gemm", "z w")], ["n", 5], {"w": numbers(5, 4)})
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    made.graph.value_info.append(helper.make_tensor_value_info("z", FLOAT, ["n", 5]))
    found = brought(made, tmp_path)
    assert not found.verified
    assert found.unsupported == ({"op": "com_example.Strange", "count": 1},)
    graph = found.document.network("main")
    assert graph is not None
    strange = next(n for n in graph.nodes.values() if n.layer == "com_example.Strange")
    assert strange.params == {"alpha": 0.5}
    assert any("only who made the domain" in note for note in found.notes)


def test_a_choice_that_is_known_is_made(tmp_path: Path) -> None:
    """Of an If whose condition the file has, the branch is taken."""

    def branch(name: str, value: float) -> onnx.GraphProto:
        made = helper.make_tensor_value_info(name, FLOAT, None)
        fixed = [numpy_helper.from_array(np.full(5, value, np.float32), f"c{name}")]
        return helper.make_graph([node("Add", f"x c{name}", name)], name, [], [made], fixed)

    chosen = node("If", "yes", "y", then_branch=branch("a", 1.0), else_branch=branch("b", 2.0))
    for yes in (True, False):
        found = brought(model([chosen], ["n", 5], {"yes": np.array(yes)}), tmp_path)
        assert found.verified, found.notes


def test_names_are_those_of_the_file(tmp_path: Path) -> None:
    """Inputs, outputs and weights keep their names; none takes the place of an attribute."""
    made = model([node("Gemm", "x forward.weight", "y.1")], ["n", 5], {}, ["y.1"])
    made.graph.initializer.append(numpy_helper.from_array(numbers(5, 4), "forward.weight"))
    found = brought(made, tmp_path)
    graph = found.document.network("main")
    assert graph is not None
    assert found.verified
    assert sorted(node.name for node in graph.nodes.values()) == ["forward_", "x", "y_1"]


def test_a_wrong_weight_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof is asked of the file, not of what was made of it."""
    from netbuilder.exchange.onnx_in import weighted

    made = model([node("Gemm", "x w")], ["n", 5], {"w": numbers(5, 4)})
    linear = weighted.linear
    monkeypatch.setattr(weighted, "linear", lambda rows, bias: linear(rows * 1.001, bias))
    found = brought(made, tmp_path)
    assert not found.verified
    assert found.max_rel_error is not None
    assert found.max_rel_error > 1e-4


def test_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command writes a project with its weights beside it."""
    import_here(monkeypatch)
    path = tmp_path / "net.onnx"
    onnx.save(CASES["conv"][1], path)
    assert main(["import", str(path), "-o", str(tmp_path / "net.netb"), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["verified"]
    assert answer["unsupported"] == []
    assert (tmp_path / "net.safetensors").is_file()


@pytest.mark.nightly
def test_the_call(tmp_path: Path) -> None:
    """The call gives a project that has its weights until it is saved, and after."""
    path = tmp_path / "net.onnx"
    onnx.save(CASES["conv"][1], path)
    project = nb.import_onnx(path)
    assert project.imported["verified"]
    module = project.module("main")
    weight = next(iter(module.state_dict().values()))
    fixed = numpy_helper.to_array(CASES["conv"][1].graph.initializer[0])
    assert np.array_equal(weight.numpy(), fixed)
    project.save(tmp_path / "again.netb")
    assert nb.load(tmp_path / "again.netb").check() == []


def test_a_size_that_no_one_knows_is_refused(tmp_path: Path) -> None:
    """Where nothing tells what comes out of an unknown node, the text names it."""
    own = helper.make_node("Strange", [], ["z"], domain="com.example", name="odd")
    made = model([own, node("Add", "x z")], ["n", 5], {})
    made.opset_import.append(helper.make_opsetid("com.example", 1))
    with pytest.raises(BringError, match="odd"):
        brought(made, tmp_path)

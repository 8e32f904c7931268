"""What the author of a file called its nodes is what they are called in the project."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from netbuilder.exchange.onnx_in import bringing, called
from netbuilder.exchange.onnx_in.ops import Call


@pytest.mark.parametrize(
    ("given", "op", "wanted"),
    [
        ("relu1", "Relu", "relu1"),
        ("encoder.0.act", "Relu", "encoder_0_act"),
        ("resnetv17_relu0_fwd", "Relu", "resnetv17_relu0_fwd"),
        ("/body/head", "Softmax", "body_head"),
        ("Relu_3", "Relu", ""),
        ("/layer1/layer1.0/Add_1", "Add", ""),
        ("model/flatten/Reshape:0", "Reshape", ""),
        ("Transpose__12", "Transpose", ""),
        ("p2o.Relu.0", "Relu", ""),
        ("node_relu_3", "Relu", ""),
        ("12", "Relu", ""),
        ("n0", "Relu", ""),
        ("fc1", "Relu", "fc1"),
        ("y", "Relu", ""),
        ("frob", "com.acme.Frob", "frob"),
        ("Frob_1", "com.acme.Frob", ""),
        ("a" * 1000, "Relu", "a" * called.MOST),
    ],
)
def test_a_name_that_somebody_gave(given: str, op: str, wanted: str) -> None:
    assert called.name(Call(op, given, 20, {}, ("x",), ("y",))) == wanted


def test_nodes_keep_the_names_of_the_file(tmp_path: Path) -> None:
    """Those of functions, of what several operations became, and of what has no counterpart."""
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], name="act.0"),
        helper.make_node("Identity", ["a"], ["same"], name="handed_on"),
        helper.make_node("Split", ["same"], ["b", "c"], name="halves", num_outputs=2, axis=1),
        helper.make_node("Mul", ["b", "c"], ["d"], name="gate"),
        helper.make_node("Neg", ["d"], ["e"], name="gate"),
        helper.make_node("Frob", ["e"], ["y"], name="<b>frob</b>", domain="com.acme"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 2])],
    )
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.acme", 1)]
    path = tmp_path / "a.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    [drawn] = bringing.from_onnx(path).document.of_kind("network")
    names = {node.layer.rpartition(".")[2]: node.name for node in drawn.nodes.values()}
    assert names["ReLU"] == "act_0"
    assert "halves" in names.values()
    assert {names["mul"], names["neg"]} == {"gate", "gate_2"}
    assert names["Frob"] == "b_frob__b"

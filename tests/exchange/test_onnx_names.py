"""What the author of a file called its nodes is what they are called in the project."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
import torch
from onnx import TensorProto, helper

from netbuilder.exchange.onnx_in import bringing, called
from netbuilder.exchange.onnx_in.ops import Call
from tests.exchange.around import compared, leave_here


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


def test_an_output_may_be_called_what_the_exporter_calls_another_value(tmp_path: Path) -> None:
    """`linear` is what it calls the outcome of any product."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [4, 4], [0.5] * 16)
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node("Relu", ["a"], ["linear"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])],
        [helper.make_tensor_value_info("linear", TensorProto.FLOAT, ["N", 4])],
        [weight],
    )
    first, again = tmp_path / "a.onnx", tmp_path / "b.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=8), first
    )
    leave_here(bringing.from_onnx(first).document, "main", again)
    assert compared(first, again, ["x"], [("ones", (torch.ones(2, 4),))]) == {"ones": 0.0}


def test_layers_are_called_what_the_exporter_says(tmp_path: Path) -> None:
    """Where it says the class that they are; weights that are alike have one name in a file."""
    told = {
        "pkg.torch.onnx.name_scopes": "['', 'body', 'body.1.dense', 'linear']",
        "pkg.torch.onnx.class_hierarchy": "['', 'b.B', 'torch.nn.modules.linear.Linear', 'a']",
    }
    node = helper.make_node("MatMul", ["x", "w"], ["a"], name="node_MatMul_1")
    for key, value in told.items():
        node.metadata_props.add(key=key, value=value)
    assert called.layer(node) == ("body.1.dense", "Linear")
    node.metadata_props[1].value = "['', 'b.B', 'my.Own', 'aten.linear.default']"
    assert called.layer(node) == ("", "")
    del node.metadata_props[:]
    assert called.layer(node) == ("", "")


def test_layers_whose_names_are_made_up_are_called_what_they_are(tmp_path: Path) -> None:
    """In the body of a Scan, too, where weights have no names of layers."""
    text = """<ir_version: 8, opset_import: ["": 17]>
    g (float[n, t, 4] x, float[n, 4] h) => (float[n, 4] last, float[t, n, 4] y) {
        last, y = Scan <num_scan_inputs = 1, scan_input_axes = [1],
                body = step (float[n, 4] was, float[n, 4] now)
                    => (float[n, 4] next, float[n, 4] made) {
            [node_linear_3] a = MatMul (was, w)
            [node_linear_4] b = MatMul (now, v)
            next = Add (a, b)
            made = Tanh (next)
        }> (h, x)
    }"""
    model = onnx.parser.parse_model(text)
    for number, name in enumerate("wv"):
        made = np.random.default_rng(number).standard_normal((4, 4)).astype(np.float32) / 3
        model.graph.initializer.append(onnx.numpy_helper.from_array(made, name))
    onnx.save(model, tmp_path / "m.onnx")
    found = bringing.from_onnx(tmp_path / "m.onnx")
    assert found.verified, found.notes
    names = [
        node.name
        for graph in found.document.graphs.values()
        for node in graph.ordered()
        if node.layer == "torch.nn.Linear"
    ]
    assert names == ["linear", "linear_2"]

"""Recurrent layers upon one another in an ONNX file are one layer of several again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from torch import nn

from netbuilder.exchange.onnx_in import bringing, lifting
from netbuilder.exchange.onnx_in.graph import OnnxModule
from tests.exchange.test_onnx_in import brought, layers, model, node, numbers

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
WIDE = 5
Nodes = list[onnx.NodeProto]


def stack(
    op: str, count: int, *, both: bool = False, parts: str = ""
) -> tuple[Nodes, dict[str, np.ndarray[Any, Any]]]:
    """Layers as PyTorch's exporter writes them: from `x` to `y0`, `y1`, …, with states `h0`, ….

    `parts` tells which row of `start` each begins with; without them it is zeros.
    """
    ways, gates = 1 + both, GATES[op]
    fixed = {
        "four": np.array([0, 0, -1]),
        "zero": np.array([0]),
        "one": np.array([1]),
    }
    nodes: Nodes = []
    for at in range(count):
        below = f"f{at - 1}" if at else "x"
        wide = WIDE * ways if at else 3
        state = f"s{at}" if parts else "-"
        fixed[f"w{at}"] = numbers(ways, gates * WIDE, wide)
        fixed[f"r{at}"] = numbers(ways, gates * WIDE, WIDE)
        fixed[f"b{at}"] = numbers(ways, 2 * gates * WIDE)
        if parts:
            fixed[f"from{at}"] = np.array([int(parts[at]) * ways])
            fixed[f"to{at}"] = np.array([(int(parts[at]) + 1) * ways])
            nodes.append(node("Slice", f"start from{at} to{at} zero", state))
        given = f"{below} w{at} r{at} b{at} - {state}" + (f" {state}" if op == "LSTM" else "")
        more: dict[str, Any] = {"direction": "bidirectional"} if both else {}
        more |= {"linear_before_reset": 1} if op == "GRU" else {}
        made = f"y{at} h{at}" + (f" c{at}" if op == "LSTM" else "")
        nodes.append(node(op, given, made, hidden_size=WIDE, **more))
        if both:
            nodes.append(node("Transpose", f"y{at}", f"t{at}", perm=[0, 2, 1, 3]))
            nodes.append(node("Reshape", f"t{at} four", f"f{at}"))
        else:
            nodes.append(node("Squeeze", f"y{at} one", f"f{at}"))
    return nodes, fixed


def written(
    nodes: Nodes, fixed: dict[str, np.ndarray[Any, Any]], outputs: str, rows: int = 0
) -> onnx.ModelProto:
    """A model of them over a free length and a free batch; `start` comes in where it has rows."""
    made = model(nodes, ["T", "n", 3], fixed, outputs.split())
    if rows:
        start = helper.make_tensor_value_info("start", onnx.TensorProto.FLOAT, [rows, "n", WIDE])
        made.graph.input.append(start)
    return made


FOUND: dict[str, tuple[str, dict[str, Any], str, int]] = {
    "three, from zeros": ("LSTM", {"count": 3}, "f2", 0),
    "both ways, states put together": (
        "GRU",
        {"count": 2, "both": True, "parts": "01"},
        "f1 hs",
        0,
    ),
    "three, and states apart": ("RNN", {"count": 3, "parts": "012"}, "h0 f2 h2", 2),
    "cells too": ("LSTM", {"count": 2, "both": True, "parts": "01"}, "c1 hs f1", 1),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_stack_is_one_layer(name: str, tmp_path: Path) -> None:
    """It computes what ONNX Runtime says; weights are called as PyTorch calls them."""
    op, kind, outputs, slices = FOUND[name]
    nodes, fixed = stack(op, **kind)
    if "hs" in outputs:
        nodes.append(node("Concat", "h0 h1", "hs", axis=0))
    count, ways = kind["count"], 1 + kind.get("both", False)
    rows = count * ways if "parts" in kind else 0
    found = brought(written(nodes, fixed, outputs, rows), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert sorted(layers(found)) == sorted(
        [f"torch.nn.{op}"] + ["torch.Tensor.__getitem__"] * slices
    )
    graph = found.document.network("main")
    assert graph is not None
    layer = next(each for each in graph.ordered() if each.layer == f"torch.nn.{op}")
    assert layer.params["num_layers"] == count
    same: Any = getattr(nn, op)(3, WIDE, count, bidirectional=ways == 2)
    keys = {f"{layer.name}.{key}": value.shape for key, value in same.state_dict().items()}
    assert {key: value.shape for key, value in found.weights.items()} == keys


def relu(nodes: Nodes) -> Nodes:
    """With something between two layers."""
    return [*nodes[:2], node("Relu", "f0", "f0r"), *_renamed(nodes[2:], "f0", "f0r")]


def _renamed(nodes: Nodes, old: str, new: str) -> Nodes:
    for each in nodes:
        for at, name in enumerate(each.input):
            each.input[at] = new if name == old else name
    return nodes


def back(nodes: Nodes) -> Nodes:
    """With the second layer from the end to the beginning."""
    nodes[2].attribute.append(helper.make_attribute("direction", "reverse"))
    return nodes


def clipped(nodes: Nodes) -> Nodes:
    """With another function in the second layer."""
    nodes[2].attribute.append(helper.make_attribute("activations", ["Relu"]))
    return nodes


def unbiased(nodes: Nodes) -> Nodes:
    """With no biases in the second layer."""
    nodes[2].input[3] = ""
    return nodes


def apart(nodes: Nodes) -> Nodes:
    """With the directions left as they are beside each other: all of one, then the other."""
    index = next(at for at, each in enumerate(nodes) if each.op_type == "Transpose")
    nodes[index].attribute[0].ints[:] = [0, 2, 3, 1]
    return nodes


STAY: dict[str, tuple[dict[str, Any], Callable[[Nodes], Nodes], str]] = {
    "something in between": ({}, relu, "f1"),
    "the other way round": ({}, back, "f1"),
    "another function": ({}, clipped, "f1"),
    "biases of one alone": ({}, unbiased, "f1"),
    "features in another order": ({"both": True}, apart, "f1"),
    "what is between is read": ({}, list, "f0 f1"),
    "states in another order": ({"parts": "10"}, list, "f1"),
    "one state for both": ({"parts": "00"}, list, "f1"),
}


@pytest.mark.parametrize("name", STAY)
def test_what_only_looks_like_a_stack_stays(name: str) -> None:
    kind, change, outputs = STAY[name]
    nodes, fixed = stack("RNN", 2, **kind)
    made = written(change(nodes), fixed, outputs, 2 if "parts" in kind else 0)
    _, counts = lifting.lift(bringing.traced_program(OnnxModule(made), made))
    assert not counts


@pytest.mark.parametrize("op", GATES)
def test_layers_behind_one_transpose_all_have_the_batch_first(op: str, tmp_path: Path) -> None:
    """The second has none before itself: it is like the one below it."""
    nodes, fixed = stack(op, 2)
    nodes[0].input[0] = "turned"
    nodes.insert(0, node("Transpose", "x", "turned", perm=[1, 0, 2]))
    nodes.append(node("Transpose", "f1", "y", perm=[1, 0, 2]))
    made = model(nodes, ["n", "T", 3], fixed, ["y"])
    found = brought(made, tmp_path)
    assert found.verified, found.notes
    assert layers(found) == [f"torch.nn.{op}"]
    graph = found.document.network("main")
    assert graph is not None
    (layer,) = (each for each in graph.nodes.values() if each.layer == f"torch.nn.{op}")
    assert layer.params["batch_first"] is True
    assert layer.params["num_layers"] == 2

"""Sizes that are free in an ONNX file stay free in the project, and their arithmetic goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from netbuilder.exchange.bring.importing import Brought
from tests.exchange.test_onnx_in import brought, layers, model, node, numbers


def input_shape(found: Brought) -> tuple[int | str, ...]:
    """The shape of `x` in the project, without its batch."""
    graph = found.document.network("main")
    assert graph is not None
    (x,) = [each for each in graph.nodes.values() if each.name == "x"]
    return tuple(x.params["shape"])


def begin(how: str) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray[Any, Any]]]:
    """Nodes that make a state of zeros for the batch of `x`, as exporters write them."""
    sized = [node("Shape", "x", "n", start=0, end=1), node("Concat", "one n wide", "s", axis=0)]
    fixed = {"one": np.array([1]), "wide": np.array([5])}
    if how == "expand":
        fixed["zero"] = np.zeros((), np.float32)
        return [*sized, node("Expand", "zero s", "h")], fixed
    if how == "fill":
        return [*sized, node("ConstantOfShape", "s", "h")], fixed
    # Of states for two layers, the first.
    fixed |= {"two": np.array([2]), "none": np.array([0])}
    sized[1] = node("Concat", "two n wide", "s", axis=0)
    both = [node("ConstantOfShape", "s", "hs"), node("Slice", "hs none one none", "h")]
    return [*sized, *both], fixed


@pytest.mark.parametrize("how", ["expand", "fill", "slice"])
@pytest.mark.parametrize("op", ["LSTM", "RNN"])
def test_a_state_of_zeros_is_where_pytorch_begins(op: str, how: str, tmp_path: Path) -> None:
    """However its size was worked out, no node of it is left, and the length stays free."""
    gates = 4 if op == "LSTM" else 1
    nodes, fixed = begin(how)
    fixed |= {"w": numbers(1, gates * 5, 3), "r": numbers(1, gates * 5, 5)}
    fixed["perm"] = np.array([1])
    states = "h h" if op == "LSTM" else "h"
    nodes += [
        node("Transpose", "x", "along", perm=[1, 0, 2]),
        node(op, f"along w r - - {states}", "steps", hidden_size=5),
        node("Squeeze", "steps perm", "flat"),
        node("Transpose", "flat", "y", perm=[1, 0, 2]),
    ]
    found = brought(model(nodes, ["n", "T", 3], fixed), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert input_shape(found) == ("T", 3)
    assert layers(found) == [f"torch.nn.{op}"]
    assert len(found.trials) == 3


def test_a_state_of_ones_is_no_state_of_zeros(tmp_path: Path) -> None:
    """Only zeros are left out."""
    fixed = {"w": numbers(1, 5, 3), "r": numbers(1, 5, 5), "h": np.ones((1, 2, 5), np.float32)}
    made = model([node("RNN", "x w r - - h", "y", hidden_size=5)], ["T", 2, 3], fixed)
    found = brought(made, tmp_path)
    assert found.verified, (found.unsupported, found.notes)


# -- changes of shape in a row ---------------------------------------------------------------------

ROWS: dict[str, tuple[str, list[onnx.NodeProto], list[int | str]]] = {
    "there and back": (
        "torch.nn.ReLU",
        [
            node("Transpose", "x", "a", perm=[0, 2, 1]),
            node("Relu", "a", "b"),
            node("Transpose", "a", "c", perm=[0, 2, 1]),
            node("Relu", "c"),
        ],
        ["n", 3, "T"],
    ),
    "apart and together": (
        "torch.permute",
        [
            node("Reshape", "x four", "a"),
            node("Transpose", "a", "b", perm=[0, 2, 3, 1]),
            node("Reshape", "b three"),
        ],
        ["n", 5, 12],
    ),
    "dims of one": (
        "torch.unsqueeze",
        [
            node("Unsqueeze", "x one", "a"),
            node("Unsqueeze", "a one", "b"),
            node("Squeeze", "b two"),
        ],
        ["n", 5],
    ),
    "two that are needed": (
        "torch.nn.Unflatten torch.permute",
        [node("Reshape", "x four", "a"), node("Transpose", "a", "y", perm=[0, 2, 1, 3])],
        ["n", 5, 12],
    ),
    "one in the middle that is read": (
        "torch.permute torch.add torch.nn.ReLU torch.permute torch.add",
        [
            node("Transpose", "x", "a", perm=[0, 2, 1]),
            node("Transpose", "a", "b", perm=[0, 2, 1]),
            node("Add", "a a", "c"),
            node("Relu", "b", "d"),
            node("Transpose", "d", "e", perm=[0, 2, 1]),
            node("Add", "c e"),
        ],
        ["n", 5, 12],
    ),
}
SIZES = {
    "one": np.array([1]),
    "two": np.array([2]),
    "three": np.array([0, 12, 5]),
    "four": np.array([0, 5, 3, 4]),
}


@pytest.mark.parametrize("name", ROWS)
def test_changes_of_shape_in_a_row_are_one(name: str, tmp_path: Path) -> None:
    """What leads back is none, what several do that one does is one; all else stays."""
    wanted, nodes, shape = ROWS[name]
    found = brought(model(nodes, shape, SIZES), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert sorted(layers(found)) == sorted(wanted.split())

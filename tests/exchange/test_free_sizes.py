"""Sizes that are free in an ONNX file stay free in the project, and their arithmetic goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

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
    nodes, fixed = begin("expand")
    fixed |= {"w": numbers(1, 5, 3), "r": numbers(1, 5, 5), "zero": np.ones((), np.float32)}
    nodes.append(node("Transpose", "x", "along", perm=[1, 0, 2]))
    nodes.append(node("RNN", "along w r - - h", "y", hidden_size=5))
    found = brought(model(nodes, ["n", "T", 3], fixed), tmp_path)
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


# -- what is sized by what comes in ----------------------------------------------------------------

GIVEN = {
    "none": np.array(0),
    "one": np.array(1),
    "first": np.array([0]),
    "second": np.array([1]),
    "zero": np.array(0.0, np.float32),
    "seven": np.array(7.0, np.float32),
    "three": np.array([3]),
    "table": numbers(64, 3),
    "row": numbers(1, 1, 3),
    "w": numbers(3, 3),
    "last": np.array([-1]),
    "rows": np.array([-1, 3]),
    "two": np.array([2]),
    "far": np.array([2**62]),
}
LENGTH = [node("Shape", "x", "s", start=1, end=2), node("Squeeze", "s first", "t")]
WORKED_OUT: dict[str, tuple[str, list[onnx.NodeProto]]] = {
    "rows of a table, counted": (
        "netbuilder.Positions torch.nn.Embedding torch.add",
        [
            *LENGTH,
            node("Range", "none t one", "at"),
            node("Gather", "table at", "p"),
            node("Add", "x p"),
        ],
    ),
    "counted from one": (
        "netbuilder.Positions torch.add torch.nn.Embedding torch.add",
        [
            *LENGTH,
            node("Add", "t one", "u"),
            node("Range", "one u one", "at"),
            node("Gather", "table at", "p"),
            node("Add", "x p"),
        ],
    ),
    "the last rows": (
        "torch.Tensor.__getitem__",
        [*LENGTH, node("Sub", "s two", "from"), node("Slice", "x from far second")],
    ),
    "the first rows of a table": (
        "netbuilder.LearnableParameter netbuilder.Positions torch.index_select torch.add",
        [*LENGTH, node("Slice", "table first s first", "p"), node("Add", "x p")],
    ),
    "a number stretched to what is there": (
        "torch.nn.ReLU torch.full_like torch.add",
        [
            node("Relu", "x", "a"),
            node("Shape", "a", "all"),
            node("Expand", "seven all", "b"),
            node("Add", "a b"),
        ],
    ),
    "a size chosen among sizes": (
        "netbuilder.LearnableParameter torch.Tensor.expand_as torch.add",
        [
            node("Shape", "x", "all"),
            node("Shape", "all", "rank"),
            node("ConstantOfShape", "rank", "ones", value=numpy_helper.from_array(np.array([1]))),
            node("Mul", "ones last", "less"),
            node("Equal", "all less", "free"),
            node("Where", "free ones all", "chosen"),
            node("Expand", "row chosen", "b"),
            node("Add", "x b"),
        ],
    ),
    "a row stretched to what is there": (
        "netbuilder.LearnableParameter torch.Tensor.expand_as torch.cat",
        [
            node("Shape", "x", "all"),
            node("Expand", "row all", "b"),
            node("Concat", "x b", "y", axis=1),
        ],
    ),
    "a square of ones": (
        "netbuilder.Positions netbuilder.Positions torch.Tensor.__getitem__ "
        "torch.Tensor.__getitem__ torch.add torch.full_like torch.tril torch.matmul",
        [
            *LENGTH,
            node("Concat", "s s", "both", axis=0),
            node("Expand", "seven both", "b"),
            node("Trilu", "b", "m", upper=0),
            node("MatMul", "m x"),
        ],
    ),
    "rows flattened for a product": (
        "torch.nn.Linear torch.nn.ReLU",
        [
            node("Shape", "x", "all"),
            node("Reshape", "x rows", "a"),
            node("Gemm", "a w", "b"),
            node("Relu", "b", "c"),
            node("Reshape", "c all"),
        ],
    ),
}


@pytest.mark.parametrize("name", WORKED_OUT)
def test_what_is_sized_by_what_comes_in(name: str, tmp_path: Path) -> None:
    """Constants, counts and parts as long as an input are drawn, for any length."""
    wanted, nodes = WORKED_OUT[name]
    found = brought(model(nodes, ["n", "T", 3], GIVEN), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert input_shape(found) == ("T", 3)
    assert sorted(layers(found)) == sorted(wanted.split())


def test_rows_from_a_place_on_are_not_those_from_the_first(tmp_path: Path) -> None:
    """As many as another input has, but not the first: there is no layer for it."""
    nodes = [*LENGTH, node("Add", "s second", "to"), node("Slice", "table second to first", "p")]
    found = brought(model([*nodes, node("Add", "x p")], ["n", "T", 3], GIVEN), tmp_path)
    assert found.unsupported
    assert not found.verified

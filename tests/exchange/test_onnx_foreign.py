"""What files of other exporters are made of: images of free size, other domains, other gates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from netbuilder.exchange.onnx_in import deciding
from tests.exchange.test_free_sizes import input_shape
from tests.exchange.test_onnx_in import brought, layers, model, node, numbers

TWICE = {"factors": np.array([1, 1, 2, 2], np.float32), "two": np.array([2])}
_SIZED = [
    node("Shape", "x", "whole"),
    node("Slice", "whole zero two", "front"),
    node("Slice", "whole two four", "back"),
    node("Mul", "back two", "more"),
    node("Concat", "front more", "size", axis=0),
]
MANNERS: list[dict[str, Any]] = [
    {},
    {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    {"coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"},
    {"coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"},
]


@pytest.mark.parametrize("manner", MANNERS, ids=str)
def test_pixels_that_come_twice_need_no_known_size(manner: dict[str, Any], tmp_path: Path) -> None:
    """Manners that differ between pixels are one where each comes a whole number of times."""
    nodes = [node("Resize", "x - factors", mode="nearest", **manner)]
    found = brought(model(nodes, ["n", 3, "h", "w"], TWICE), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert input_shape(found) == (3, "h", "w")
    assert layers(found) == ["torch.nn.functional.interpolate"]


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_a_size_that_is_twice_that_of_the_image_is_a_factor(mode: str, tmp_path: Path) -> None:
    """Arithmetic of sizes that says how often each pixel comes leaves no nodes."""
    fixed = {"zero": np.array([0]), "two": np.array([2]), "four": np.array([4])}
    nodes = [*_SIZED, node("Resize", "x - - size", mode=mode)]
    found = brought(model(nodes, ["n", 3, "h", "w"], fixed), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert input_shape(found) == (3, "h", "w")
    assert layers(found) == ["torch.nn.functional.interpolate"]


def test_pixels_that_move_by_a_half_are_not_taken_for_repeated_ones(tmp_path: Path) -> None:
    """Where the first pixel comes once and the last three times it is no repetition."""
    nodes = [node("Resize", "x - factors", mode="nearest", nearest_mode="floor")]
    found = brought(model(nodes, ["n", 3, 4, 5], TWICE), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert "torch.nn.functional.interpolate" not in layers(found)


@pytest.mark.parametrize("direction", ["reverse", "bidirectional"])
def test_a_gru_that_resets_before_its_product(direction: str, tmp_path: Path) -> None:
    """PyTorch has none: it is a loop over a block, at any length."""
    ways = 1 + (direction == "bidirectional")
    fixed = {
        "w": numbers(ways, 15, 3),
        "r": numbers(ways, 15, 5),
        "b": numbers(ways, 30),
    }
    made = node("GRU", "x w r b", "y h", hidden_size=5, direction=direction)
    found = brought(model([made], ["T", "n", 3], fixed, ["y", "h"]), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert "torch.nn.GRU" not in layers(found)
    assert any("T = " in trial for trial in found.trials)


# -- other domains ---------------------------------------------------------------------------------


def _with(made: onnx.ModelProto, *domains: str) -> onnx.ModelProto:
    made.opset_import.extend(helper.make_opsetid(domain, 1) for domain in domains)
    return made


def test_what_an_optimizer_fused_is_drawn_as_layers(tmp_path: Path) -> None:
    """Names, weights and numbers are as they were before."""
    fixed = {
        "kernel": numbers(8, 3, 3, 3),
        "gamma": numbers(8),
        "beta": numbers(8),
        "wide": numbers(8, 24),
        "bias": numbers(24),
        "rows": np.array([0, 8, -1]),
    }
    own = {"domain": "com.microsoft"}
    nodes = [
        node("FusedConv", "x kernel", "a", activation="Relu", pads=[1] * 4, **own),
        node("Reshape", "a rows", "b"),
        node("Transpose", "b", "c", perm=[0, 2, 1]),
        node("Attention", "c wide bias", "d", num_heads=2, **own),
        node("SkipLayerNormalization", "c d gamma beta", "e", epsilon=1e-5, **own),
        node("BiasGelu", "e beta", "y", **own),
    ]
    found = brought(_with(model(nodes, ["n", 3, 4, 4], fixed), own["domain"]), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    for wanted in ("Conv2d", "ReLU", "LayerNorm", "GELU"):
        assert any(layer.rpartition(".")[2] == wanted for layer in layers(found)), layers(found)


@pytest.mark.parametrize(
    ("domain", "op", "said"),
    [
        ("com.microsoft", "GreedySearch", "ONNX Runtime's own"),
        ("ai.onnx.ml", "TreeEnsembleRegressor", "trees"),
        ("com.example", "Strange", "'com.example'"),
    ],
)
def test_a_node_of_another_domain_says_why_it_is_unknown(
    domain: str, op: str, said: str, tmp_path: Path
) -> None:
    """On the node itself, in the notes of the import, and in what is saved."""
    nodes = [node(op, "x", "z", domain=domain), node("Gemm", "z w")]
    found = brought(_with(model(nodes, ["n", 5], {"w": numbers(5, 4)}), domain), tmp_path)
    graph = found.document.network("main")
    assert graph is not None
    (unknown,) = [each for each in graph.nodes.values() if each.layer.endswith(op)]
    assert said in unknown.note
    assert any(said in note for note in found.notes)
    assert not found.verified


# -- sizes that meet -------------------------------------------------------------------------------


def test_a_size_that_is_that_of_another_path(tmp_path: Path) -> None:
    """As in a feature pyramid: the smaller image becomes as large as the other, however large."""
    fixed = {"w": numbers(3, 3, 3, 3), "none": np.array([0]), "two": np.array([2])}
    fixed["four"] = np.array([4])
    nodes = [
        node("Conv", "x w", "deep", strides=[3, 3]),
        node("Relu", "deep", "low"),
        node("Shape", "x", "of_x"),
        node("Slice", "of_x two four", "back"),
        node("Shape", "low", "of_low"),
        node("Slice", "of_low none two", "front"),
        node("Concat", "front back", "size", axis=0),
        node("Resize", "low - - size", "large", mode="linear"),
        node("Add", "x large", "y"),
    ]
    found = brought(model(nodes, ["n", 3, "h", "w"], fixed), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert input_shape(found) == (3, "h", "w")
    assert "netbuilder.ResizeLike" in layers(found)


def test_paths_that_meet_at_some_sizes_only_are_drawn_at_one(tmp_path: Path) -> None:
    """Halved and doubled an odd image is another one: the file does not say so, the notes do."""
    fixed = {"w": numbers(3, 3, 2, 2), "factors": TWICE["factors"]}
    nodes = [
        node("Conv", "x w", "low", strides=[2, 2]),
        node("Resize", "low - factors", "large", mode="nearest"),
        node("Add", "x large", "y"),
    ]
    found = brought(model(nodes, ["n", 3, "h", "w"], fixed), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert input_shape(found) == (3, 224, 224)
    assert any("h = 224, w = 224" in note for note in found.notes)


def test_what_no_size_mends_is_left_as_it_was(tmp_path: Path) -> None:
    """A node without a counterpart is none at fixed sizes either: these stay free."""
    nodes = [node("Strange", "x", "y", domain="com.example")]
    found = brought(_with(model(nodes, ["n", "T", 5], {}), "com.example"), tmp_path)
    assert input_shape(found) == ("T", 5)
    assert not any("fixed" in note for note in found.notes)


# -- old files, and classifiers --------------------------------------------------------------------


def test_a_tensor_of_an_old_file_need_not_be_an_input(tmp_path: Path) -> None:
    """The format asked for it, no runtime does."""
    made = model([node("MatMul", "x w")], ["n", 5], {"w": numbers(5, 4)}, opset=7)
    made.ir_version = 3
    found = brought(made, tmp_path)
    assert found.verified, (found.unsupported, found.notes)


def test_a_map_from_classes_is_their_probabilities(tmp_path: Path) -> None:
    """As exporters of scikit-learn end a classifier."""
    own: dict[str, Any] = {"domain": "ai.onnx.ml"}
    said = {"coefficients": [0.1] * 3 + [0.5] * 3, "intercepts": [0.1, 0.2]}
    labels = {"classlabels_ints": [3, 5], "post_transform": "SOFTMAX"}
    nodes = [
        node("LinearClassifier", "x", "label scores", **said, **labels, **own),
        node("ZipMap", "scores", "y", classlabels_int64s=[3, 5], **own),
    ]
    made = _with(model(nodes, ["n", 3], {}, ["label", "y"]), "ai.onnx.ml")
    kind = helper.make_map_type_proto(
        onnx.TensorProto.INT64, helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, [])
    )
    made.graph.output[1].type.CopyFrom(helper.make_sequence_type_proto(kind))
    made.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    found = brought(made, tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert any("3, 5" in note for note in found.notes)


def test_a_number_that_decides_which_branch_runs_is_fixed(tmp_path: Path) -> None:
    """As the rate of a sound does: the first that it is compared with is the one that is drawn."""

    def branch(name: str, weight: str) -> onnx.GraphProto:
        made = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        return helper.make_graph([node("MatMul", f"x {weight}", name)], name, [], [made])

    fixed = {"w": numbers(5, 4), "v": numbers(5, 4), "fast": np.array(16000)}
    nodes = [
        node("Equal", "rate fast", "is_fast"),
        node("If", "is_fast", "y", then_branch=branch("a", "w"), else_branch=branch("b", "v")),
    ]
    made = model(nodes, ["n", 5], fixed)
    made.graph.input.append(helper.make_tensor_value_info("rate", onnx.TensorProto.INT64, []))
    found = brought(made, tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert layers(found) == ["torch.nn.Linear"]
    assert any("rate = 16000" in note for note in found.notes)


def test_a_constant_among_the_inputs_stays_what_it_is(tmp_path: Path) -> None:
    """Old files list their constants there; one that is compared is no number that comes in."""

    def branch(name: str, weight: str) -> onnx.GraphProto:
        made = helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        return helper.make_graph([node("MatMul", f"x {weight}", name)], name, [], [made])

    fixed = {"w": numbers(5, 4), "v": numbers(5, 4), "fast": np.array(3), "k": np.array([[4]])}
    nodes = [
        node("Equal", "k fast", "same"),
        node("Squeeze", "same", "is_fast"),
        node("If", "is_fast", "y", then_branch=branch("a", "w"), else_branch=branch("b", "v")),
    ]
    made = model(nodes, ["n", 5], fixed)
    made.graph.input.append(helper.make_tensor_value_info("k", onnx.TensorProto.INT64, [1, 1]))
    assert deciding.fix(made) == []
    found = brought(made, tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert np.array_equal(next(iter(found.weights.values())).numpy().T, fixed["v"])


def test_the_scope_that_all_nodes_are_in_is_no_part_of_their_names(tmp_path: Path) -> None:
    """As TensorFlow names them: by the model first."""
    nodes = [node("MatMul", "x w", "a"), node("MatMul", "a v", "y")]
    nodes[0].name, nodes[1].name = "net/stem/MatMul", "net/head/MatMul"
    fixed = {"w": numbers(5, 4), "v": numbers(4, 4)}
    found = brought(model(nodes, ["n", 5], fixed), tmp_path)
    graph = found.document.network("main")
    assert graph is not None
    assert {"stem", "head"} <= {each.name for each in graph.nodes.values()}


def test_a_node_keeps_its_scope_where_another_has_its_name_already(tmp_path: Path) -> None:
    """ONNX Runtime refuses a file with two nodes of one name."""
    nodes = [node("Relu", "x", "a"), node("Relu", "a", "b"), node("Neg", "b", "y")]
    for each, name in zip(nodes, ("Relu", "net/Relu", "net/head/Neg"), strict=True):
        each.name = name
    found = brought(model(nodes, ["n", 5], {}), tmp_path)
    assert found.verified, found.notes

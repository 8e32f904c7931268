"""What was imported is a project like any other: it trains on, and leaves again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import helper, numpy_helper

import netbuilder as nb
from netbuilder.training.records.events import Event

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200)]

_random = np.random.default_rng(3)


def _small(*shape: int) -> np.ndarray[Any, Any]:
    return (_random.standard_normal(shape) * 0.2).astype(np.float32)


def _saved(nodes: list[onnx.NodeProto], fixed: dict[str, Any], path: Path) -> Path:
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(given, name) for name, given in fixed.items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, path)
    return path


def convolutional(path: Path) -> Path:
    """A convolution, a normalisation and a linear layer."""
    nodes = [
        helper.make_node("Conv", ["image", "conv.weight", "conv.bias"], ["c"], pads=[1] * 4),
        helper.make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "head.weight", "head.bias"], ["logits"], transB=1),
    ]
    fixed = {
        "conv.weight": _small(8, 1, 3, 3),
        "conv.bias": _small(8),
        "s": np.ones(8, np.float32),
        "b": _small(8),
        "m": _small(8),
        "v": np.ones(8, np.float32),
        "head.weight": _small(10, 128),
        "head.bias": _small(10),
    }
    return _saved(nodes, fixed, path)


def recurrent(path: Path) -> Path:
    """Rows of the picture through an LSTM, whose last state is read."""
    nodes = [
        helper.make_node("Squeeze", ["image", "one"], ["rows"]),
        helper.make_node("Transpose", ["rows"], ["x"], perm=[1, 0, 2]),
        helper.make_node("LSTM", ["x", "w", "r", "b"], ["", "h"], hidden_size=16),
        helper.make_node("Squeeze", ["h", "zero"], ["last"]),
        helper.make_node("Gemm", ["last", "head.weight", "head.bias"], ["logits"], transB=1),
    ]
    fixed = {
        "one": np.array([1]),
        "zero": np.array([0]),
        "w": _small(1, 64, 8),
        "r": _small(1, 64, 16),
        "b": _small(1, 128),
        "head.weight": _small(10, 16),
        "head.bias": _small(10),
    }
    return _saved(nodes, fixed, path)


def with_step(project: nb.Project) -> None:
    """Digits to learn, by a step drawn around the network that came in."""
    project.set(data={"source": "netbuilder.Digits", "normalise": ("image",)})
    step = project.add_step(optimizer={"kind": "Adam", "lr": 0.01})
    image = step.add("netbuilder.DataField", name="image", field="image")
    label = step.add("netbuilder.DataField", name="label", field="label")
    call = step.add("netbuilder.NetworkCall", name="main", network="main")
    loss = step.add("torch.nn.CrossEntropyLoss", name="cross_entropy")
    objective = step.add("netbuilder.Objective", name="loss")
    step.connect(image, call)
    step.connect(call, loss["input"])
    step.connect(label, loss["target"])
    step.connect(loss, objective)


@pytest.mark.parametrize("make", [convolutional, recurrent])
def test_an_imported_file_trains_on_and_leaves(make: Any, tmp_path: Path) -> None:
    project = nb.import_onnx(make(tmp_path / "theirs.onnx"))
    assert project.imported["verified"]
    began = {key: value.clone() for key, value in project.module("main").state_dict().items()}
    with_step(project)
    assert [problem for problem in project.check() if problem.severity == "error"] == []
    heard: list[Event] = []
    run = nb.train(project, tmp_path / "run", epochs=2, threads=1, listen=heard.append)
    losses = [event.values["train/loss"] for event in heard if event.event == "epoch"]
    assert len(losses) == 2
    assert losses[1] < 0.9 * losses[0]
    answer = nb.export_onnx(project, tmp_path / "ours.onnx", run=run)
    assert answer["verified"], answer
    again = nb.import_onnx(tmp_path / "ours.onnx").module("main").state_dict()
    both = again.keys() & began.keys()
    assert "head.weight" in both
    assert not any(torch.equal(again[key], began[key]) for key in both)

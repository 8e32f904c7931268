"""Files with weights in fewer bits: what they keep, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange import further
from netbuilder.exchange.smaller import checking, child, halving, keeping, lowering, precisions

Array = np.ndarray[Any, Any]
METADATA = {"netbuilder.preparation": '{"built_in": false}', "classes": '["a", "b"]'}


def tensor(name: str, *shape: int, scale: float = 0.1, seed: int = 0) -> onnx.TensorProto:
    values = np.random.default_rng(seed).normal(0, scale, shape).astype(np.float32)
    return numpy_helper.from_array(values, name)


def saved(nodes: list[Any], weights: list[Any], inputs: list[Any], out: Any, path: Path) -> Path:
    graph = helper.make_graph(nodes, "main", inputs, [out], weights)
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, producer_name="netbuilder", ir_version=10)
    helper.set_model_props(model, METADATA | {further.KEY: "{}"})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    return path


def value(name: str, *shape: int | str, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution over pictures of any number, a table, a GRU, and a layer that takes it all."""
    nodes = [
        helper.make_node("Conv", ["image", "stem.weight"], ["a"], "stem", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("GlobalAveragePool", ["b"], ["c"], "pool"),
        helper.make_node("Flatten", ["c"], ["d"], "flatten"),
        helper.make_node("Gather", ["table.weight", "words"], ["e"], "table"),
        helper.make_node("Transpose", ["e"], ["f"], "turn", perm=[1, 0, 2]),
        helper.make_node("GRU", ["f", "gru.w", "gru.r"], ["", "g"], "gru", hidden_size=32),
        helper.make_node("Squeeze", ["g", "axis"], ["h"], "squeeze"),
        helper.make_node("Concat", ["d", "h"], ["i"], "join", axis=1),
        helper.make_node("Gemm", ["i", "head.weight", "head.bias"], ["scores"], "head", transB=1),
    ]
    weights = [
        tensor("stem.weight", 32, 4, 3, 3, seed=1),
        tensor("table.weight", 64, 32, scale=1, seed=2),
        tensor("gru.w", 1, 96, 32, seed=3),
        tensor("gru.r", 1, 96, 32, seed=4),
        numpy_helper.from_array(np.array([0], np.int64), "axis"),
        tensor("head.weight", 40, 64, seed=5),
        tensor("head.bias", 40, seed=6),
    ]
    inputs = [value("image", "N", 4, 8, 8), value("words", "N", "T", kind=TensorProto.INT64)]
    path = tmp_path_factory.mktemp("whole") / "whole.onnx"
    return saved(nodes, weights, inputs, value("scores", "N", 40), path)


def calls(seed: int, samples: int = 8, length: int = 5) -> list[dict[str, Array]]:
    chance = np.random.default_rng(seed)
    image = chance.normal(0, 1, (samples, 4, 8, 8)).astype(np.float32)
    words = chance.integers(0, 64, (samples, length))
    return [{"image": image, "words": words}, {"image": image[:1], "words": words[:1, :2]}]


def made(whole: Path, folder: Path, *names: str, **feeds: Any) -> dict[str, Any]:
    """What the child process answers, without starting one."""
    job: dict[str, Any] = {"whole": str(whole)}
    job["files"] = {name: str(folder / f"{name}.onnx") for name in names}
    for name in ("samples", "calibration"):
        job[name] = str(folder / f"{name}.safetensors")
        lowering.write_feeds(feeds.get(name, calls(1)), Path(job[name]))
    return child.run(job)


@pytest.fixture(scope="module")
def all_of_them(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("small")
    return folder, made(whole, folder, *precisions.PRECISIONS)


@pytest.mark.parametrize("name", precisions.PRECISIONS)
def test_a_smaller_file_keeps_what_the_whole_one_is(
    name: str, whole: Path, all_of_them: tuple[Path, Any]
) -> None:
    folder, answer = all_of_them
    assert 0 < answer[name]["max_rel_error"] < precisions.find(name).tolerance
    small, model = onnx.load(folder / f"{name}.onnx"), onnx.load(whole)
    onnx.checker.check_model(small, full_check=True)
    told = {entry.key: entry.value for entry in small.metadata_props}
    assert told == METADATA | {"netbuilder.precision": name}
    assert small.producer_name == "netbuilder"
    assert [v.SerializeToString() for v in small.graph.input] == [
        v.SerializeToString() for v in model.graph.input
    ]
    names = [node.name for node in small.graph.node]
    assert all(names)
    assert {"stem", "table", "gru", "head"} <= set(names)
    # Nobody else's operators: it runs where ONNX does.
    assert {node.domain for node in small.graph.node} <= {"", "ai.onnx"}
    share = small.ByteSize() / model.ByteSize()
    assert share < (0.55 if name == "fp16" else 0.4)
    # Sizes that no sample had stay free.
    feed = calls(9, samples=3, length=11)[0]
    shape = checking.session(folder / f"{name}.onnx").run(None, feed)[0].shape
    assert shape == (3, 40)


def test_ranges_come_from_the_calibration(whole: Path, tmp_path: Path) -> None:
    """Ranges of tiny values cut the real ones off, which the comparison must see."""
    tiny = [{**call, "image": call["image"] * 1e-3} for call in calls(2)]
    answer = made(whole, tmp_path, "int8-static", calibration=tiny)
    assert "departs from the whole network's" in answer["int8-static"]["error"]["message"]


def test_what_departs_too_far_is_refused(tmp_path: Path) -> None:
    """Beside one enormous value that counts for nothing, 8 bits have no room for the others."""
    weight = np.random.default_rng(0).normal(0, 1, (64, 8)).astype(np.float32)
    weight[0] = 0
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "head")]
    weights = [numpy_helper.from_array(weight, "w")]
    whole = saved(nodes, weights, [value("x", "N", 64)], value("y", "N", 8), tmp_path / "w.onnx")
    x = np.random.default_rng(1).normal(0, 1, (16, 64)).astype(np.float32)
    x[:, 0] = 1e6
    answer = made(whole, tmp_path, "int8", "fp16", samples=[{"x": x}])
    message = answer["int8"]["error"]["message"]
    assert message.startswith("In int8 the output 'y' departs from the whole network's by 100 %")
    assert answer["fp16"]["max_rel_error"] < 1e-3


def test_what_float16_can_not_hold_stays(tmp_path: Path) -> None:
    weights = [tensor("large", 16, 16, scale=1e5), tensor("usual", 16, 16)]
    nodes = [
        helper.make_node("MatMul", ["x", "large"], ["a"], "first"),
        helper.make_node("MatMul", ["a", "usual"], ["y"], "second"),
    ]
    whole = saved(nodes, weights, [value("x", "N", 16)], value("y", "N", 16), tmp_path / "w.onnx")
    assert halving.halve(onnx.load(whole)) == ["usual"]


def test_classes_are_compared_by_how_many_differ(tmp_path: Path) -> None:
    def numbers(bias: list[float], name: str) -> Path:
        nodes = [
            helper.make_node("Add", ["x", "bias"], ["a"], "shift"),
            helper.make_node("ArgMax", ["a"], ["y"], "choose", axis=1, keepdims=0),
        ]
        weights = [numpy_helper.from_array(np.array(bias, np.float32), "bias")]
        out = value("y", "N", kind=TensorProto.INT64)
        return saved(nodes, weights, [value("x", "N", 2)], out, tmp_path / name)

    x = np.stack([np.zeros(100), np.linspace(-1, 1, 100)], 1).astype(np.float32)
    first, second = numbers([0, 0], "a.onnx"), numbers([0, 0.1], "b.onnx")
    found = checking.check(first, second, [{"x": x}], precisions.find("int8"))
    assert found == pytest.approx(0.05)
    with pytest.raises(ExportError, match="departs"):
        checking.check(first, numbers([0, 1], "c.onnx"), [{"x": x}], precisions.find("int8"))


def test_what_is_asked_for_must_be_known_and_possible(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(NetbuilderError, match="no precision 'int4'"):
        precisions.find("int4")
    with pytest.raises(ExportError, match="needs training samples"):
        lowering.lower(whole, {"int8-static": tmp_path / "a.onnx"}, calls(1), [])


def test_calls_are_written_and_read_in_their_order(tmp_path: Path) -> None:
    given = [{"x": np.full((1, 2), float(at)), "a.b": np.arange(at + 1)} for at in range(12)]
    lowering.write_feeds(given, tmp_path / "calls.safetensors")
    again = lowering.read_feeds(tmp_path / "calls.safetensors")
    assert [call["x"][0, 0] for call in again] == list(range(12))
    assert [len(call["a.b"]) for call in again] == list(range(1, 13))


def test_a_file_that_takes_something_else_is_refused(whole: Path) -> None:
    small, model = onnx.load(whole), onnx.load(whole)
    small.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8
    with pytest.raises(ExportError, match="inputs are not those of the whole"):
        keeping.keep(small, model, "int8")

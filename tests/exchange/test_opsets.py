"""The opset that was asked for is the one in the file, or it is refused with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from netbuilder.app.templates import open_template
from netbuilder.engine import tasks
from netbuilder.errors import ExportError
from netbuilder.exchange import opsets
from netbuilder.exchange.options import ExportOptions


@pytest.mark.parametrize("opset", [0, -1, onnx.defs.onnx_opset_version() + 1, 1000])
def test_an_opset_that_does_not_exist_is_refused_at_once(opset: int) -> None:
    with pytest.raises(ExportError, match="There is no opset") as refusal:
        opsets.refuse(opset)
    assert "Leave the opset out" in refusal.value.hint


def test_known_ones_are_not_refused() -> None:
    for opset in (13, 18, 20):
        opsets.refuse(opset)


def test_one_that_the_runtime_does_not_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # A runtime that is older than the onnx beside it.
    def no_session(*args: object) -> None:
        raise RuntimeError("Opset 18 is under development")

    monkeypatch.setattr("onnxruntime.InferenceSession", no_session)
    with pytest.raises(ExportError, match="does not run opset 18"):
        opsets.refuse(18)


def test_another_one_than_was_asked_for_is_not_taken() -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Abs", ["x"], ["x2"])], "g", [value], [])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    found = onnx_ir_of(model)
    opsets.check(found, 18)
    with pytest.raises(ExportError, match="opset 13: PyTorch wrote 18 instead"):
        opsets.check(found, 13)


def onnx_ir_of(model: onnx.ModelProto) -> object:
    import onnx_ir as ir

    return ir.from_proto(model)


@pytest.mark.nightly
def test_the_file_has_what_was_asked_for(tmp_path: Path) -> None:
    """PyTorch writes 18 where it can't write 13, without a word."""
    document, out = open_template("digits_mlp"), tmp_path / "a.onnx"
    with pytest.raises(ExportError, match="opset 13"):
        tasks.export(document, ExportOptions("onnx", opset=13), out, apart=False)
    assert not out.exists()
    tasks.export(document, ExportOptions("onnx", opset=21), out, apart=False)
    assert [entry.version for entry in onnx.load(out).opset_import] == [21]


NEWER = {("vit_small", 15), ("unet", 15)}
"""What uses operators that came later; PyTorch writes 18 instead."""


@pytest.mark.nightly
@pytest.mark.parametrize("opset", [15, 18, 20, 23])
@pytest.mark.parametrize("template", ["lenet5", "vit_small", "gru_sequence", "unet"])
def test_templates_in_several_opsets(template: str, opset: int, tmp_path: Path) -> None:
    out = tmp_path / "a.onnx"
    document, options = open_template(template), ExportOptions("onnx", opset=opset)
    if (template, opset) in NEWER:
        with pytest.raises(ExportError, match=f"can't be written in opset {opset}"):
            tasks.export(document, options, out)
        assert not out.exists()
        return
    answer = tasks.export(document, options, out)
    assert answer["verified"]
    assert [entry.version for entry in onnx.load(out).opset_import if not entry.domain] == [opset]


@pytest.mark.parametrize("opset", [17, 15])
def test_an_older_opset_keeps_the_names(opset: int) -> None:
    """Means over axes were attributes before 18, and a softmax of 18 is one of 13 still."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 1])
    nodes = [
        helper.make_node("Softmax", ["x"], ["scores.output"], name="scores"),
        helper.make_node("ReduceMean", ["scores.output", "axes"], ["y"], name="pool"),
    ]
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "g", [value], [out], [axes])
    found: Any = onnx_ir_of(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    )
    assert opsets.lower(found, opset) == {}
    opsets.check(found, opset)
    assert [node.name for node in found.graph] == ["scores", "pool"]


def test_nodes_that_an_older_opset_adds_are_called_after_their_reader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N"])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N"])
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["b"]),
        helper.make_node("Exp", ["b"], ["y"], name="act"),
    ]
    graph = helper.make_graph(nodes, "g", [value], [out])
    found: Any = onnx_ir_of(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    )
    monkeypatch.setattr("onnxscript.version_converter.convert_version", lambda *_, **__: None)
    assert opsets.lower(found, 17) == {"act_2": "act", "act_3": "act"}


def test_an_export_to_an_older_opset_has_the_names_of_the_drawing(tmp_path: Path) -> None:
    document, out = open_template("digits_mlp"), tmp_path / "a.onnx"
    tasks.export(document, ExportOptions("onnx", opset=17), out, apart=False)
    model = onnx.load(out)
    assert [entry.version for entry in model.opset_import if not entry.domain] == [17]
    [network] = document.of_kind("network")
    drawn = {node.name for node in network.nodes.values() if node.layer == "torch.nn.ReLU"}
    assert drawn
    assert drawn <= {node.name for node in model.graph.node}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"

"""The opset that was asked for is the one in the file, or it is refused with a reason."""

from __future__ import annotations

from pathlib import Path

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


@pytest.mark.nightly
@pytest.mark.parametrize("opset", [15, 18, 20, 23])
@pytest.mark.parametrize("template", ["lenet5", "vit_small", "gru_sequence", "unet"])
def test_templates_in_several_opsets(template: str, opset: int, tmp_path: Path) -> None:
    out = tmp_path / "a.onnx"
    answer = tasks.export(open_template(template), ExportOptions("onnx", opset=opset), out)
    assert answer["verified"]
    assert [entry.version for entry in onnx.load(out).opset_import if not entry.domain] == [opset]
